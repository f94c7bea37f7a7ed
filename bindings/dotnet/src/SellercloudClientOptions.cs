using System;
using System.Diagnostics;

namespace SellercloudOutput
{
    /// <summary>
    /// Options of a client. Needed are <see cref="Server"/> or <see cref="Team"/>, and one of <see cref="Token"/>,
    /// <see cref="UserName"/> with <see cref="Password"/>, and <see cref="TokenSource"/>; all else has its default
    /// until it is set. A client copies them as it is made. Times are rounded up to whole milliseconds.
    /// </summary>
    /// <remarks>
    /// The timeouts, <see cref="MaxSize"/> and <see cref="Attempts"/> are limits: zero is rejected with
    /// <see cref="SellercloudErrorKind.InvalidArgument"/>. A timeout of
    /// <see cref="System.Threading.Timeout.InfiniteTimeSpan"/>, and the largest value of each, means no limit.
    /// </remarks>
    public sealed class SellercloudClientOptions
    {
        /// <summary>A server id ("tt" means https://tt.api.sellercloud.com/rest) or a base URL.</summary>
        public string Server { get; set; }

        /// <summary>
        /// The team whose server is meant, in place of <see cref="Server"/>: it is looked up by the team's name with
        /// the first call.
        /// </summary>
        public string Team { get; set; }

        /// <summary>Where teams are looked up. The default is https://api.sellercloud.com.</summary>
        public string TeamDirectory { get; set; }

        /// <summary>The bearer token, alone. The client wipes its copy from memory when it is disposed.</summary>
        [DebuggerBrowsable(DebuggerBrowsableState.Never)]
        public string Token { get; set; }

        /// <summary>
        /// The user to log in, in place of a token. The client logs in with the first call that needs it, once however
        /// many threads call, and again when the token expires or is refused.
        /// </summary>
        public string UserName { get; set; }

        /// <summary>The user's password. The client wipes its copy from memory when it is disposed.</summary>
        [DebuggerBrowsable(DebuggerBrowsableState.Never)]
        public string Password { get; set; }

        /// <summary>
        /// Gives the token for every request, for those who keep tokens elsewhere. It is told whether the server has
        /// just refused the one that was given last; to give the same again then ends the call. Called on the threads
        /// that make calls, by several at once; it may make calls itself. What it throws ends the call, and is thrown
        /// by it.
        /// </summary>
        public Func<bool, string> TokenSource { get; set; }

        /// <summary>How the server writes files into its answers.</summary>
        public BodyEncoding BodyEncoding { get; set; } = BodyEncoding.Base64;

        /// <summary>
        /// The largest file to accept, in bytes after decoding. Null, the default, is 2 GiB for files in memory, and
        /// no limit for those that are saved or copied. Zero is rejected; <see cref="long.MaxValue"/> means no limit.
        /// </summary>
        public long? MaxSize { get; set; }

        /// <summary>
        /// Whether to allow http:// to hosts other than this machine. The token and the files then travel in the
        /// clear. The default is false.
        /// </summary>
        public bool AllowPlainHttp { get; set; }

        /// <summary>
        /// Gets or sets how long to wait for a connection: name lookup, proxy and TLS together. The default is 30
        /// seconds. Zero is rejected; <see cref="System.Threading.Timeout.InfiniteTimeSpan"/> means no limit.
        /// </summary>
        public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(30);

        /// <summary>
        /// Gets or sets how long the server may be silent. The default is 60 seconds. Zero is rejected;
        /// <see cref="System.Threading.Timeout.InfiniteTimeSpan"/> means no limit.
        /// </summary>
        public TimeSpan StallTimeout { get; set; } = TimeSpan.FromSeconds(60);

        /// <summary>
        /// The longest that a whole call may take, with login, retries and waits. The default is 1 hour. Calls that
        /// wait for a job have 24 hours, whatever is set here; <see cref="CallOptions.Timeout"/> comes before both.
        /// Zero is rejected; <see cref="System.Threading.Timeout.InfiniteTimeSpan"/> means no limit.
        /// </summary>
        public TimeSpan CallTimeout { get; set; } = TimeSpan.FromHours(1);

        /// <summary>
        /// Gets or sets how many times to try, the first one included. The default is 5, and 1 means no retry. Zero is
        /// rejected.
        /// </summary>
        public int Attempts { get; set; } = 5;

        /// <summary>
        /// The longest wait before the second attempt, doubled for each later one. The default is 1 second. The wait
        /// is chosen at random up to that, and what the server asks for is added. Zero means to retry at once.
        /// </summary>
        public TimeSpan RetryBase { get; set; } = TimeSpan.FromSeconds(1);

        /// <summary>The longest wait before an attempt. The default is 30 seconds.</summary>
        public TimeSpan RetryLongest { get; set; } = TimeSpan.FromSeconds(30);

        /// <summary>
        /// Gets or sets a value indicating whether a response with status 500 is retried as well. The default is
        /// <c>false</c>, since the server uses it also for errors that a retry does not help, such as a job that does
        /// not exist.
        /// </summary>
        public bool RetryServerErrors { get; set; }

        /// <summary>
        /// The proxy for every server, such as "http://user:password@proxy:3128" (user name and password
        /// percent-encoded); "" for none. Null, the default, for what the environment says: https_proxy, http_proxy,
        /// all_proxy and no_proxy, lowercase or uppercase. A server on loopback is never reached through a proxy.
        /// </summary>
        [DebuggerBrowsable(DebuggerBrowsableState.Never)]
        public string Proxy { get; set; }

