namespace SellercloudOutput
{
    /// <summary>
    /// How far a queued job is, or how it ended. A number outside of the enumeration is a status that this version
    /// does not know.
    /// </summary>
    public enum JobStatus
    {
        /// <summary>
        /// The server gave a name that this version does not know: <see cref="QueuedJob.StatusName"/>.
        /// </summary>
        Unknown = -1,

        /// <summary>It waits for its turn.</summary>
        Submitted = 0,

        /// <summary>It is at work.</summary>
        Processing = 1,

        /// <summary>It ended with success.</summary>
        Completed = 3,

        /// <summary>It ended without.</summary>
        Failed = 4,

        /// <summary>It ended with success for some of its records; there is an output file.</summary>
        PartialSuccess = 5,

        /// <summary>Somebody has to let it go on.</summary>
        OnHold = 6,

        /// <summary>Somebody cancelled it.</summary>
        Cancelled = 7,

        /// <summary>It was cancelled as the server restarted.</summary>
        CancelledServiceRestarted = 8,

        /// <summary>It took too long and was aborted.</summary>
        AbortedTooMuchTimeConsumed = 9,

        /// <summary>Somebody cancelled it at work.</summary>
        CancelledWhileRunning = 10,
    }
}
