using System;
using System.IO;
using System.Runtime.InteropServices;
using System.Threading;
using System.Threading.Tasks;

namespace SellercloudOutput
{
    /// <summary>
    /// Fetches output files from one server, for one user. Any number of threads may use it at once; it keeps its
    /// connections for the next call, so make one and keep it.
    /// </summary>
    /// <remarks>
    /// <para>
    /// Every call blocks until it is done, and has a twin whose name ends with Async. That runs the same call on a
    /// thread of its own, and not on one of the thread pool: a call may wait for hours, and a pool whose threads all
    /// wait stands still. A thread more is little beside a request.
    /// </para>
    /// <para>
    /// What fails throws a <see cref="SellercloudException"/>, and a call that its token cancels an
    /// <see cref="OperationCanceledException"/> with that token, within a quarter of a second, whatever the call waits
    /// for. With a token that is cancelled already nothing is sent. An exception of a callback (of
    /// <see cref="CallOptions.Progress"/>, <see cref="SellercloudClientOptions.TokenSource"/>, or a destination stream)
    /// ends the call, and is thrown by it. What <see cref="SellercloudClientOptions.Log"/> throws never ends a call.
    /// </para>
    /// <para>
    /// Texts that hold a NUL character or half of a surrogate pair are an <see cref="ArgumentException"/>, and negative
    /// times and numbers an <see cref="ArgumentOutOfRangeException"/>, but for
    /// <see cref="Timeout.InfiniteTimeSpan"/>, which means no limit.
    /// </para>
    /// </remarks>
    public sealed class SellercloudClient : IDisposable
    {
        private readonly ClientHandle handle;
        private readonly Func<bool, string> tokenSource;
        private readonly RequestLog log;

        /// <summary>Makes a client. Nothing is sent yet.</summary>
        /// <param name="server">
        /// A server id ("tt" means https://tt.api.sellercloud.com/rest) or a base URL.
        /// </param>
        /// <param name="token">The bearer token, alone. It is copied, and wiped from memory on disposal.</param>
        /// <exception cref="SellercloudException">
        /// <see cref="SellercloudErrorKind.InvalidArgument"/> if one of them cannot be used or is missing.
        /// </exception>
        /// <exception cref="DllNotFoundException">The native library is missing, or of another release.</exception>
        public SellercloudClient(string server, string token)
            : this(new SellercloudClientOptions { Server = server, Token = token })
        {
        }

        /// <summary>Makes a client. Nothing is sent yet.</summary>
        /// <param name="options">The options, which are copied.</param>
        /// <exception cref="SellercloudException">
        /// <see cref="SellercloudErrorKind.InvalidArgument"/> if an option cannot be used or is missing.
        /// </exception>
        /// <exception cref="DllNotFoundException">The native library is missing, or of another release.</exception>
        public SellercloudClient(SellercloudClientOptions options)
        {
            if (options == null)
            {
                throw new ArgumentNullException(nameof(options));
            }
            NativeLibraryCheck.Run();
            tokenSource = options.TokenSource;
            log = RequestLog.Of(options.Log);
            using (var config = options.ToNative())
            using (var server = new NativeText(options.Server, nameof(options.Server)))
            using (var token = new NativeText(options.Token, nameof(options.Token)))
            {
                SellercloudException.ThrowIfFailed(
                    NativeMethods.sco_client_new(server, token, config, out handle, out var error), error);
            }
        }

        /// <summary>
        /// Reads a job's id from text: the id itself, or the QueuedJobLink that the server answered when the job was
        /// created, such as "/queued-jobs/queued-job-details.aspx?id=2206923", absolute or relative.
        /// </summary>
        /// <param name="text">The text.</param>
        /// <returns>The id.</returns>
        /// <exception cref="SellercloudException">
        /// <see cref="SellercloudErrorKind.InvalidArgument"/> if the text names no job.
        /// </exception>
        /// <exception cref="DllNotFoundException">The native library is missing, or of another release.</exception>
        public static long ParseJobId(string text)
        {
            if (text == null)
            {
                throw new ArgumentNullException(nameof(text));
            }
            NativeLibraryCheck.Run();
            using (var jobText = new NativeText(text, nameof(text)))
            {
                SellercloudException.ThrowIfFailed(
                    NativeMethods.sco_job_id_from_text(jobText, out var job, out var error), error);
                return job;
            }
        }

