using System;
using System.Collections.Generic;

namespace SellercloudOutput
{
    /// <summary>The exception that is thrown when a call fails.</summary>
    /// <remarks>
    /// <para>
    /// <see cref="Exception.Message"/> is one line: what failed, where, why, and what to do. It never contains a token
    /// or a password.
    /// </para>
    /// <para>
    /// <see cref="Exception.InnerException"/> is the exception that <see cref="SellercloudClientOptions.OnRequest"/>
    /// threw during the call, or <see langword="null"/> if it threw none. It is not the reason for the failure.
    /// </para>
    /// </remarks>
    public sealed class SellercloudException : Exception
    {
        private SellercloudException(int status, ErrorHandle error, Exception observerException)
            : base(Utf8.Read(NativeMethods.sco_error_message(error)), observerException)
        {
            Kind = (SellercloudErrorKind)status;
            var httpStatus = NativeMethods.sco_error_http_status(error);
            HttpStatus = httpStatus == 0 ? (int?)null : httpStatus;
            var retryAfter = NativeMethods.sco_error_retry_after_ms(error);
            RetryAfter = retryAfter < 0 ? (TimeSpan?)null : Milliseconds.ToTimeSpan(retryAfter);
            Attempts = (int)NativeMethods.sco_error_attempts(error);
            IsRetryable = NativeMethods.sco_error_is_retryable(error) != 0;
            var osError = NativeMethods.sco_error_os_error(error);
            OSErrorCode = osError == 0 ? (int?)null : osError;
            Path = Utf8.Read(NativeMethods.sco_error_path(error));
            var jobId = NativeMethods.sco_error_job_id(error);
            JobId = jobId == 0 ? (long?)null : jobId;
            var job = NativeMethods.sco_error_job(error);
            Job = job == IntPtr.Zero ? null : new QueuedJob(job);
            JobLog = ReadJobLog(error);
        }

        /// <summary>Gets the kind of the error.</summary>
        public SellercloudErrorKind Kind { get; }

        /// <summary>
        /// Gets the HTTP status code, such as 500, if the error is a response of the server; otherwise,
        /// <see langword="null"/>.
        /// </summary>
        public int? HttpStatus { get; }

        /// <summary>
        /// Gets how long to wait before the next call: the time that the server asks for, or the backoff for which the
        /// call had no time left. <see langword="null"/> if there is neither.
        /// </summary>
        public TimeSpan? RetryAfter { get; }

        /// <summary>
        /// Gets the number of attempts that the call made; zero if it failed before the first attempt.
        /// </summary>
        public int Attempts { get; }

        /// <summary>
        /// Gets a value indicating whether the error is transient, so that the same call may succeed later.
        /// </summary>
        /// <value>
        /// <see langword="true"/> for lost connections, timeouts, rate limits and a busy server; otherwise,
        /// <see langword="false"/>.
        /// </value>
        public bool IsRetryable { get; }

        /// <summary>
        /// Gets the operating system's error code of an error of kind <see cref="SellercloudErrorKind.Io"/>, or
        /// <see langword="null"/> if there is none.
        /// </summary>
        /// <remarks>
        /// The code is an errno value, or on Windows the value of GetLastError. Common codes: the file name is in use
        /// (17; on Windows 80), the directory does not exist (2; on Windows 3), the disk is full (28; on Windows 112).
        /// </remarks>
        public int? OSErrorCode { get; }

        /// <summary>
        /// Gets the path of the file or directory that an error of kind <see cref="SellercloudErrorKind.Io"/> concerns,
        /// or <see langword="null"/> if there is none.
        /// </summary>
        public string Path { get; }

        /// <summary>
        /// Gets the ID of the job that the call was for, or <see langword="null"/> if the error concerns no job.
        /// </summary>
        public long? JobId { get; }

        /// <summary>
        /// Gets the job if <see cref="Kind"/> is <see cref="SellercloudErrorKind.JobFailed"/>; otherwise,
        /// <see langword="null"/>.
        /// </summary>
        public QueuedJob Job { get; }

        /// <summary>
        /// Gets the first error lines of the log of a job that did not succeed. The list is empty if there are none or
        /// the log could not be downloaded. <see cref="Exception.Message"/> contains these lines too.
        /// </summary>
        public IReadOnlyList<string> JobLog { get; }

        /// <summary>
        /// Creates the exception of a failed call, or returns <see langword="null"/> if it succeeded. Frees the error.
        /// </summary>
        internal static SellercloudException FromStatus(
            int status, ErrorHandle error, Exception observerException = null)
        {
            using (error)
            {
                return status == 0 ? null : new SellercloudException(status, error, observerException);
            }
        }

        /// <summary>Throws if the call failed. Frees the error.</summary>
        internal static void ThrowIfFailed(int status, ErrorHandle error)
        {
            var exception = FromStatus(status, error);
            if (exception != null)
            {
                throw exception;
            }
        }

        private static IReadOnlyList<string> ReadJobLog(ErrorHandle error)
        {
            var lines = new List<string>();
            while (true)
            {
                var line = Utf8.Read(NativeMethods.sco_error_job_log_line(error, new UIntPtr((uint)lines.Count)));
                if (line == null)
                {
                    return lines.AsReadOnly();
                }
                lines.Add(line);
            }
        }
    }
}
