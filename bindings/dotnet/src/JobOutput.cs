using System;

namespace SellercloudOutput
{
    /// <summary>
    /// A job that has ended, and its output file in native memory. Dispose this object or <see cref="File"/> to free
    /// that memory.
    /// </summary>
    public sealed class JobOutput : IDisposable
    {
        internal JobOutput(QueuedJob job, OutputFile file)
        {
            Job = job;
            File = file;
        }

        /// <summary>Gets the job in its final status.</summary>
        public QueuedJob Job { get; }

        /// <summary>Gets the job's output file.</summary>
        public OutputFile File { get; }

        /// <summary>Disposes <see cref="File"/>. <see cref="Job"/> remains usable.</summary>
        public void Dispose()
        {
            File.Dispose();
        }
    }
}
