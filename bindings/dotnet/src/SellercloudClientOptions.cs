using System;
using System.Diagnostics;

namespace SellercloudOutput
{
    /// <summary>
    /// Options of a client. Set either <see cref="Server"/> or <see cref="Team"/>, and one of <see cref="Token"/>,
    /// <see cref="UserName"/> with <see cref="Password"/>, and <see cref="TokenProvider"/>. Every other property has a
    /// default.
    /// </summary>
    /// <remarks>
    /// A client copies the options when it is created, so that later changes do not affect it. Times are rounded up to
    /// whole milliseconds. Limits must be greater than zero; a limit of zero is rejected with
    /// <see cref="SellercloudErrorKind.InvalidArgument"/>.
    /// </remarks>
    public sealed class SellercloudClientOptions
    {
        /// <summary>
        /// Initializes a new instance of the <see cref="SellercloudClientOptions"/> class with the default options.
        /// </summary>
        public SellercloudClientOptions()
        {
        }

        /// <summary>
        /// Gets or sets the server: a server ID, such as "tt" for https://tt.api.sellercloud.com/rest, or a base URL.
        /// </summary>
        public string Server { get; set; }

        /// <summary>
        /// Gets or sets the name of the team whose server is used, in place of <see cref="Server"/>. The first call
        /// looks up the server by this name.
        /// </summary>
        public string Team { get; set; }

        /// <summary>
        /// Gets or sets the base URL of the service that looks up a team's server. Default: <see langword="null"/>,
        /// which means https://api.sellercloud.com.
        /// </summary>
        public string TeamLookupUrl { get; set; }

        /// <summary>
        /// Gets or sets the bearer token, without the word "Bearer". The client zeroes its copy in memory when it is
        /// disposed.
        /// </summary>
        [DebuggerBrowsable(DebuggerBrowsableState.Never)]
        public string Token { get; set; }

        /// <summary>
        /// Gets or sets the name of the user to log in, in place of a token. Requires <see cref="Password"/>.
        /// </summary>
        /// <remarks>
        /// The client logs in with the first call that needs a token, and again when the token expires or is rejected.
        /// All threads that use the client share one login.
        /// </remarks>
        public string UserName { get; set; }

        /// <summary>
        /// Gets or sets the password of <see cref="UserName"/>. The client zeroes its copy in memory when it is
        /// disposed.
        /// </summary>
        [DebuggerBrowsable(DebuggerBrowsableState.Never)]
        public string Password { get; set; }

        /// <summary>
        /// Gets or sets a function that returns the token for a request, for programs that manage tokens themselves.
        /// </summary>
        /// <remarks>
        /// <para>
        /// The argument is <see langword="true"/> if the server has just rejected the token that the function returned
        /// last; otherwise, <see langword="false"/>. If the function returns the rejected token again, the call fails
        /// with <see cref="SellercloudErrorKind.Authentication"/>.
        /// </para>
        /// <para>
        /// The function is called on the threads that run calls, and may be called on several threads at the same time.
        /// It may make calls with another client; a call with the same client fails. An exception that it throws ends
        /// the call, and the call rethrows it.
        /// </para>
        /// </remarks>
        public Func<bool, string> TokenProvider { get; set; }

        /// <summary>
        /// Gets or sets how the server encodes files in its responses. Default:
        /// <see cref="SellercloudOutput.BodyEncoding.Base64"/>.
        /// </summary>
        public BodyEncoding BodyEncoding { get; set; } = BodyEncoding.Base64;

        /// <summary>
        /// Gets or sets the maximum size of a file in bytes, after decoding. Default: <see langword="null"/>, which
        /// means 2 GiB for files in memory, and no limit for files that are saved or written to a stream. Zero is
        /// rejected. <see cref="long.MaxValue"/> means no limit.
        /// </summary>
        public long? MaxFileSize { get; set; }

        /// <summary>
        /// Gets or sets a value indicating whether http:// is allowed for hosts other than loopback. Default:
        /// <see langword="false"/>. With <see langword="true"/>, tokens and files are sent unencrypted to http:// URLs.
        /// </summary>
        public bool AllowPlainHttp { get; set; }

        /// <summary>
        /// Gets or sets how long to wait for a connection, including name resolution, proxy and TLS. Default: 30
        /// seconds. Zero is rejected. <see cref="System.Threading.Timeout.InfiniteTimeSpan"/> means no limit.
        /// </summary>
        public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(30);

        /// <summary>
        /// Gets or sets how long to wait for the next byte from the server. Default: 60 seconds. Zero is rejected.
        /// <see cref="System.Threading.Timeout.InfiniteTimeSpan"/> means no limit.
        /// </summary>
        public TimeSpan StallTimeout { get; set; } = TimeSpan.FromSeconds(60);

        /// <summary>
        /// Gets or sets the maximum duration of a whole call, with login, retries and waits. Default: 1 hour. Zero is
        /// rejected. <see cref="System.Threading.Timeout.InfiniteTimeSpan"/> means no limit.
        /// </summary>
        /// <remarks>
        /// Calls that wait for a job do not use this value: their default is 24 hours.
        /// <see cref="CallOptions.Timeout"/> overrides both.
        /// </remarks>
        public TimeSpan CallTimeout { get; set; } = TimeSpan.FromHours(1);

