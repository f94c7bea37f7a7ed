namespace SellercloudOutput
{
    /// <summary>The progress of a download.</summary>
    public readonly struct TransferProgress
    {
        internal TransferProgress(long bytesReceived, long? totalBytes, int attempt)
        {
            BytesReceived = bytesReceived;
            TotalBytes = totalBytes;
            Attempt = attempt;
        }

        /// <summary>
        /// Gets the number of bytes of the response body that were received in this attempt. Bytes are counted as they
        /// are sent: encoded and, if the server compresses, compressed.
        /// </summary>
        public long BytesReceived { get; }

        /// <summary>
        /// Gets the size of the response body in bytes, or <see langword="null"/> if the server did not send it.
        /// </summary>
        public long? TotalBytes { get; }

        /// <summary>
        /// Gets the number of the attempt. The first attempt is 1. <see cref="BytesReceived"/> starts at zero in each
        /// attempt.
        /// </summary>
        public int Attempt { get; }
    }
}
