namespace SellercloudOutput
{
    /// <summary>How far a file's transfer has come.</summary>
    public readonly struct TransferProgress
    {
        internal TransferProgress(long received, long? total, int attempt)
        {
            Received = received;
            Total = total;
            Attempt = attempt;
        }

        /// <summary>
        /// Bytes of the answer's body received in this attempt, as they are sent: encoded, and compressed if the
        /// server does so.
        /// </summary>
        public long Received { get; }

        /// <summary>How many there will be; null where the server did not say so.</summary>
        public long? Total { get; }

        /// <summary>Which attempt this is; the first is 1. With a new one <see cref="Received"/> starts over.</summary>
        public int Attempt { get; }
    }
}