        /// <summary>
        /// Gets or sets the maximum number of attempts of a call, including the first. Default: 5. One means no retry.
        /// Zero is rejected.
        /// </summary>
        public int MaxAttempts { get; set; } = 5;

        /// <summary>
        /// Gets or sets the maximum wait before the second attempt. It doubles with each later attempt, up to
        /// <see cref="MaxBackoff"/>. Default: 1 second. Zero means no wait.
        /// </summary>
        /// <remarks>
        /// The actual wait is random, between zero and the maximum. The time that the server asks for (Retry-After) is
        /// added.
        /// </remarks>
        public TimeSpan InitialBackoff { get; set; } = TimeSpan.FromSeconds(1);

        /// <summary>
        /// Gets or sets the maximum wait before any attempt. Default: 30 seconds. Zero means no wait. The time that the
        /// server asks for (Retry-After) is added.
        /// </summary>
        public TimeSpan MaxBackoff { get; set; } = TimeSpan.FromSeconds(30);

        /// <summary>
        /// Gets or sets a value indicating whether a response with HTTP status 500 is retried. Default:
        /// <see langword="false"/>, since the server also sends it for errors that a retry does not solve, such as a
        /// job that does not exist.
        /// </summary>
        public bool RetryServerErrors { get; set; }

        /// <summary>
        /// Gets or sets the URL of the proxy for all servers, such as "http://user:password@proxy:3128". User name and
        /// password are percent-encoded. An empty string means no proxy. Default: <see langword="null"/>, which means
        /// the proxy that the environment names.
        /// </summary>
        /// <remarks>
        /// The environment variables are https_proxy or http_proxy, according to the scheme of the server's URL, and
        /// all_proxy if that is not set. no_proxy lists hosts that are reached without a proxy. The names may be
        /// lowercase or uppercase. A server on loopback is never reached through a proxy.
        /// </remarks>
        [DebuggerBrowsable(DebuggerBrowsableState.Never)]
        public string Proxy { get; set; }

        /// <summary>
        /// Gets or sets one or more CA certificates in PEM format. They are trusted in addition to the certificates
        /// that the system trusts. Default: <see langword="null"/>.
        /// </summary>
        public string CaCertificates { get; set; }

        /// <summary>
        /// Gets or sets the client certificate and its chain in PEM format, for servers that request one. Requires
        /// <see cref="ClientKey"/>. Default: <see langword="null"/>.
        /// </summary>
        [DebuggerBrowsable(DebuggerBrowsableState.Never)]
        public string ClientCertificate { get; set; }

        /// <summary>
        /// Gets or sets the private key of <see cref="ClientCertificate"/> in PEM format. The same text may contain
        /// both. Default: <see langword="null"/>.
        /// </summary>
        [DebuggerBrowsable(DebuggerBrowsableState.Never)]
        public string ClientKey { get; set; }

        /// <summary>
        /// Gets or sets text that is appended to the User-Agent header of every request after a space, such as
        /// "nightly-export/2.1". Default: <see langword="null"/>, which appends nothing.
        /// </summary>
        /// <remarks>
        /// The text names the program in the logs of servers and proxies. It must have 1 to 128 characters, which are
        /// visible ASCII characters and spaces, and no space at the beginning or the end. Any other text is rejected
        /// with <see cref="SellercloudErrorKind.InvalidArgument"/>.
        /// </remarks>
        public string UserAgentSuffix { get; set; }

        /// <summary>
        /// Gets or sets a function that is called with a record of each request. Default: <see langword="null"/>.
        /// </summary>
        /// <remarks>
        /// <para>
        /// The function is called on the threads that run calls, and may be called on several threads at the same time.
        /// It may make calls, also with the same client.
        /// </para>
        /// <para>
        /// An exception that it throws does not change the outcome of the call. If the call fails, that exception is
        /// the <see cref="Exception.InnerException"/> of the <see cref="SellercloudException"/>. Otherwise, it is
        /// written to <see cref="Trace"/>, once for each client.
        /// </para>
        /// </remarks>
        public Action<RequestRecord> OnRequest { get; set; }

        /// <summary>
        /// Creates native options with everything but the server and the token. The caller disposes them.
        /// </summary>
        internal ClientOptionsHandle ToNative()
        {
            var options = NativeMethods.sco_client_options_new();
            try
            {
                SetTeam(options);
                SetCredentials(options);
                SetTimeouts(options);
                SetRetryPolicy(options);
                SetBody(options);
                SetConnection(options);
                SetOnRequest(options);
                return options;
            }
            catch
            {
                options.Dispose();
                throw;
            }
        }