        /// <summary>Fetches a job's output file into memory.</summary>
        /// <param name="job">The job's id, 1 to 2147483647.</param>
        /// <param name="options">For this call; null for the defaults.</param>
        /// <param name="cancellationToken">Cancels the call.</param>
        /// <returns>The file; dispose of it to free its memory.</returns>
        /// <exception cref="SellercloudException">The call failed.</exception>
        /// <exception cref="OperationCanceledException">The token cancelled the call.</exception>
        /// <exception cref="ObjectDisposedException">The client was disposed of.</exception>
        public OutputFile GetOutputFile(
            long job,
            CallOptions options = null,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            using (var call = Begin(options, cancellationToken))
            {
                var status = NativeMethods.sco_get_output_file(
                    handle, job, call.Options, out var file, out var error);
                call.End(status, error, file);
                return new OutputFile(file);
            }
        }

        /// <summary>As <see cref="GetOutputFile"/>, on a thread of its own.</summary>
        /// <param name="job">The job's id, 1 to 2147483647.</param>
        /// <param name="options">For this call; null for the defaults.</param>
        /// <param name="cancellationToken">Cancels the call.</param>
        /// <returns>The file; dispose of it to free its memory.</returns>
        /// <exception cref="SellercloudException">The call failed.</exception>
        /// <exception cref="OperationCanceledException">The token cancelled the call.</exception>
        /// <exception cref="ObjectDisposedException">The client was disposed of.</exception>
        public Task<OutputFile> GetOutputFileAsync(
            long job,
            CallOptions options = null,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            return RunAsync(options, copy => GetOutputFile(job, copy, cancellationToken));
        }

        /// <summary>
        /// Saves a job's output file under its name in a folder: it appears there whole or not at all. Needs about
        /// 1 MiB of memory, whatever the file's size.
        /// </summary>
        /// <param name="job">The job's id, 1 to 2147483647.</param>
        /// <param name="folder">
        /// A directory that exists; "." for the current one, while an empty path is rejected.
        /// </param>
        /// <param name="options">For this call; null for the defaults.</param>
        /// <param name="cancellationToken">Cancels the call.</param>
        /// <returns>What was saved, and where.</returns>
        /// <exception cref="SellercloudException">
        /// The call failed; with <see cref="SellercloudErrorKind.Io"/> also where a file of that name is there already,
        /// which is left alone unless the options say otherwise.
        /// </exception>
        /// <exception cref="OperationCanceledException">The token cancelled the call.</exception>
        /// <exception cref="ObjectDisposedException">The client was disposed of.</exception>
        public OutputFileInfo SaveOutputFile(
            long job,
            string folder,
            CallOptions options = null,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            if (folder == null)
            {
                throw new ArgumentNullException(nameof(folder));
            }
            using (var path = new NativeText(folder, nameof(folder)))
            using (var call = Begin(options, cancellationToken))
            {
                var status = NativeMethods.sco_save_output_file(
                    handle, job, path, call.Options, out var info, out var error);
                using (info)
                {
                    call.End(status, error, info);
                    return new OutputFileInfo(info);
                }
            }
        }

        /// <summary>As <see cref="SaveOutputFile"/>, on a thread of its own.</summary>
        /// <param name="job">The job's id, 1 to 2147483647.</param>
        /// <param name="folder">
        /// A directory that exists; "." for the current one, while an empty path is rejected.
        /// </param>
        /// <param name="options">For this call; null for the defaults.</param>
        /// <param name="cancellationToken">Cancels the call.</param>
        /// <returns>What was saved, and where.</returns>
        /// <exception cref="SellercloudException">
        /// The call failed; with <see cref="SellercloudErrorKind.Io"/> also where a file of that name is there already,
        /// which is left alone unless the options say otherwise.
        /// </exception>
        /// <exception cref="OperationCanceledException">The token cancelled the call.</exception>
        /// <exception cref="ObjectDisposedException">The client was disposed of.</exception>
        public Task<OutputFileInfo> SaveOutputFileAsync(
            long job,
            string folder,
            CallOptions options = null,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            if (folder == null)
            {
                throw new ArgumentNullException(nameof(folder));
            }
            return RunAsync(options, copy => SaveOutputFile(job, folder, copy, cancellationToken));
        }