        /// <summary>CA certificates to trust besides those that the system trusts; one or more in PEM.</summary>
        public string CaCertificates { get; set; }

        /// <summary>
        /// The certificate to show to servers that ask for one, with its chain, in PEM. Goes with
        /// <see cref="ClientKey"/>.
        /// </summary>
        [DebuggerBrowsable(DebuggerBrowsableState.Never)]
        public string ClientCertificate { get; set; }

        /// <summary>
        /// That certificate's private key, in PEM; it may be the same text.
        /// </summary>
        [DebuggerBrowsable(DebuggerBrowsableState.Never)]
        public string ClientKey { get; set; }

        /// <summary>
        /// Gets or sets a function that is called with a record of every request, on the threads that make calls, by
        /// several at once; it may make calls itself. It never decides a call's outcome: what it throws is the
        /// <see cref="Exception.InnerException"/> of a <see cref="SellercloudException"/> if the call failed; otherwise
        /// it is written to <see cref="Trace"/>, once for a client.
        /// </summary>
        public Action<RequestRecord> Log { get; set; }

        /// <summary>The options as the C interface has them, but for server and token. Free it.</summary>
        internal ConfigHandle ToNative()
        {
            var config = NativeMethods.sco_config_new();
            try
            {
                SetServer(config);
                SetUser(config);
                SetLimits(config);
                SetConnection(config);
                SetLog(config);
                return config;
            }
            catch
            {
                config.Dispose();
                throw;
            }
        }

        private void SetServer(ConfigHandle config)
        {
            if (Team != null)
            {
                using (var team = new NativeText(Team, nameof(Team)))
                {
                    Check(NativeMethods.sco_config_set_team(config, team, out var error), error);
                }
            }
            if (TeamDirectory != null)
            {
                using (var url = new NativeText(TeamDirectory, nameof(TeamDirectory)))
                {
                    Check(NativeMethods.sco_config_set_team_directory(config, url, out var error), error);
                }
            }
        }

        private void SetUser(ConfigHandle config)
        {
            if (UserName != null || Password != null)
            {
                using (var user = new NativeText(UserName ?? "", nameof(UserName)))
                using (var password = new NativeText(Password ?? "", nameof(Password)))
                {
                    Check(NativeMethods.sco_config_set_credentials(config, user, password, out var error), error);
                }
            }
            if (TokenSource != null)
            {
                Check(
                    NativeMethods.sco_config_set_token_callback(
                        config, Call.GiveToken, IntPtr.Zero, out var error),
                    error);
            }
        }

        private void SetLimits(ConfigHandle config)
        {
            Check(NativeMethods.sco_config_set_body_encoding(config, (int)BodyEncoding, out var encodingError),
                encodingError);
            if (MaxSize != null)
            {
                var maxSize = (ulong)NotNegative(MaxSize.Value, nameof(MaxSize));
                Check(NativeMethods.sco_config_set_max_size(config, maxSize, out var error), error);
            }
            Check(
                NativeMethods.sco_config_set_timeouts(
                    config,
                    Milliseconds.Of(ConnectTimeout, nameof(ConnectTimeout)),
                    Milliseconds.Of(StallTimeout, nameof(StallTimeout)),
                    Milliseconds.Of(CallTimeout, nameof(CallTimeout)),
                    out var timeoutsError),
                timeoutsError);
            Check(
                NativeMethods.sco_config_set_retry(
                    config,
                    (uint)NotNegative(Attempts, nameof(Attempts)),
                    Milliseconds.Of(RetryBase, nameof(RetryBase)),
                    Milliseconds.Of(RetryLongest, nameof(RetryLongest)),
                    out var retryError),
                retryError);
            Check(
                NativeMethods.sco_config_set_retry_server_errors(
                    config, RetryServerErrors ? 1 : 0, out var serverErrorsError),
                serverErrorsError);
        }

        private void SetConnection(ConfigHandle config)
        {
            Check(
                NativeMethods.sco_config_set_allow_plain_http(config, AllowPlainHttp ? 1 : 0, out var plainError),
                plainError);
            if (Proxy != null)
            {
                using (var url = new NativeText(Proxy, nameof(Proxy)))
                {
                    Check(NativeMethods.sco_config_set_proxy(config, url, out var error), error);
                }
            }
            if (CaCertificates != null)
            {
                using (var pem = new NativeText(CaCertificates, nameof(CaCertificates)))
                {
                    Check(NativeMethods.sco_config_add_ca_certificates(config, pem, pem.Length, out var error), error);
                }
            }
            if (ClientCertificate != null || ClientKey != null)
            {
                using (var chain = new NativeText(ClientCertificate ?? "", nameof(ClientCertificate)))
                using (var key = new NativeText(ClientKey ?? "", nameof(ClientKey)))
                {
                    Check(
                        NativeMethods.sco_config_set_client_certificate(
                            config, chain, chain.Length, key, key.Length, out var error),
                        error);
                }
            }
        }

        private void SetLog(ConfigHandle config)
        {
            if (Log != null)
            {
                Check(
                    NativeMethods.sco_config_set_log(config, Call.TellRequest, IntPtr.Zero, out var error),
                    error);
            }
        }

        private static void Check(int status, ErrorHandle error)
        {
            SellercloudException.ThrowIfFailed(status, error);
        }

        private static long NotNegative(long number, string name)
        {
            if (number < 0)
            {
                throw new ArgumentOutOfRangeException(name, number, name + " must not be negative.");
            }
            return number;
        }
    }
}
