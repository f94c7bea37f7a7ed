using System;

namespace SellercloudOutput
{
    /// <summary>A job that was waited for, and its output file. Dispose of it, or of the file, to free that.</summary>
    public sealed class JobOutput : IDisposable
    {
        internal JobOutput(QueuedJob job, OutputFile file)
        {
            Job = job;
            File = file;
        }

        /// <summary>The job as it ended.</summary>
        public QueuedJob Job { get; }

        /// <summary>Its output file.</summary>
        public OutputFile File { get; }

        /// <summary>Disposes of the file.</summary>
        public void Dispose()
        {
            File.Dispose();
        }
    }
}
