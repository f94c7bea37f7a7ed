using System;

namespace SellercloudOutput
{
    /// <summary>
    /// Options of one call. Every property has its default until it is set. One thread at a time may change them; any
    /// number of calls may use them. A call takes them as they are when it is made.
    /// </summary>
    public sealed class CallOptions
    {
        /// <summary>
        /// Gets or sets the longest time that the whole call may take, with login, retries and waits. Null, the
        /// default, for <see cref="SellercloudClientOptions.CallTimeout"/>, or 24 hours for calls that wait for a job.
        /// Zero is rejected; <see cref="System.Threading.Timeout.InfiniteTimeSpan"/> means no limit.
        /// </summary>
        public TimeSpan? Timeout { get; set; }

        /// <summary>
        /// Is told how a file's transfer goes, on the thread that makes the call: at the beginning of each attempt and
        /// after every piece that came. (<see cref="Progress{T}"/> hands that on to the thread that made it.) What it
        /// throws ends the call, and is thrown by it.
        /// </summary>
        public IProgress<TransferProgress> Progress { get; set; }

        /// <summary>The name to save the file under; null, the default, for the server's.</summary>
        public string FileName { get; set; }

        /// <summary>What to do where a file of that name is there already. The default is to fail.</summary>
        public IfExists IfExists { get; set; } = IfExists.Fail;

        /// <summary>
        /// Whether saving waits until the file is on the disk, so that not even a power failure can lose it or leave
        /// half of it. The default is true.
        /// </summary>
        public bool Sync { get; set; } = true;

        /// <summary>
        /// Gets or sets the interval before the second request for a job's status; every later interval is the one
        /// before multiplied by 1.5. The default is 1 second. Zero is rejected.
        /// </summary>
        public TimeSpan WaitFirst { get; set; } = TimeSpan.FromSeconds(1);

        /// <summary>
        /// Gets or sets the longest of these intervals. The default is 30 seconds. Zero is rejected.
        /// </summary>
        public TimeSpan WaitLongest { get; set; } = TimeSpan.FromSeconds(30);

        /// <summary>
        /// Gets or sets for how long "could not find" is taken as "not yet", and a server that cannot be reached as one
        /// that will come back. The default is 2 minutes. Zero means no grace.
        /// </summary>
        public TimeSpan WaitGrace { get; set; } = TimeSpan.FromMinutes(2);

        /// <summary>
        /// Gets or sets a value indicating whether a job on hold ends the wait at once with
        /// <see cref="SellercloudErrorKind.JobFailed"/>, since it stays so until a user releases it; <c>false</c> waits
        /// on. The default is <c>true</c>.
        /// </summary>
        public bool FailOnHold { get; set; } = true;

        internal CallOptions Copy()
        {
            return (CallOptions)MemberwiseClone();
        }

        /// <summary>The options as the C interface has them, but for what is called back. Free it.</summary>
        internal OptionsHandle ToNative()
        {
            var options = NativeMethods.sco_options_new();
            try
            {
                if (Timeout != null)
                {
                    SellercloudException.ThrowIfFailed(
                        NativeMethods.sco_options_set_timeout(
                            options, Milliseconds.Of(Timeout.Value, nameof(Timeout)), out var error),
                        error);
                }
                using (var name = new NativeText(FileName, nameof(FileName)))
                {
                    SellercloudException.ThrowIfFailed(
                        NativeMethods.sco_options_set_save(
                            options, name, (int)IfExists, Sync ? 1 : 0, out var error),
                        error);
                }
                SellercloudException.ThrowIfFailed(
                    NativeMethods.sco_options_set_wait(
                        options,
                        Milliseconds.Of(WaitFirst, nameof(WaitFirst)),
                        Milliseconds.Of(WaitLongest, nameof(WaitLongest)),
                        Milliseconds.Of(WaitGrace, nameof(WaitGrace)),
                        out var waitError),
                    waitError);
                SellercloudException.ThrowIfFailed(
                    NativeMethods.sco_options_set_fail_on_hold(options, FailOnHold ? 1 : 0, out var holdError),
                    holdError);
                return options;
            }
            catch
            {
                options.Dispose();
                throw;
            }
        }
    }
}
