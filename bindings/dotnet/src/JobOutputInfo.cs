namespace SellercloudOutput
{
    /// <summary>
    /// A job that has ended, and a description of its output file, which was saved or written to a stream. Immutable.
    /// </summary>
    public sealed class JobOutputInfo
    {
        internal JobOutputInfo(QueuedJob job, OutputFileInfo file)
        {
            Job = job;
            File = file;
        }

        /// <summary>Gets the job in its final status.</summary>
        public QueuedJob Job { get; }

        /// <summary>Gets the description of the job's output file.</summary>
        public OutputFileInfo File { get; }
    }
}
