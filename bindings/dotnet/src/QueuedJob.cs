using System;

namespace SellercloudOutput
{
    /// <summary>
    /// A queued job as the server describes it. Properties for which the server sent no value are
    /// <see langword="null"/>. Immutable: several threads may read it at the same time.
    /// </summary>
    public sealed class QueuedJob
    {
        // sco_job_text_field and sco_job_number_field.
        private const int FirstTextField = 201;
        private const int FirstNumberField = 301;

        /// <summary>Copies a native job, which the caller owns and keeps alive during the call.</summary>
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

        /// <summary>Gets the job's ID.</summary>
        public long Id { get; }

        /// <summary>Gets the job's status.</summary>
        public JobStatus Status { get; }

        /// <summary>Gets the status as the server names it, such as "PartialSuccess".</summary>
        public string StatusName { get; }

        /// <summary>Gets a value indicating whether the job has ended, successfully or not.</summary>
        /// <value><see langword="true"/> if the job has ended; otherwise, <see langword="false"/>.</value>
        public bool IsFinal { get; }

        /// <summary>Gets the type of the job as the server names it, such as "Export orders".</summary>
        public string JobType { get; }

        /// <summary>Gets the name of the company that the job belongs to.</summary>
        public string CompanyName { get; }

        /// <summary>Gets the server's error message for the job.</summary>
        public string ErrorMessage { get; }

        /// <summary>
        /// Gets when the job was submitted, as the server writes it. The text may lack a time zone.
        /// </summary>
        public string SubmittedOn { get; }

        /// <summary>
        /// Gets when the job started, as the server writes it. The text may lack a time zone.
        /// </summary>
        public string StartedOn { get; }

        /// <summary>
        /// Gets when the job ended, as the server writes it. The text may lack a time zone.
        /// </summary>
        public string CompletedOn { get; }

        /// <summary>
        /// Gets the server's name of the job's output file, or <see langword="null"/> while there is no file.
        /// </summary>
        public string OutputFileName { get; }

        /// <summary>Gets the server's name of the job's input file.</summary>
        public string InputFileName { get; }

        /// <summary>Gets the ID of the company that the job belongs to.</summary>
        public long? CompanyId { get; }

        /// <summary>Gets the job's priority, from 0 to 3.</summary>
        public long? Priority { get; }

        /// <summary>Gets the number of records that the job has to process.</summary>
        public long? TotalRecords { get; }

        /// <summary>Gets the number of records processed so far.</summary>
        public long? TotalProcessed { get; }

        /// <summary>Gets the number of records processed successfully so far.</summary>
        public long? TotalSucceeded { get; }

        /// <summary>Gets the number of records that failed so far.</summary>
        public long? TotalFailed { get; }

        /// <summary>Gets the number of phases that the job has.</summary>
        public long? TotalPhases { get; }

        /// <summary>Gets the number of the current phase.</summary>
        public long? CurrentPhase { get; }

        /// <summary>Gets the number of items in the current phase.</summary>
        public long? TotalItemsInPhase { get; }

        /// <summary>Gets the number of items of the current phase processed so far.</summary>
        public long? TotalProcessedInPhase { get; }

        private static string Text(IntPtr job, int index)
        {
            return Utf8.Read(NativeMethods.sco_job_text(job, FirstTextField + index));
        }

        private static long? Number(IntPtr job, int index)
        {
            var number = NativeMethods.sco_job_number(job, FirstNumberField + index);
            return number == -1 ? (long?)null : number;
        }
    }
}
