namespace SellercloudOutput
{
    /// <summary>A job that was waited for, and what is known of its saved or copied output file. Immutable.</summary>
    public sealed class JobOutputInfo
    {
        internal JobOutputInfo(QueuedJob job, OutputFileInfo file)
        {
            Job = job;
            File = file;
        }

        /// <summary>Gets the job as it ended.</summary>
        public QueuedJob Job { get; }

        /// <summary>Gets what is known of its output file.</summary>
        public OutputFileInfo File { get; }
    }
}
