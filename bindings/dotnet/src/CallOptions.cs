using System;

namespace SellercloudOutput
{
    /// <summary>Options of one call. Every property has a default.</summary>
    /// <remarks>
    /// A call copies the options when it begins, so that later changes do not affect it. Several calls may use the same
    /// options at the same time. Do not change them on one thread while another thread begins a call with them. Times
    /// are rounded up to whole milliseconds.
    /// </remarks>
    public sealed class CallOptions
    {
        /// <summary>
        /// Initializes a new instance of the <see cref="CallOptions"/> class with the default options.
        /// </summary>
        public CallOptions()
        {
        }

        /// <summary>
        /// Gets or sets the maximum duration of the whole call, with login, retries and waits. Default:
        /// <see langword="null"/>, which means <see cref="SellercloudClientOptions.CallTimeout"/>, or 24 hours for
        /// calls that wait for a job. Zero is rejected. <see cref="System.Threading.Timeout.InfiniteTimeSpan"/> means
        /// no limit.
        /// </summary>
        public TimeSpan? Timeout { get; set; }

        /// <summary>
        /// Gets or sets an object that receives the progress of the download. Default: <see langword="null"/>.
        /// </summary>
        /// <remarks>
        /// The call reports at the beginning of each attempt and after each chunk, on the thread that runs the call.
        /// <see cref="Progress{T}"/> forwards these reports to the context in which it was created. An exception that
        /// <see cref="IProgress{T}.Report"/> throws cancels the call, and the call rethrows it.
        /// </remarks>
        public IProgress<TransferProgress> Progress { get; set; }

        /// <summary>
        /// Gets or sets the name under which the file is saved. Default: <see langword="null"/>, which means the
        /// server's name. A path is rejected.
        /// </summary>
        public string FileName { get; set; }

        /// <summary>
        /// Gets or sets what happens if a file of the same name already exists. Default:
        /// <see cref="SellercloudOutput.IfExists.Fail"/>.
        /// </summary>
        public IfExists IfExists { get; set; } = IfExists.Fail;

        /// <summary>
        /// Gets or sets a value indicating whether a saved file is flushed to the disk before the call returns.
        /// Default: <see langword="true"/>, so that a power failure cannot lose the file or a part of it.
        /// </summary>
        public bool FlushToDisk { get; set; } = true;

        /// <summary>
        /// Gets or sets the interval between the first and the second request for a job's status. Each later interval
        /// is the one before multiplied by 1.5. Intervals below 100 milliseconds are raised to that. Default: 1 second.
        /// Zero is rejected.
        /// </summary>
        public TimeSpan WaitInitialInterval { get; set; } = TimeSpan.FromSeconds(1);

        /// <summary>
        /// Gets or sets the maximum interval between two requests for a job's status. Intervals below 100 milliseconds
        /// are raised to that. Default: 30 seconds. Zero is rejected.
        /// </summary>
        public TimeSpan WaitMaxInterval { get; set; } = TimeSpan.FromSeconds(30);

        /// <summary>
        /// Gets or sets how long failures may last before they end a wait. Default: 2 minutes. Zero means that the
        /// first failure ends the wait. <see cref="System.Threading.Timeout.InfiniteTimeSpan"/> means no limit other
        /// than the timeout of the call.
        /// </summary>
        /// <remarks>
        /// These failures are: a job that the server cannot find yet, a lost connection, a stalled response, a rate
        /// limit, a transient HTTP status, and a response that is not a job. Once the server has sent the job, HTTP
        /// status 500 is one of them too. The time starts over whenever the server sends the job. A time that the
        /// server asks to wait (Retry-After) does not count. Calls that download the file after the wait allow the same
        /// time for the file to appear.
        /// </remarks>
        public TimeSpan WaitGrace { get; set; } = TimeSpan.FromMinutes(2);

        /// <summary>
        /// Gets or sets a value indicating whether a job on hold ends a wait with
        /// <see cref="SellercloudErrorKind.JobFailed"/>. Default: <see langword="true"/>, since such a job stays on
        /// hold until a user releases it. With <see langword="false"/>, the wait continues until the call times out.
        /// </summary>
        public bool FailOnHold { get; set; } = true;

        internal CallOptions Copy()
        {
            return (CallOptions)MemberwiseClone();
        }

        /// <summary>
        /// Creates native options without cancellation and progress. The caller disposes them.
        /// </summary>
        internal CallOptionsHandle ToNative()
        {
            var options = NativeMethods.sco_call_options_new();
            try
            {
                if (Timeout != null)
                {
                    Check(
                        NativeMethods.sco_call_options_set_timeout_ms(
                            options, Milliseconds.FromTimeSpan(Timeout.Value, nameof(Timeout)), out var timeoutError),
                        timeoutError);
                }
                SetSave(options);
                SetWait(options);
                return options;
            }
            catch
            {
                options.Dispose();
                throw;
            }
        }

        private void SetSave(CallOptionsHandle options)
        {
            if (FileName != null)
            {
                using (var name = new NativeText(FileName, nameof(FileName)))
                {
                    Check(
                        NativeMethods.sco_call_options_set_file_name(options, name, out var nameError), nameError);
                }
            }
            Check(
                NativeMethods.sco_call_options_set_if_exists(options, (int)IfExists, out var existsError),
                existsError);
            Check(
                NativeMethods.sco_call_options_set_flush_to_disk(options, FlushToDisk ? 1 : 0, out var flushError),
                flushError);
        }

        private void SetWait(CallOptionsHandle options)
        {
            Check(
                NativeMethods.sco_call_options_set_wait_initial_interval_ms(
                    options,
                    Milliseconds.FromTimeSpan(WaitInitialInterval, nameof(WaitInitialInterval)),
                    out var initialError),
                initialError);
            Check(
                NativeMethods.sco_call_options_set_wait_max_interval_ms(
                    options, Milliseconds.FromTimeSpan(WaitMaxInterval, nameof(WaitMaxInterval)), out var maxError),
                maxError);
            Check(
                NativeMethods.sco_call_options_set_wait_grace_ms(
                    options, Milliseconds.FromTimeSpan(WaitGrace, nameof(WaitGrace)), out var graceError),
                graceError);
            Check(
                NativeMethods.sco_call_options_set_fail_on_hold(options, FailOnHold ? 1 : 0, out var holdError),
                holdError);
        }

        private static void Check(int status, ErrorHandle error)
        {
            SellercloudException.ThrowIfFailed(status, error);
        }
    }
}