        /// <summary>
        /// Writes a job's output file to a stream as it arrives. Needs about 1 MiB of memory, whatever the file's size.
        /// On an exception the stream may have been given a part. The call is tried again only while nothing was
        /// written.
        /// </summary>
        /// <param name="job">The job's id, 1 to 2147483647.</param>
        /// <param name="destination">The stream to write to; it is neither flushed nor disposed of.</param>
        /// <param name="options">For this call; null for the defaults.</param>
        /// <param name="cancellationToken">Cancels the call.</param>
        /// <returns>What is known of the file.</returns>
        /// <exception cref="SellercloudException">The call failed.</exception>
        /// <exception cref="OperationCanceledException">The token cancelled the call.</exception>
        /// <exception cref="ObjectDisposedException">The client was disposed of.</exception>
        public OutputFileInfo CopyOutputFileTo(
            long job,
            Stream destination,
            CallOptions options = null,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            if (destination == null)
            {
                throw new ArgumentNullException(nameof(destination));
            }
            return CopyOutputFile(job, Writing(destination), options, cancellationToken);
        }

        /// <summary>As <see cref="CopyOutputFileTo"/>, on a thread of its own.</summary>
        /// <param name="job">The job's id, 1 to 2147483647.</param>
        /// <param name="destination">
        /// The stream to write to, with WriteAsync, one piece after the other; it is neither flushed nor disposed of.
        /// </param>
        /// <param name="options">For this call; null for the defaults.</param>
        /// <param name="cancellationToken">Cancels the call.</param>
        /// <returns>What is known of the file.</returns>
        /// <exception cref="SellercloudException">The call failed.</exception>
        /// <exception cref="OperationCanceledException">The token cancelled the call.</exception>
        /// <exception cref="ObjectDisposedException">The client was disposed of.</exception>
        public Task<OutputFileInfo> CopyOutputFileToAsync(
            long job,
            Stream destination,
            CallOptions options = null,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            if (destination == null)
            {
                throw new ArgumentNullException(nameof(destination));
            }
            var write = WritingAsync(destination, cancellationToken);
            return RunAsync(options, copy => CopyOutputFile(job, write, copy, cancellationToken));
        }

        /// <summary>Asks how far a job is. However it ended, it is told: that is no error.</summary>
        /// <param name="job">The job's id, 1 to 2147483647.</param>
        /// <param name="options">For this call; null for the defaults.</param>
        /// <param name="cancellationToken">Cancels the call.</param>
        /// <returns>The job.</returns>
        /// <exception cref="SellercloudException">The call failed.</exception>
        /// <exception cref="OperationCanceledException">The token cancelled the call.</exception>
        /// <exception cref="ObjectDisposedException">The client was disposed of.</exception>
        public QueuedJob GetJob(
            long job,
            CallOptions options = null,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            using (var call = Begin(options, cancellationToken))
            {
                var status = NativeMethods.sco_get_job(
                    handle, job, call.Options, out var queuedJob, out var error);
                using (queuedJob)
                {
                    call.End(status, error, queuedJob);
                    return new QueuedJob(queuedJob.DangerousGetHandle());
                }
            }
        }

        /// <summary>As <see cref="GetJob"/>, on a thread of its own.</summary>
        /// <param name="job">The job's id, 1 to 2147483647.</param>
        /// <param name="options">For this call; null for the defaults.</param>
        /// <param name="cancellationToken">Cancels the call.</param>
        /// <returns>The job.</returns>
        /// <exception cref="SellercloudException">The call failed.</exception>
        /// <exception cref="OperationCanceledException">The token cancelled the call.</exception>
        /// <exception cref="ObjectDisposedException">The client was disposed of.</exception>
        public Task<QueuedJob> GetJobAsync(
            long job,
            CallOptions options = null,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            return RunAsync(options, copy => GetJob(job, copy, cancellationToken));
        }