        private void SetTeam(ClientOptionsHandle options)
        {
            if (Team != null)
            {
                using (var team = new NativeText(Team, nameof(Team)))
                {
                    Check(NativeMethods.sco_client_options_set_team(options, team, out var error), error);
                }
            }
            if (TeamLookupUrl != null)
            {
                using (var url = new NativeText(TeamLookupUrl, nameof(TeamLookupUrl)))
                {
                    Check(NativeMethods.sco_client_options_set_team_lookup_url(options, url, out var error), error);
                }
            }
        }

        private void SetCredentials(ClientOptionsHandle options)
        {
            if (UserName != null || Password != null)
            {
                using (var userName = new NativeText(UserName ?? "", nameof(UserName)))
                using (var password = new NativeText(Password ?? "", nameof(Password)))
                {
                    Check(
                        NativeMethods.sco_client_options_set_credentials(
                            options, userName, password, out var error),
                        error);
                }
            }
            if (TokenProvider != null)
            {
                Check(
                    NativeMethods.sco_client_options_set_token_provider(
                        options, Call.TokenCallback, IntPtr.Zero, out var error),
                    error);
            }
        }

        private void SetTimeouts(ClientOptionsHandle options)
        {
            Check(
                NativeMethods.sco_client_options_set_connect_timeout_ms(
                    options, Milliseconds.FromTimeSpan(ConnectTimeout, nameof(ConnectTimeout)), out var connectError),
                connectError);
            Check(
                NativeMethods.sco_client_options_set_stall_timeout_ms(
                    options, Milliseconds.FromTimeSpan(StallTimeout, nameof(StallTimeout)), out var stallError),
                stallError);
            Check(
                NativeMethods.sco_client_options_set_call_timeout_ms(
                    options, Milliseconds.FromTimeSpan(CallTimeout, nameof(CallTimeout)), out var callError),
                callError);
        }

        private void SetRetryPolicy(ClientOptionsHandle options)
        {
            Check(
                NativeMethods.sco_client_options_set_max_attempts(
                    options, (uint)RequireNotNegative(MaxAttempts, nameof(MaxAttempts)), out var attemptsError),
                attemptsError);
            Check(
                NativeMethods.sco_client_options_set_initial_backoff_ms(
                    options, Milliseconds.FromTimeSpan(InitialBackoff, nameof(InitialBackoff)), out var initialError),
                initialError);
            Check(
                NativeMethods.sco_client_options_set_max_backoff_ms(
                    options, Milliseconds.FromTimeSpan(MaxBackoff, nameof(MaxBackoff)), out var maxError),
                maxError);
            Check(
                NativeMethods.sco_client_options_set_retry_server_errors(
                    options, RetryServerErrors ? 1 : 0, out var serverErrorsError),
                serverErrorsError);
        }

        private void SetBody(ClientOptionsHandle options)
        {
            Check(
                NativeMethods.sco_client_options_set_body_encoding(
                    options, (int)BodyEncoding, out var encodingError),
                encodingError);
            if (MaxFileSize != null)
            {
                var bytes = (ulong)RequireNotNegative(MaxFileSize.Value, nameof(MaxFileSize));
                Check(NativeMethods.sco_client_options_set_max_file_size_bytes(options, bytes, out var error), error);
            }
        }

        private void SetConnection(ClientOptionsHandle options)
        {
            Check(
                NativeMethods.sco_client_options_set_allow_plain_http(
                    options, AllowPlainHttp ? 1 : 0, out var plainError),
                plainError);
            if (Proxy != null)
            {
                using (var url = new NativeText(Proxy, nameof(Proxy)))
                {
                    Check(NativeMethods.sco_client_options_set_proxy(options, url, out var error), error);
                }
            }
            if (CaCertificates != null)
            {
                using (var pem = new NativeText(CaCertificates, nameof(CaCertificates)))
                {
                    Check(
                        NativeMethods.sco_client_options_add_ca_certificates(options, pem, pem.Size, out var error),
                        error);
                }
            }
            if (ClientCertificate != null || ClientKey != null)
            {
                using (var chain = new NativeText(ClientCertificate ?? "", nameof(ClientCertificate)))
                using (var key = new NativeText(ClientKey ?? "", nameof(ClientKey)))
                {
                    Check(
                        NativeMethods.sco_client_options_set_client_certificate(
                            options, chain, chain.Size, key, key.Size, out var error),
                        error);
                }
            }
            if (UserAgentSuffix != null)
            {
                using (var suffix = new NativeText(UserAgentSuffix, nameof(UserAgentSuffix)))
                {
                    Check(NativeMethods.sco_client_options_set_user_agent_suffix(options, suffix, out var error), error);
                }
            }
        }

        private void SetOnRequest(ClientOptionsHandle options)
        {
            if (OnRequest != null)
            {
                Check(
                    NativeMethods.sco_client_options_set_on_request(
                        options, Call.RequestCallback, IntPtr.Zero, out var error),
                    error);
            }
        }

        private static void Check(int status, ErrorHandle error)
        {
            SellercloudException.ThrowIfFailed(status, error);
        }

        private static long RequireNotNegative(long number, string name)
        {
            if (number < 0)
            {
                throw new ArgumentOutOfRangeException(name, number, name + " must not be negative.");
            }
            return number;
        }
    }
}
