namespace SellercloudOutput
{
    /// <summary>
    /// Specifies why a call failed. Later versions may add members. Treat an unknown value as an error that a retry
    /// does not solve.
    /// </summary>
    public enum SellercloudErrorKind
    {
        /// <summary>An argument or option is invalid. No request was sent.</summary>
        InvalidArgument = 101,

        /// <summary>
        /// HTTP 401, or a redirect to a login page: the server rejected the token, or the user name and password. Also:
        /// <see cref="SellercloudClientOptions.TokenProvider"/> returned no usable token.
        /// </summary>
        Authentication = 102,

        /// <summary>HTTP 403: the user is not allowed to do this.</summary>
        Forbidden = 103,

        /// <summary>HTTP 404: the server found nothing at this URL.</summary>
        NotFound = 104,

        /// <summary>
        /// HTTP 429, or the server's text "Too many requests": too many requests came from this IP address.
        /// </summary>
        RateLimited = 105,

        /// <summary>
        /// HTTP 500 to 599: the server failed, or does not know the job. A new job may become known later.
        /// </summary>
        Server = 106,

        /// <summary>The response has an HTTP status other than 200 that no other kind covers.</summary>
        UnexpectedStatus = 107,

        /// <summary>
        /// The connection could not be established, or was lost before the response was complete.
        /// </summary>
        Connection = 108,

        /// <summary>The TLS handshake failed, or the server's certificate is not trusted.</summary>
        Tls = 109,

        /// <summary>The operation timed out.</summary>
        Timeout = 110,

        /// <summary>
        /// The call was canceled. Calls report this as an <see cref="System.OperationCanceledException"/> whose inner
        /// exception has this kind.
        /// </summary>
        Canceled = 111,

        /// <summary>The response body is not a file in the expected encoding.</summary>
        MalformedBody = 112,

        /// <summary>
        /// The file is larger than <see cref="SellercloudClientOptions.MaxFileSize"/>.
        /// </summary>
        TooLarge = 113,

        /// <summary>
        /// The file could not be stored: the disk or the memory is full, access was denied, the directory is missing,
        /// or the name is in use.
        /// </summary>
        Io = 114,

        /// <summary>A bug in the library. Report it.</summary>
        Internal = 115,

        /// <summary>
        /// The job did not succeed: it failed, was canceled or aborted on the server, or is on hold.
        /// </summary>
        JobFailed = 116,
    }
}