        /// <summary>
        /// Waits until a job has ended with success, at least for some of its records
        /// (<see cref="JobStatus.PartialSuccess"/>). The limit is 24 hours unless
        /// <see cref="CallOptions.Timeout"/> says otherwise. "Could not find" is taken as "not yet" at first.
        /// </summary>
        /// <param name="job">The job's id, 1 to 2147483647.</param>
        /// <param name="options">For this call; null for the defaults.</param>
        /// <param name="cancellationToken">Cancels the call.</param>
        /// <returns>The job as it ended.</returns>
        /// <exception cref="SellercloudException">
        /// <see cref="SellercloudErrorKind.JobFailed"/> if the job ended otherwise, with
        /// <see cref="SellercloudException.Job"/>; <see cref="SellercloudErrorKind.Timeout"/> if it did not end in
        /// time; or the call failed.
        /// </exception>
        /// <exception cref="OperationCanceledException">The token cancelled the call.</exception>
        /// <exception cref="ObjectDisposedException">The client was disposed of.</exception>
        public QueuedJob WaitForJob(
            long job,
            CallOptions options = null,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            using (var call = Begin(options, cancellationToken))
            {
                var status = NativeMethods.sco_wait_for_job(
                    handle, job, call.Options, out var queuedJob, out var error);
                using (queuedJob)
                {
                    call.End(status, error, queuedJob);
                    return new QueuedJob(queuedJob.DangerousGetHandle());
                }
            }
        }

        /// <summary>As <see cref="WaitForJob"/>, on a thread of its own.</summary>
        /// <param name="job">The job's id, 1 to 2147483647.</param>
        /// <param name="options">For this call; null for the defaults.</param>
        /// <param name="cancellationToken">Cancels the call.</param>
        /// <returns>The job as it ended.</returns>
        /// <exception cref="SellercloudException">
        /// <see cref="SellercloudErrorKind.JobFailed"/> if the job ended otherwise, with
        /// <see cref="SellercloudException.Job"/>; <see cref="SellercloudErrorKind.Timeout"/> if it did not end in
        /// time; or the call failed.
        /// </exception>
        /// <exception cref="OperationCanceledException">The token cancelled the call.</exception>
        /// <exception cref="ObjectDisposedException">The client was disposed of.</exception>
        public Task<QueuedJob> WaitForJobAsync(
            long job,
            CallOptions options = null,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            return RunAsync(options, copy => WaitForJob(job, copy, cancellationToken));
        }

        /// <summary>
        /// Waits for a job as <see cref="WaitForJob"/> does, and fetches its output file into memory.
        /// </summary>
        /// <param name="job">The job's id, 1 to 2147483647.</param>
        /// <param name="options">For this call; null for the defaults.</param>
        /// <param name="cancellationToken">Cancels the call.</param>
        /// <returns>The job and its file; dispose of it to free the file's memory.</returns>
        /// <exception cref="SellercloudException">
        /// <see cref="SellercloudErrorKind.JobFailed"/> if the job ended otherwise, with
        /// <see cref="SellercloudException.Job"/>; <see cref="SellercloudErrorKind.Timeout"/> if it did not end in
        /// time; or the call failed.
        /// </exception>
        /// <exception cref="OperationCanceledException">The token cancelled the call.</exception>
        /// <exception cref="ObjectDisposedException">The client was disposed of.</exception>
        public JobOutput WaitForOutputFile(
            long job,
            CallOptions options = null,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            using (var call = Begin(options, cancellationToken))
            {
                var status = NativeMethods.sco_wait_for_output_file(
                    handle, job, call.Options, out var queuedJob, out var file, out var error);
                using (queuedJob)
                {
                    call.End(status, error, file);
                    return new JobOutput(new QueuedJob(queuedJob.DangerousGetHandle()), new OutputFile(file));
                }
            }
        }

        /// <summary>As <see cref="WaitForOutputFile"/>, on a thread of its own.</summary>
        /// <param name="job">The job's id, 1 to 2147483647.</param>
        /// <param name="options">For this call; null for the defaults.</param>
        /// <param name="cancellationToken">Cancels the call.</param>
        /// <returns>The job and its file; dispose of it to free the file's memory.</returns>
        /// <exception cref="SellercloudException">
        /// <see cref="SellercloudErrorKind.JobFailed"/> if the job ended otherwise, with
        /// <see cref="SellercloudException.Job"/>; <see cref="SellercloudErrorKind.Timeout"/> if it did not end in
        /// time; or the call failed.
        /// </exception>
        /// <exception cref="OperationCanceledException">The token cancelled the call.</exception>
        /// <exception cref="ObjectDisposedException">The client was disposed of.</exception>
        public Task<JobOutput> WaitForOutputFileAsync(
            long job,
            CallOptions options = null,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            return RunAsync(options, copy => WaitForOutputFile(job, copy, cancellationToken));
        }

