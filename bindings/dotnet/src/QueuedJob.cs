using System;

namespace SellercloudOutput
{
    /// <summary>
    /// A queued job as the server told of it. Immutable; any number of threads may read it. Texts and numbers that
    /// the server did not give are null.
    /// </summary>
    public sealed class QueuedJob
    {
        /// <summary>Copies a job, which the caller keeps alive and owned.</summary>
        internal QueuedJob(IntPtr job)
        {
            Id = NativeMethods.sco_job_id(job);
            Status = (JobStatus)NativeMethods.sco_job_status(job);
            StatusName = Utf8.Read(NativeMethods.sco_job_status_name(job));
            IsFinal = NativeMethods.sco_job_is_final(job) != 0;

            JobType = Text(job, 0);
            CompanyName = Text(job, 1);
            ErrorMessage = Text(job, 2);
            SubmittedOn = Text(job, 3);
            StartedOn = Text(job, 4);
            CompletedOn = Text(job, 5);
            OutputFileName = Text(job, 6);
            InputFileName = Text(job, 7);

            CompanyId = Number(job, 0);
            Priority = Number(job, 1);
            TotalRecords = Number(job, 2);
            TotalProcessed = Number(job, 3);
            TotalSucceeded = Number(job, 4);
            TotalFailed = Number(job, 5);
            TotalPhases = Number(job, 6);
            CurrentPhase = Number(job, 7);
            TotalItemsInPhase = Number(job, 8);
            TotalProcessedInPhase = Number(job, 9);
        }

        /// <summary>The job's id.</summary>
        public long Id { get; }

        /// <summary>How far the job is, or how it ended.</summary>
        public JobStatus Status { get; }

        /// <summary>The status in the server's words, such as "PartialSuccess".</summary>
        public string StatusName { get; }

        /// <summary>Whether the job is over, in whatever way.</summary>
        public bool IsFinal { get; }

        /// <summary>What kind of job it is, in the server's words.</summary>
        public string JobType { get; }

        /// <summary>The name of the company that it is for.</summary>
        public string CompanyName { get; }

        /// <summary>Why it failed, in the server's words.</summary>
        public string ErrorMessage { get; }

        /// <summary>When it was submitted: the server's own text, which may lack a time zone.</summary>
        public string SubmittedOn { get; }

        /// <summary>When it was begun, likewise.</summary>
        public string StartedOn { get; }

        /// <summary>When it ended, likewise.</summary>
        public string CompletedOn { get; }

        /// <summary>The name of its output file, once there is one.</summary>
        public string OutputFileName { get; }

        /// <summary>The name of its input file.</summary>
        public string InputFileName { get; }

        /// <summary>The number of the company that it is for.</summary>
        public long? CompanyId { get; }

        /// <summary>Its priority, 0 to 3.</summary>
        public long? Priority { get; }

        /// <summary>How many records it has to process.</summary>
        public long? TotalRecords { get; }

        /// <summary>How many of them it has processed.</summary>
        public long? TotalProcessed { get; }

        /// <summary>How many with success.</summary>
        public long? TotalSucceeded { get; }

        /// <summary>How many without.</summary>
        public long? TotalFailed { get; }

        /// <summary>How many phases it has.</summary>
        public long? TotalPhases { get; }

        /// <summary>In which phase it is.</summary>
        public long? CurrentPhase { get; }

        /// <summary>How many items the phase has.</summary>
        public long? TotalItemsInPhase { get; }

        /// <summary>How many of them are processed.</summary>
        public long? TotalProcessedInPhase { get; }

        private static string Text(IntPtr job, int field)
        {
            return Utf8.Read(NativeMethods.sco_job_text(job, field));
        }

        private static long? Number(IntPtr job, int field)
        {
            var number = NativeMethods.sco_job_number(job, field);
            return number == -1 ? (long?)null : number;
        }
    }
}
