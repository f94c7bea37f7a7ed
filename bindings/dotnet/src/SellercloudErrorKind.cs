namespace SellercloudOutput
{
    /// <summary>
    /// What went wrong with a call. A number outside of the enumeration is a kind that this version does not know.
    /// </summary>
    public enum SellercloudErrorKind
    {
        /// <summary>An argument cannot be used; nothing was sent.</summary>
        InvalidArgument = 1,

        /// <summary>HTTP 401: the token, or the user name and password, are not accepted.</summary>
        Authentication = 2,

        /// <summary>HTTP 403: the user may not do this.</summary>
        Forbidden = 3,

        /// <summary>HTTP 404: the server does not know this.</summary>
        NotFound = 4,

        /// <summary>HTTP 429, or "Too many requests": too many calls from this IP address.</summary>
        RateLimited = 5,

        /// <summary>HTTP 500 to 599: the server failed, or does not know the job (yet).</summary>
        Server = 6,

        /// <summary>Any other HTTP status but 200.</summary>
        UnexpectedStatus = 7,

        /// <summary>No connection, or it broke before the answer was complete.</summary>
        Connection = 8,

        /// <summary>TLS: the certificate, or the handshake.</summary>
        Tls = 9,

        /// <summary>A time limit was met.</summary>
        Timeout = 10,

        /// <summary>The caller cancelled.</summary>
        Cancelled = 11,

        /// <summary>The answer is not a file in the expected form.</summary>
        MalformedBody = 12,

        /// <summary>The file is larger than the limit.</summary>
        TooLarge = 13,

        /// <summary>The file could not be kept: disk, memory, permissions, or the name is taken.</summary>
        Io = 14,

        /// <summary>A defect of the library; please report it.</summary>
        Internal = 15,

        /// <summary>The job ended without success: failed, cancelled or aborted on the server.</summary>
        JobFailed = 16,
    }
}