        /// <summary>
        /// Waits for a job as <see cref="WaitForJob"/> does, and saves its output file as <see cref="SaveOutputFile"/>
        /// does. The directory, and the name if the options have one, are checked before the wait begins.
        /// </summary>
        /// <param name="job">The job's id, 1 to 2147483647.</param>
        /// <param name="folder">
        /// A directory that exists; "." for the current one, while an empty path is rejected.
        /// </param>
        /// <param name="options">For this call; null for the defaults.</param>
        /// <param name="cancellationToken">Cancels the call.</param>
        /// <returns>The job, and what was saved and where.</returns>
        /// <exception cref="SellercloudException">
        /// <see cref="SellercloudErrorKind.JobFailed"/> if the job ended otherwise, with
        /// <see cref="SellercloudException.Job"/>; <see cref="SellercloudErrorKind.Timeout"/> if it did not end in
        /// time; or the call failed.
        /// </exception>
        /// <exception cref="OperationCanceledException">The token cancelled the call.</exception>
        /// <exception cref="ObjectDisposedException">The client was disposed of.</exception>
        public JobOutputInfo WaitAndSaveOutputFile(
            long job,
            string folder,
            CallOptions options = null,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            if (folder == null)
            {
                throw new ArgumentNullException(nameof(folder));
            }
            using (var path = new NativeText(folder, nameof(folder)))
            using (var call = Begin(options, cancellationToken))
            {
                var status = NativeMethods.sco_wait_and_save_output_file(
                    handle, job, path, call.Options, out var queuedJob, out var info, out var error);
                using (queuedJob)
                using (info)
                {
                    call.End(status, error, info);
                    return new JobOutputInfo(
                        new QueuedJob(queuedJob.DangerousGetHandle()), new OutputFileInfo(info));
                }
            }
        }

        /// <summary>As <see cref="WaitAndSaveOutputFile"/>, on a thread of its own.</summary>
        /// <param name="job">The job's id, 1 to 2147483647.</param>
        /// <param name="folder">
        /// A directory that exists; "." for the current one, while an empty path is rejected.
        /// </param>
        /// <param name="options">For this call; null for the defaults.</param>
        /// <param name="cancellationToken">Cancels the call.</param>
        /// <returns>The job, and what was saved and where.</returns>
        /// <exception cref="SellercloudException">
        /// <see cref="SellercloudErrorKind.JobFailed"/> if the job ended otherwise, with
        /// <see cref="SellercloudException.Job"/>; <see cref="SellercloudErrorKind.Timeout"/> if it did not end in
        /// time; or the call failed.
        /// </exception>
        /// <exception cref="OperationCanceledException">The token cancelled the call.</exception>
        /// <exception cref="ObjectDisposedException">The client was disposed of.</exception>
        public Task<JobOutputInfo> WaitAndSaveOutputFileAsync(
            long job,
            string folder,
            CallOptions options = null,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            if (folder == null)
            {
                throw new ArgumentNullException(nameof(folder));
            }
            return RunAsync(options, copy => WaitAndSaveOutputFile(job, folder, copy, cancellationToken));
        }

        /// <summary>
        /// Waits for a job as <see cref="WaitForJob"/> does, and writes its output file to a stream as
        /// <see cref="CopyOutputFileTo"/> does.
        /// </summary>
        /// <param name="job">The job's id, 1 to 2147483647.</param>
        /// <param name="destination">
        /// The stream to write to; it is neither flushed nor disposed of.
        /// </param>
        /// <param name="options">For this call; null for the defaults.</param>
        /// <param name="cancellationToken">Cancels the call.</param>
        /// <returns>The job, and what is known of its file.</returns>
        /// <exception cref="SellercloudException">
        /// <see cref="SellercloudErrorKind.JobFailed"/> if the job ended otherwise, with
        /// <see cref="SellercloudException.Job"/>; <see cref="SellercloudErrorKind.Timeout"/> if it did not end in
        /// time; or the call failed.
        /// </exception>
        /// <exception cref="OperationCanceledException">The token cancelled the call.</exception>
        /// <exception cref="ObjectDisposedException">The client was disposed of.</exception>
        public JobOutputInfo WaitAndCopyOutputFileTo(
            long job,
            Stream destination,
            CallOptions options = null,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            if (destination == null)
            {
                throw new ArgumentNullException(nameof(destination));
            }
            return WaitAndCopyOutputFile(job, Writing(destination), options, cancellationToken);
        }

