namespace SellercloudOutput
{
    /// <summary>Specifies the status of a queued job.</summary>
    public enum JobStatus
    {
        /// <summary>
        /// This version of the library does not know the status. <see cref="QueuedJob.StatusName"/> is the server's
        /// text.
        /// </summary>
        Unknown = -1,

        /// <summary>The job is in the queue and has not started.</summary>
        Submitted = 0,

        /// <summary>The job is running.</summary>
        Processing = 1,

        /// <summary>The job ended successfully.</summary>
        Completed = 3,

        /// <summary>The job failed.</summary>
        Failed = 4,

        /// <summary>The job ended successfully for some of its records. It has an output file.</summary>
        PartialSuccess = 5,

        /// <summary>The job is on hold until a user releases it.</summary>
        OnHold = 6,

        /// <summary>A user canceled the job before it started.</summary>
        Canceled = 7,

        /// <summary>The job was canceled because the server restarted.</summary>
        CanceledServiceRestarted = 8,

        /// <summary>The server aborted the job because it took too long.</summary>
        AbortedTooMuchTimeConsumed = 9,

        /// <summary>A user canceled the job while it was running.</summary>
        CanceledWhileRunning = 10,
    }
}
