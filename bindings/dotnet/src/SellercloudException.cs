using System;
using System.Collections.Generic;

namespace SellercloudOutput
{
    /// <summary>
    /// Why a call failed. <see cref="Exception.Message"/> is one line for people: what happened, where, and what to
    /// do. It never holds a token or a password. <see cref="Exception.InnerException"/> is what
    /// <see cref="SellercloudClientOptions.Log"/> threw during the call, which is not why it failed; else null.
    /// </summary>
    public sealed class SellercloudException : Exception
    {
        private SellercloudException(int status, ErrorHandle error, Exception thrownByLog)
            : base(Utf8.Read(NativeMethods.sco_error_message(error)), thrownByLog)
        {
            Kind = (SellercloudErrorKind)status;
            var httpStatus = NativeMethods.sco_error_http_status(error);
            HttpStatus = httpStatus == 0 ? (int?)null : httpStatus;
            var retryAfter = NativeMethods.sco_error_retry_after_ms(error);
            RetryAfter = retryAfter < 0 ? (TimeSpan?)null : Milliseconds.ToTimeSpan(retryAfter);
            Attempts = (int)NativeMethods.sco_error_attempts(error);
            RetryMayHelp = NativeMethods.sco_error_retry_may_help(error) != 0;
            var osError = NativeMethods.sco_error_os_error(error);
            OSErrorCode = osError == 0 ? (int?)null : osError;
            Path = Utf8.Read(NativeMethods.sco_error_path(error));
            var job = NativeMethods.sco_error_job(error);
            Job = job == IntPtr.Zero ? null : new QueuedJob(job);
            LogLines = LogLinesOf(error);
        }

        /// <summary>What went wrong.</summary>
        public SellercloudErrorKind Kind { get; }

        /// <summary>The HTTP status code where the server's answer is the error, such as 500; else null.</summary>
        public int? HttpStatus { get; }

        /// <summary>How long to wait before the next call, where the server says so; else null.</summary>
        public TimeSpan? RetryAfter { get; }

        /// <summary>How many times the request was tried; 0 if it was not.</summary>
        public int Attempts { get; }

        /// <summary>
        /// Whether the same call may succeed later without any change: lost connections, time limits, rate limits, a
        /// busy server.
        /// </summary>
        public bool RetryMayHelp { get; }

        /// <summary>
        /// Gets the operating system's code for an error of the kind <see cref="SellercloudErrorKind.Io"/>: an errno
        /// value, or on Windows what GetLastError returns; null if there is none. It tells a name that is taken (17,
        /// on Windows 80), a missing directory (2, on Windows 3) and a full disk (28, on Windows 112) apart.
        /// </summary>
        public int? OSErrorCode { get; }

        /// <summary>
        /// Gets the path of the file or directory that an error of the kind <see cref="SellercloudErrorKind.Io"/>
        /// concerns; null if there is none.
        /// </summary>
        public string Path { get; }

        /// <summary>The job as it ended, for <see cref="SellercloudErrorKind.JobFailed"/>; else null.</summary>
        public QueuedJob Job { get; }

        /// <summary>
        /// The first error lines of the log of a job that ended without success, where they could be had; else empty.
        /// They are in the message as well.
        /// </summary>
        public IReadOnlyList<string> LogLines { get; }

        /// <summary>The exception of a failed call, or null; frees the error.</summary>
        internal static SellercloudException Of(int status, ErrorHandle error, Exception thrownByLog = null)
        {
            using (error)
            {
                return status == 0 ? null : new SellercloudException(status, error, thrownByLog);
            }
        }

        /// <summary>Throws if the call failed; frees the error.</summary>
        internal static void ThrowIfFailed(int status, ErrorHandle error)
        {
            var exception = Of(status, error);
            if (exception != null)
            {
                throw exception;
            }
        }

        private static IReadOnlyList<string> LogLinesOf(ErrorHandle error)
        {
            var lines = new List<string>();
            while (true)
            {
                var line = Utf8.Read(NativeMethods.sco_error_log_line(error, new UIntPtr((uint)lines.Count)));
                if (line == null)
                {
                    return lines.AsReadOnly();
                }
                lines.Add(line);
            }
        }
    }
}