        /// <summary>As <see cref="WaitAndCopyOutputFileTo"/>, on a thread of its own.</summary>
        /// <param name="job">The job's id, 1 to 2147483647.</param>
        /// <param name="destination">
        /// The stream to write to, with WriteAsync, one chunk after the other; it is neither flushed nor disposed of.
        /// </param>
        /// <param name="options">For this call; null for the defaults.</param>
        /// <param name="cancellationToken">Cancels the call.</param>
        /// <returns>The job, and what is known of its file.</returns>
        /// <exception cref="SellercloudException">
        /// <see cref="SellercloudErrorKind.JobFailed"/> if the job ended otherwise, with
        /// <see cref="SellercloudException.Job"/>; <see cref="SellercloudErrorKind.Timeout"/> if it did not end in
        /// time; or the call failed.
        /// </exception>
        /// <exception cref="OperationCanceledException">The token cancelled the call.</exception>
        /// <exception cref="ObjectDisposedException">The client was disposed of.</exception>
        public Task<JobOutputInfo> WaitAndCopyOutputFileToAsync(
            long job,
            Stream destination,
            CallOptions options = null,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            if (destination == null)
            {
                throw new ArgumentNullException(nameof(destination));
            }
            var write = WritingAsync(destination, cancellationToken);
            return RunAsync(options, copy => WaitAndCopyOutputFile(job, write, copy, cancellationToken));
        }

        /// <summary>
        /// Closes the client's connections and wipes its secrets, once calls that are under way have ended: it does not
        /// cancel them. Files that the client gave stay.
        /// </summary>
        public void Dispose()
        {
            handle.Dispose();
        }

        private static async Task<T> RunAsync<T>(CallOptions options, Func<CallOptions, T> call)
        {
            var copy = options?.Copy();
            // The task has no token of its own, so that it is the call which is cancelled, and says of what. Awaiting
            // it makes a cancelled task of that.
            return await Task.Factory.StartNew(
                () => call(copy),
                CancellationToken.None,
                TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach
                    | TaskCreationOptions.RunContinuationsAsynchronously,
                TaskScheduler.Default).ConfigureAwait(false);
        }

        private OutputFileInfo CopyOutputFile(
            long job,
            Action<byte[], int> write,
            CallOptions options,
            CancellationToken cancellationToken)
        {
            using (var call = Begin(options, cancellationToken))
            {
                call.Write = write;
                var status = NativeMethods.sco_write_output_file(
                    handle, job, Call.WriteBytes, IntPtr.Zero, call.Options, out var info, out var error);
                using (info)
                {
                    call.End(status, error, info);
                    return new OutputFileInfo(info);
                }
            }
        }

        private JobOutputInfo WaitAndCopyOutputFile(
            long job,
            Action<byte[], int> write,
            CallOptions options,
            CancellationToken cancellationToken)
        {
            using (var call = Begin(options, cancellationToken))
            {
                call.Write = write;
                var status = NativeMethods.sco_wait_and_write_output_file(
                    handle, job, Call.WriteBytes, IntPtr.Zero, call.Options, out var queuedJob, out var info,
                    out var error);
                using (queuedJob)
                using (info)
                {
                    call.End(status, error, info);
                    return new JobOutputInfo(
                        new QueuedJob(queuedJob.DangerousGetHandle()), new OutputFileInfo(info));
                }
            }
        }

        private static Action<byte[], int> Writing(Stream destination)
        {
            return (bytes, count) => destination.Write(bytes, 0, count);
        }

        /// <summary>
        /// The thread waits for each write before it takes the next chunk: memory stays what it is, and streams that
        /// take asynchronous writes only are served.
        /// </summary>
        private static Action<byte[], int> WritingAsync(Stream destination, CancellationToken cancellationToken)
        {
            return (bytes, count) =>
                destination.WriteAsync(bytes, 0, count, cancellationToken).GetAwaiter().GetResult();
        }

        private Call Begin(CallOptions options, CancellationToken cancellationToken)
        {
            if (handle.IsDisposed)
            {
                throw new ObjectDisposedException(nameof(SellercloudClient));
            }
            return new Call(tokenSource, log, options, cancellationToken);
        }
    }
}
