using System;

namespace SellercloudOutput
{
    /// <summary>
    /// One request and what came of it, for a log. It holds no token, password or body. Immutable.
    /// </summary>
    public sealed class RequestRecord
    {
        internal unsafe RequestRecord(NativeRequest* request)
        {
            Method = Utf8.Read(request->Method);
            Url = Utf8.Read(request->Url);
            Error = Utf8.Read(request->Error);
            Bytes = (long)request->Bytes;
            // Not FromSeconds, which .NET Framework rounds to milliseconds.
            Duration = TimeSpan.FromTicks((long)(request->Seconds * TimeSpan.TicksPerSecond));
            HttpStatus = request->Status == 0 ? (int?)null : request->Status;
            Attempt = (int)request->Attempt;
        }

        /// <summary>"GET" or "POST".</summary>
        public string Method { get; }

        /// <summary>The URL that was asked for.</summary>
        public string Url { get; }

        /// <summary>Why there was no answer, or not all of it; else null.</summary>
        public string Error { get; }

        /// <summary>How many bytes of the answer's body were read, as they were sent.</summary>
        public long Bytes { get; }

        /// <summary>From the request's beginning to the end of the answer's body.</summary>
        public TimeSpan Duration { get; }

        /// <summary>The HTTP status code; null where there was no answer.</summary>
        public int? HttpStatus { get; }

        /// <summary>Which attempt of the call this was; the first is 1.</summary>
        public int Attempt { get; }
    }
}
