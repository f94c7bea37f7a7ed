using System;

namespace SellercloudOutput
{
    /// <summary>
    /// A record of one HTTP request and its outcome, for logging. It contains no token, password or body. Immutable.
    /// </summary>
    public sealed class RequestRecord
    {
        internal unsafe RequestRecord(NativeRequestRecord* record)
        {
            Method = Utf8.Read(record->Method);
            Url = Utf8.Read(record->Url);
            Error = Utf8.Read(record->Error);
            BytesReceived = (long)record->BytesReceived;
            // TimeSpan.FromSeconds rounds to milliseconds on .NET Framework.
            Duration = TimeSpan.FromTicks((long)(record->DurationSeconds * TimeSpan.TicksPerSecond));
            HttpStatus = record->HttpStatus == 0 ? (int?)null : record->HttpStatus;
            Attempt = (int)record->Attempt;
        }

        /// <summary>Gets the HTTP method: "GET" or "POST".</summary>
        public string Method { get; }

        /// <summary>Gets the URL of the request.</summary>
        public string Url { get; }

        /// <summary>
        /// Gets the reason why there was no response or only a part of one; otherwise, <see langword="null"/>.
        /// </summary>
        public string Error { get; }

        /// <summary>
        /// Gets the number of bytes of the response body that were received, counted as they are sent: encoded and, if
        /// the server compresses, compressed.
        /// </summary>
        public long BytesReceived { get; }

        /// <summary>Gets the time from the start of the request to the end of the response body.</summary>
        public TimeSpan Duration { get; }

        /// <summary>
        /// Gets the HTTP status code of the response, or <see langword="null"/> if there was no response.
        /// </summary>
        public int? HttpStatus { get; }

        /// <summary>Gets the number of the attempt within the call. The first attempt is 1.</summary>
        public int Attempt { get; }
    }
}
