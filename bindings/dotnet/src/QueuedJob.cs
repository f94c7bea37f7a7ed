using System;

namespace SellercloudOutput
{
    /// <summary>
    /// A queued job as the server describes it. Properties for which the server sent no value are
    /// <see langword="null"/>. Immutable: several threads may read it at the same time.
    /// </summary>
    public sealed class QueuedJob
    {
        /// <summary>Copies a native job, which the caller owns and keeps alive during the call.</summary>
        internal QueuedJob(IntPtr job)
        {
            Id = NativeMethods.sco_job_id(job);
            Status = (JobStatus)NativeMethods.sco_job_status(job);
            StatusName = Utf8.Read(NativeMethods.sco_job_status_name(job));
            IsFinal = NativeMethods.sco_job_is_final(job) != 0;

            JobType = Text(job, JobTextField.Type);
            CompanyName = Text(job, JobTextField.CompanyName);
            ErrorMessage = Text(job, JobTextField.ErrorMessage);
            SubmittedOn = Text(job, JobTextField.SubmittedOn);
            StartedOn = Text(job, JobTextField.StartedOn);
            CompletedOn = Text(job, JobTextField.CompletedOn);
            OutputFileName = Text(job, JobTextField.OutputFile);
            InputFileName = Text(job, JobTextField.InputFile);

            CompanyId = Number(job, JobNumberField.CompanyId);
            Priority = Number(job, JobNumberField.Priority);
            TotalRecords = Number(job, JobNumberField.TotalRecords);
            TotalProcessed = Number(job, JobNumberField.TotalProcessed);
            TotalSucceeded = Number(job, JobNumberField.TotalSucceeded);
            TotalFailed = Number(job, JobNumberField.TotalFailed);
            TotalPhases = Number(job, JobNumberField.TotalPhases);
            CurrentPhase = Number(job, JobNumberField.CurrentPhase);
            TotalItemsInPhase = Number(job, JobNumberField.TotalItemsInPhase);
            TotalProcessedInPhase = Number(job, JobNumberField.TotalProcessedInPhase);
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

        private static string Text(IntPtr job, JobTextField field)
        {
            return Utf8.Read(NativeMethods.sco_job_text(job, (int)field));
        }

        private static long? Number(IntPtr job, JobNumberField field)
        {
            var number = NativeMethods.sco_job_number(job, (int)field);
            return number == -1 ? (long?)null : number;
        }
    }
}
