using System;
using System.IO;
using System.Threading;
using System.Threading.Tasks;

namespace SellercloudOutput
{
    /// <summary>A client for one Sellercloud server and one user.</summary>
    /// <remarks>
    /// <para>
    /// Create one client and keep it: it reuses its connections and its login. Several threads may use a client at the
    /// same time.
    /// </para>
    /// <para>
    /// Each call blocks until it is done, and has an asynchronous version whose name ends with Async. That version runs
    /// the same call on a thread of its own and not on the thread pool, since a call may wait for hours. It throws
    /// <see cref="ArgumentNullException"/> directly. The task that it returns holds all other exceptions.
    /// </para>
    /// <para>
    /// A failed call throws a <see cref="SellercloudException"/>. A canceled call throws an
    /// <see cref="OperationCanceledException"/> with the caller's token, at most about a quarter of a second after the
    /// cancellation. If the token is canceled before the call begins, no request is sent.
    /// </para>
    /// <para>
    /// An exception that a destination stream, <see cref="CallOptions.Progress"/> or
    /// <see cref="SellercloudClientOptions.TokenProvider"/> throws ends the call, and the call rethrows it. An
    /// exception of <see cref="SellercloudClientOptions.OnRequest"/> does not end a call.
    /// </para>
    /// <para>
    /// Strings that contain a NUL character or an unpaired surrogate cause an <see cref="ArgumentException"/>. Negative
    /// times and numbers cause an <see cref="ArgumentOutOfRangeException"/>, except
    /// <see cref="Timeout.InfiniteTimeSpan"/>, which means no limit.
    /// </para>
    /// </remarks>
    public sealed class SellercloudClient : IDisposable
    {
        private readonly ClientHandle handle;
        private readonly Func<bool, string> tokenProvider;
        private readonly RequestObserver observer;

        /// <summary>
        /// Initializes a new instance of the <see cref="SellercloudClient"/> class with a server and a token. No
        /// request is sent.
        /// </summary>
        /// <param name="server">
        /// A server ID, such as "tt" for https://tt.api.sellercloud.com/rest, or a base URL.
        /// </param>
        /// <param name="token">
        /// The bearer token, without the word "Bearer". The client zeroes its copy in memory when it is disposed.
        /// </param>
        /// <exception cref="ArgumentException">
        /// A string contains a NUL character or an unpaired surrogate.
        /// </exception>
        /// <exception cref="SellercloudException">
        /// The server or the token is missing or invalid (<see cref="SellercloudErrorKind.InvalidArgument"/>).
        /// </exception>
        /// <exception cref="DllNotFoundException">
        /// The native library is missing or belongs to another release.
        /// </exception>
        public SellercloudClient(string server, string token)
            : this(new SellercloudClientOptions { Server = server, Token = token })
        {
        }

        /// <summary>
        /// Initializes a new instance of the <see cref="SellercloudClient"/> class with options. No request is sent.
        /// </summary>
        /// <param name="options">The options, which are copied.</param>
        /// <exception cref="ArgumentNullException"><paramref name="options"/> is <see langword="null"/>.</exception>
        /// <exception cref="ArgumentException">
        /// A string contains a NUL character or an unpaired surrogate, or a time or number is negative.
        /// </exception>
        /// <exception cref="SellercloudException">
        /// An option is missing or invalid (<see cref="SellercloudErrorKind.InvalidArgument"/>).
        /// </exception>
        /// <exception cref="DllNotFoundException">
        /// The native library is missing or belongs to another release.
        /// </exception>
        public SellercloudClient(SellercloudClientOptions options)
        {
            if (options == null)
            {
                throw new ArgumentNullException(nameof(options));
            }
            NativeLibraryCheck.Run();
            tokenProvider = options.TokenProvider;
            observer = RequestObserver.FromFunction(options.OnRequest);
            using (var native = options.ToNative())
            using (var server = new NativeText(options.Server, nameof(options.Server)))
            using (var token = new NativeText(options.Token, nameof(options.Token)))
            {
                SellercloudException.ThrowIfFailed(
                    NativeMethods.sco_client_new(server, token, native, out handle, out var error), error);
            }
        }

        /// <summary>
        /// Parses the ID of a job. The text is the ID itself, or the QueuedJobLink that the server returned when the
        /// job was created, such as "/queued-jobs/queued-job-details.aspx?id=2206923", absolute or relative.
        /// </summary>
        /// <param name="text">The text to parse.</param>
        /// <returns>The job's ID.</returns>
        /// <exception cref="ArgumentNullException"><paramref name="text"/> is <see langword="null"/>.</exception>
        /// <exception cref="ArgumentException">
        /// The text contains a NUL character or an unpaired surrogate.
        /// </exception>
        /// <exception cref="SellercloudException">
        /// The text contains no job ID (<see cref="SellercloudErrorKind.InvalidArgument"/>).
        /// </exception>
        /// <exception cref="DllNotFoundException">
        /// The native library is missing or belongs to another release.
        /// </exception>
        public static long ParseJobId(string text)
        {
            if (text == null)
            {
                throw new ArgumentNullException(nameof(text));
            }
            NativeLibraryCheck.Run();
            using (var native = new NativeText(text, nameof(text)))
            {
                SellercloudException.ThrowIfFailed(
                    NativeMethods.sco_parse_job_id(native, out var jobId, out var error), error);
                return jobId;
            }
        }

        /// <summary>Downloads a job's output file into native memory.</summary>
        /// <param name="jobId">The job's ID, from 1 to 2147483647.</param>
        /// <param name="options">Options of this call, or <see langword="null"/> for the defaults.</param>
        /// <param name="cancellationToken">A token that cancels the call.</param>
        /// <returns>The file. Dispose it to free its memory.</returns>
        /// <exception cref="ArgumentException">
        /// A string contains a NUL character or an unpaired surrogate, or a time is negative.
        /// </exception>
        /// <exception cref="SellercloudException">The call failed.</exception>
        /// <exception cref="OperationCanceledException">The token canceled the call.</exception>
        /// <exception cref="ObjectDisposedException">The client was disposed.</exception>
        public OutputFile GetOutputFile(
            long jobId,
            CallOptions options = null,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            using (var call = Begin(options, cancellationToken))
            {
                var status = NativeMethods.sco_get_output_file(
                    handle, jobId, call.Options, out var file, out var error);
                call.End(status, error, file);
                return new OutputFile(file);
            }
        }

        /// <summary>Downloads a job's output file into native memory, on a thread of its own.</summary>
        /// <param name="jobId">The job's ID, from 1 to 2147483647.</param>
        /// <param name="options">Options of this call, or <see langword="null"/> for the defaults.</param>
        /// <param name="cancellationToken">A token that cancels the call.</param>
        /// <returns>A task whose result is the file. Dispose it to free its memory.</returns>
        /// <exception cref="ArgumentException">
        /// A string contains a NUL character or an unpaired surrogate, or a time is negative.
        /// </exception>
        /// <exception cref="SellercloudException">The call failed.</exception>
        /// <exception cref="OperationCanceledException">The token canceled the call.</exception>
        /// <exception cref="ObjectDisposedException">The client was disposed.</exception>
        public Task<OutputFile> GetOutputFileAsync(
            long jobId,
            CallOptions options = null,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            return RunAsync(options, copy => GetOutputFile(jobId, copy, cancellationToken));
        }

        /// <summary>
        /// Downloads a job's output file to a directory. The file appears there complete or not at all.
        /// </summary>
        /// <param name="jobId">The job's ID, from 1 to 2147483647.</param>
        /// <param name="directory">
        /// An existing directory; "." is the current directory. An empty path is rejected.
        /// </param>
        /// <param name="options">Options of this call, or <see langword="null"/> for the defaults.</param>
        /// <param name="cancellationToken">A token that cancels the call.</param>
        /// <returns>The name and path of the saved file.</returns>
        /// <remarks>
        /// The file is decoded into a temporary file in the directory, which gets its final name when it is complete.
        /// The download needs about 1 MiB of memory for a file of any size.
        /// </remarks>
        /// <exception cref="ArgumentNullException"><paramref name="directory"/> is <see langword="null"/>.</exception>
        /// <exception cref="ArgumentException">
        /// A string contains a NUL character or an unpaired surrogate, or a time is negative.
        /// </exception>
        /// <exception cref="SellercloudException">
        /// The call failed. The kind is <see cref="SellercloudErrorKind.Io"/> if the file cannot be written, or if a
        /// file of the same name exists and <see cref="CallOptions.IfExists"/> is <see cref="IfExists.Fail"/>.
        /// </exception>
        /// <exception cref="OperationCanceledException">The token canceled the call.</exception>
        /// <exception cref="ObjectDisposedException">The client was disposed.</exception>
        public OutputFileInfo SaveOutputFile(
            long jobId,
            string directory,
            CallOptions options = null,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            if (directory == null)
            {
                throw new ArgumentNullException(nameof(directory));
            }
            using (var path = new NativeText(directory, nameof(directory)))
            using (var call = Begin(options, cancellationToken))
            {
                var status = NativeMethods.sco_save_output_file(
                    handle, jobId, path, call.Options, out var info, out var error);
                using (info)
                {
                    call.End(status, error, info);
                    return new OutputFileInfo(info);
                }
            }
        }

        /// <summary>
        /// Downloads a job's output file to a directory, on a thread of its own. The file appears there complete or not
        /// at all.
        /// </summary>
        /// <param name="jobId">The job's ID, from 1 to 2147483647.</param>
        /// <param name="directory">
        /// An existing directory; "." is the current directory. An empty path is rejected.
        /// </param>
        /// <param name="options">Options of this call, or <see langword="null"/> for the defaults.</param>
        /// <param name="cancellationToken">A token that cancels the call.</param>
        /// <returns>A task whose result is the name and path of the saved file.</returns>
        /// <remarks>
        /// The file is decoded into a temporary file in the directory, which gets its final name when it is complete.
        /// The download needs about 1 MiB of memory for a file of any size.
        /// </remarks>
        /// <exception cref="ArgumentNullException"><paramref name="directory"/> is <see langword="null"/>.</exception>
        /// <exception cref="ArgumentException">
        /// A string contains a NUL character or an unpaired surrogate, or a time is negative.
        /// </exception>
        /// <exception cref="SellercloudException">
        /// The call failed. The kind is <see cref="SellercloudErrorKind.Io"/> if the file cannot be written, or if a
        /// file of the same name exists and <see cref="CallOptions.IfExists"/> is <see cref="IfExists.Fail"/>.
        /// </exception>
        /// <exception cref="OperationCanceledException">The token canceled the call.</exception>
        /// <exception cref="ObjectDisposedException">The client was disposed.</exception>
        public Task<OutputFileInfo> SaveOutputFileAsync(
            long jobId,
            string directory,
            CallOptions options = null,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            if (directory == null)
            {
                throw new ArgumentNullException(nameof(directory));
            }
            return RunAsync(options, copy => SaveOutputFile(jobId, directory, copy, cancellationToken));
        }

        /// <summary>Downloads a job's output file and writes it to a stream as it arrives.</summary>
        /// <param name="jobId">The job's ID, from 1 to 2147483647.</param>
        /// <param name="destination">The stream to write to. It is neither flushed nor disposed.</param>
        /// <param name="options">Options of this call, or <see langword="null"/> for the defaults.</param>
        /// <param name="cancellationToken">A token that cancels the call.</param>
        /// <returns>The name and size of the file.</returns>
        /// <remarks>
        /// The download needs about 1 MiB of memory for a file of any size. If the call throws, the stream may contain
        /// a part of the file. The call is retried only while nothing has been written.
        /// </remarks>
        /// <exception cref="ArgumentNullException">
        /// <paramref name="destination"/> is <see langword="null"/>.
        /// </exception>
        /// <exception cref="ArgumentException">
        /// A string contains a NUL character or an unpaired surrogate, or a time is negative.
        /// </exception>
        /// <exception cref="SellercloudException">The call failed.</exception>
        /// <exception cref="OperationCanceledException">The token canceled the call.</exception>
        /// <exception cref="ObjectDisposedException">The client was disposed.</exception>
        public OutputFileInfo WriteOutputFile(
            long jobId,
            Stream destination,
            CallOptions options = null,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            if (destination == null)
            {
                throw new ArgumentNullException(nameof(destination));
            }
            return WriteOutputFileTo(jobId, SyncWriter(destination), options, cancellationToken);
        }

        /// <summary>
        /// Downloads a job's output file and writes it to a stream as it arrives, on a thread of its own.
        /// </summary>
        /// <param name="jobId">The job's ID, from 1 to 2147483647.</param>
        /// <param name="destination">
        /// The stream to write to, with <see cref="Stream.WriteAsync(byte[], int, int, CancellationToken)"/>. It is
        /// neither flushed nor disposed.
        /// </param>
        /// <param name="options">Options of this call, or <see langword="null"/> for the defaults.</param>
        /// <param name="cancellationToken">A token that cancels the call.</param>
        /// <returns>A task whose result is the name and size of the file.</returns>
        /// <remarks>
        /// The download needs about 1 MiB of memory for a file of any size. If the call throws, the stream may contain
        /// a part of the file. The call is retried only while nothing has been written.
        /// </remarks>
        /// <exception cref="ArgumentNullException">
        /// <paramref name="destination"/> is <see langword="null"/>.
        /// </exception>
        /// <exception cref="ArgumentException">
        /// A string contains a NUL character or an unpaired surrogate, or a time is negative.
        /// </exception>
        /// <exception cref="SellercloudException">The call failed.</exception>
        /// <exception cref="OperationCanceledException">The token canceled the call.</exception>
        /// <exception cref="ObjectDisposedException">The client was disposed.</exception>
        public Task<OutputFileInfo> WriteOutputFileAsync(
            long jobId,
            Stream destination,
            CallOptions options = null,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            if (destination == null)
            {
                throw new ArgumentNullException(nameof(destination));
            }
            var write = AsyncWriter(destination, cancellationToken);
            return RunAsync(options, copy => WriteOutputFileTo(jobId, write, copy, cancellationToken));
        }

        /// <summary>Gets a job and its status. A job that failed or was canceled is not an error.</summary>
        /// <param name="jobId">The job's ID, from 1 to 2147483647.</param>
        /// <param name="options">Options of this call, or <see langword="null"/> for the defaults.</param>
        /// <param name="cancellationToken">A token that cancels the call.</param>
        /// <returns>The job.</returns>
        /// <exception cref="ArgumentException">
        /// A string contains a NUL character or an unpaired surrogate, or a time is negative.
        /// </exception>
        /// <exception cref="SellercloudException">The call failed.</exception>
        /// <exception cref="OperationCanceledException">The token canceled the call.</exception>
        /// <exception cref="ObjectDisposedException">The client was disposed.</exception>
        public QueuedJob GetJob(
            long jobId,
            CallOptions options = null,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            using (var call = Begin(options, cancellationToken))
            {
                var status = NativeMethods.sco_get_job(
                    handle, jobId, call.Options, out var queuedJob, out var error);
                using (queuedJob)
                {
                    call.End(status, error, queuedJob);
                    return new QueuedJob(queuedJob.DangerousGetHandle());
                }
            }
        }

        /// <summary>
        /// Gets a job and its status, on a thread of its own. A job that failed or was canceled is not an error.
        /// </summary>
        /// <param name="jobId">The job's ID, from 1 to 2147483647.</param>
        /// <param name="options">Options of this call, or <see langword="null"/> for the defaults.</param>
        /// <param name="cancellationToken">A token that cancels the call.</param>
        /// <returns>A task whose result is the job.</returns>
        /// <exception cref="ArgumentException">
        /// A string contains a NUL character or an unpaired surrogate, or a time is negative.
        /// </exception>
        /// <exception cref="SellercloudException">The call failed.</exception>
        /// <exception cref="OperationCanceledException">The token canceled the call.</exception>
        /// <exception cref="ObjectDisposedException">The client was disposed.</exception>
        public Task<QueuedJob> GetJobAsync(
            long jobId,
            CallOptions options = null,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            return RunAsync(options, copy => GetJob(jobId, copy, cancellationToken));
        }

        /// <summary>
        /// Waits until a job has ended successfully, at least for some of its records
        /// (<see cref="JobStatus.PartialSuccess"/>).
        /// </summary>
        /// <param name="jobId">The job's ID, from 1 to 2147483647.</param>
        /// <param name="options">Options of this call, or <see langword="null"/> for the defaults.</param>
        /// <param name="cancellationToken">A token that cancels the call.</param>
        /// <returns>The job in its final status.</returns>
        /// <remarks>
        /// The call times out after 24 hours, unless <see cref="CallOptions.Timeout"/> is set. The intervals
        /// between requests start at <see cref="CallOptions.WaitInitialInterval"/> and increase to
        /// <see cref="CallOptions.WaitMaxInterval"/>. A job that the server cannot find yet does not end the wait
        /// before <see cref="CallOptions.WaitGrace"/> has passed.
        /// </remarks>
        /// <exception cref="ArgumentException">
        /// A string contains a NUL character or an unpaired surrogate, or a time is negative.
        /// </exception>
        /// <exception cref="SellercloudException">
        /// The call failed. The kind is <see cref="SellercloudErrorKind.JobFailed"/> if the job did not succeed, and
        /// <see cref="SellercloudErrorKind.Timeout"/> if it did not end in time.
        /// </exception>
        /// <exception cref="OperationCanceledException">The token canceled the call.</exception>
        /// <exception cref="ObjectDisposedException">The client was disposed.</exception>
        public QueuedJob WaitForJob(
            long jobId,
            CallOptions options = null,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            using (var call = Begin(options, cancellationToken))
            {
                var status = NativeMethods.sco_wait_for_job(
                    handle, jobId, call.Options, out var queuedJob, out var error);
                using (queuedJob)
                {
                    call.End(status, error, queuedJob);
                    return new QueuedJob(queuedJob.DangerousGetHandle());
                }
            }
        }

        /// <summary>
        /// Waits until a job has ended successfully, at least for some of its records
        /// (<see cref="JobStatus.PartialSuccess"/>), on a thread of its own.
        /// </summary>
        /// <param name="jobId">The job's ID, from 1 to 2147483647.</param>
        /// <param name="options">Options of this call, or <see langword="null"/> for the defaults.</param>
        /// <param name="cancellationToken">A token that cancels the call.</param>
        /// <returns>A task whose result is the job in its final status.</returns>
        /// <remarks>
        /// The call times out after 24 hours, unless <see cref="CallOptions.Timeout"/> is set. The intervals
        /// between requests start at <see cref="CallOptions.WaitInitialInterval"/> and increase to
        /// <see cref="CallOptions.WaitMaxInterval"/>. A job that the server cannot find yet does not end the wait
        /// before <see cref="CallOptions.WaitGrace"/> has passed.
        /// </remarks>
        /// <exception cref="ArgumentException">
        /// A string contains a NUL character or an unpaired surrogate, or a time is negative.
        /// </exception>
        /// <exception cref="SellercloudException">
        /// The call failed. The kind is <see cref="SellercloudErrorKind.JobFailed"/> if the job did not succeed, and
        /// <see cref="SellercloudErrorKind.Timeout"/> if it did not end in time.
        /// </exception>
        /// <exception cref="OperationCanceledException">The token canceled the call.</exception>
        /// <exception cref="ObjectDisposedException">The client was disposed.</exception>
        public Task<QueuedJob> WaitForJobAsync(
            long jobId,
            CallOptions options = null,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            return RunAsync(options, copy => WaitForJob(jobId, copy, cancellationToken));
        }

        /// <summary>
        /// Waits for a job as <see cref="WaitForJob"/> does, and downloads its output file into native memory.
        /// </summary>
        /// <param name="jobId">The job's ID, from 1 to 2147483647.</param>
        /// <param name="options">Options of this call, or <see langword="null"/> for the defaults.</param>
        /// <param name="cancellationToken">A token that cancels the call.</param>
        /// <returns>The job and its file. Dispose it to free the file's memory.</returns>
        /// <exception cref="ArgumentException">
        /// A string contains a NUL character or an unpaired surrogate, or a time is negative.
        /// </exception>
        /// <exception cref="SellercloudException">
        /// The call failed. The kind is <see cref="SellercloudErrorKind.JobFailed"/> if the job did not succeed, and
        /// <see cref="SellercloudErrorKind.Timeout"/> if it did not end in time.
        /// </exception>
        /// <exception cref="OperationCanceledException">The token canceled the call.</exception>
        /// <exception cref="ObjectDisposedException">The client was disposed.</exception>
        public JobOutput WaitForOutputFile(
            long jobId,
            CallOptions options = null,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            using (var call = Begin(options, cancellationToken))
            {
                var status = NativeMethods.sco_wait_for_output_file(
                    handle, jobId, call.Options, out var queuedJob, out var file, out var error);
                using (queuedJob)
                {
                    call.End(status, error, file);
                    return new JobOutput(new QueuedJob(queuedJob.DangerousGetHandle()), new OutputFile(file));
                }
            }
        }

        /// <summary>
        /// Waits for a job as <see cref="WaitForJob"/> does, and downloads its output file into native memory, on a
        /// thread of its own.
        /// </summary>
        /// <param name="jobId">The job's ID, from 1 to 2147483647.</param>
        /// <param name="options">Options of this call, or <see langword="null"/> for the defaults.</param>
        /// <param name="cancellationToken">A token that cancels the call.</param>
        /// <returns>A task whose result is the job and its file. Dispose it to free the file's memory.</returns>
        /// <exception cref="ArgumentException">
        /// A string contains a NUL character or an unpaired surrogate, or a time is negative.
        /// </exception>
        /// <exception cref="SellercloudException">
        /// The call failed. The kind is <see cref="SellercloudErrorKind.JobFailed"/> if the job did not succeed, and
        /// <see cref="SellercloudErrorKind.Timeout"/> if it did not end in time.
        /// </exception>
        /// <exception cref="OperationCanceledException">The token canceled the call.</exception>
        /// <exception cref="ObjectDisposedException">The client was disposed.</exception>
        public Task<JobOutput> WaitForOutputFileAsync(
            long jobId,
            CallOptions options = null,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            return RunAsync(options, copy => WaitForOutputFile(jobId, copy, cancellationToken));
        }

        /// <summary>
        /// Waits for a job as <see cref="WaitForJob"/> does, and downloads its output file to a directory as
        /// <see cref="SaveOutputFile"/> does.
        /// </summary>
        /// <param name="jobId">The job's ID, from 1 to 2147483647.</param>
        /// <param name="directory">
        /// An existing directory; "." is the current directory. An empty path is rejected.
        /// </param>
        /// <param name="options">Options of this call, or <see langword="null"/> for the defaults.</param>
        /// <param name="cancellationToken">A token that cancels the call.</param>
        /// <returns>The job, and the name and path of the saved file.</returns>
        /// <remarks>
        /// The directory and <see cref="CallOptions.FileName"/> are checked before the wait begins.
        /// </remarks>
        /// <exception cref="ArgumentNullException"><paramref name="directory"/> is <see langword="null"/>.</exception>
        /// <exception cref="ArgumentException">
        /// A string contains a NUL character or an unpaired surrogate, or a time is negative.
        /// </exception>
        /// <exception cref="SellercloudException">
        /// The call failed. The kind is <see cref="SellercloudErrorKind.JobFailed"/> if the job did not succeed,
        /// <see cref="SellercloudErrorKind.Timeout"/> if it did not end in time, and
        /// <see cref="SellercloudErrorKind.Io"/> if the file cannot be written, or if a file of the same name exists
        /// and <see cref="CallOptions.IfExists"/> is <see cref="IfExists.Fail"/>.
        /// </exception>
        /// <exception cref="OperationCanceledException">The token canceled the call.</exception>
        /// <exception cref="ObjectDisposedException">The client was disposed.</exception>
        public JobOutputInfo WaitAndSaveOutputFile(
            long jobId,
            string directory,
            CallOptions options = null,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            if (directory == null)
            {
                throw new ArgumentNullException(nameof(directory));
            }
            using (var path = new NativeText(directory, nameof(directory)))
            using (var call = Begin(options, cancellationToken))
            {
                var status = NativeMethods.sco_wait_and_save_output_file(
                    handle, jobId, path, call.Options, out var queuedJob, out var info, out var error);
                using (queuedJob)
                using (info)
                {
                    call.End(status, error, info);
                    return new JobOutputInfo(
                        new QueuedJob(queuedJob.DangerousGetHandle()), new OutputFileInfo(info));
                }
            }
        }

        /// <summary>
        /// Waits for a job as <see cref="WaitForJob"/> does, and downloads its output file to a directory as
        /// <see cref="SaveOutputFile"/> does, on a thread of its own.
        /// </summary>
        /// <param name="jobId">The job's ID, from 1 to 2147483647.</param>
        /// <param name="directory">
        /// An existing directory; "." is the current directory. An empty path is rejected.
        /// </param>
        /// <param name="options">Options of this call, or <see langword="null"/> for the defaults.</param>
        /// <param name="cancellationToken">A token that cancels the call.</param>
        /// <returns>A task whose result is the job, and the name and path of the saved file.</returns>
        /// <remarks>
        /// The directory and <see cref="CallOptions.FileName"/> are checked before the wait begins.
        /// </remarks>
        /// <exception cref="ArgumentNullException"><paramref name="directory"/> is <see langword="null"/>.</exception>
        /// <exception cref="ArgumentException">
        /// A string contains a NUL character or an unpaired surrogate, or a time is negative.
        /// </exception>
        /// <exception cref="SellercloudException">
        /// The call failed. The kind is <see cref="SellercloudErrorKind.JobFailed"/> if the job did not succeed,
        /// <see cref="SellercloudErrorKind.Timeout"/> if it did not end in time, and
        /// <see cref="SellercloudErrorKind.Io"/> if the file cannot be written, or if a file of the same name exists
        /// and <see cref="CallOptions.IfExists"/> is <see cref="IfExists.Fail"/>.
        /// </exception>
        /// <exception cref="OperationCanceledException">The token canceled the call.</exception>
        /// <exception cref="ObjectDisposedException">The client was disposed.</exception>
        public Task<JobOutputInfo> WaitAndSaveOutputFileAsync(
            long jobId,
            string directory,
            CallOptions options = null,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            if (directory == null)
            {
                throw new ArgumentNullException(nameof(directory));
            }
            return RunAsync(options, copy => WaitAndSaveOutputFile(jobId, directory, copy, cancellationToken));
        }

        /// <summary>
        /// Waits for a job as <see cref="WaitForJob"/> does, and writes its output file to a stream as
        /// <see cref="WriteOutputFile"/> does.
        /// </summary>
        /// <param name="jobId">The job's ID, from 1 to 2147483647.</param>
        /// <param name="destination">The stream to write to. It is neither flushed nor disposed.</param>
        /// <param name="options">Options of this call, or <see langword="null"/> for the defaults.</param>
        /// <param name="cancellationToken">A token that cancels the call.</param>
        /// <returns>The job, and the name and size of its file.</returns>
        /// <exception cref="ArgumentNullException">
        /// <paramref name="destination"/> is <see langword="null"/>.
        /// </exception>
        /// <exception cref="ArgumentException">
        /// A string contains a NUL character or an unpaired surrogate, or a time is negative.
        /// </exception>
        /// <exception cref="SellercloudException">
        /// The call failed. The kind is <see cref="SellercloudErrorKind.JobFailed"/> if the job did not succeed, and
        /// <see cref="SellercloudErrorKind.Timeout"/> if it did not end in time.
        /// </exception>
        /// <exception cref="OperationCanceledException">The token canceled the call.</exception>
        /// <exception cref="ObjectDisposedException">The client was disposed.</exception>
        public JobOutputInfo WaitAndWriteOutputFile(
            long jobId,
            Stream destination,
            CallOptions options = null,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            if (destination == null)
            {
                throw new ArgumentNullException(nameof(destination));
            }
            return WaitAndWriteOutputFileTo(jobId, SyncWriter(destination), options, cancellationToken);
        }

        /// <summary>
        /// Waits for a job as <see cref="WaitForJob"/> does, and writes its output file to a stream as
        /// <see cref="WriteOutputFile"/> does, on a thread of its own.
        /// </summary>
        /// <param name="jobId">The job's ID, from 1 to 2147483647.</param>
        /// <param name="destination">
        /// The stream to write to, with <see cref="Stream.WriteAsync(byte[], int, int, CancellationToken)"/>. It is
        /// neither flushed nor disposed.
        /// </param>
        /// <param name="options">Options of this call, or <see langword="null"/> for the defaults.</param>
        /// <param name="cancellationToken">A token that cancels the call.</param>
        /// <returns>A task whose result is the job, and the name and size of its file.</returns>
        /// <exception cref="ArgumentNullException">
        /// <paramref name="destination"/> is <see langword="null"/>.
        /// </exception>
        /// <exception cref="ArgumentException">
        /// A string contains a NUL character or an unpaired surrogate, or a time is negative.
        /// </exception>
        /// <exception cref="SellercloudException">
        /// The call failed. The kind is <see cref="SellercloudErrorKind.JobFailed"/> if the job did not succeed, and
        /// <see cref="SellercloudErrorKind.Timeout"/> if it did not end in time.
        /// </exception>
        /// <exception cref="OperationCanceledException">The token canceled the call.</exception>
        /// <exception cref="ObjectDisposedException">The client was disposed.</exception>
        public Task<JobOutputInfo> WaitAndWriteOutputFileAsync(
            long jobId,
            Stream destination,
            CallOptions options = null,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            if (destination == null)
            {
                throw new ArgumentNullException(nameof(destination));
            }
            var write = AsyncWriter(destination, cancellationToken);
            return RunAsync(options, copy => WaitAndWriteOutputFileTo(jobId, write, copy, cancellationToken));
        }

        /// <summary>
        /// Closes the client's connections and zeroes its secrets in memory. Calls that are running on other threads
        /// are not canceled; the client is closed after the last of them. Files remain usable. Further calls have no
        /// effect.
        /// </summary>
        public void Dispose()
        {
            handle.Dispose();
        }

        private static async Task<T> RunAsync<T>(CallOptions options, Func<CallOptions, T> call)
        {
            var copy = options?.Copy();
            // StartNew does not get the caller's token: the call itself is canceled, and its exception carries the
            // token and the message. Awaiting the inner task makes the returned task canceled.
            return await Task.Factory.StartNew(
                () => call(copy),
                CancellationToken.None,
                TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach
                    | TaskCreationOptions.RunContinuationsAsynchronously,
                TaskScheduler.Default).ConfigureAwait(false);
        }

        private static Action<byte[], int> SyncWriter(Stream destination)
        {
            return (bytes, count) => destination.Write(bytes, 0, count);
        }

        /// <summary>
        /// Returns a function that blocks the call's thread until each asynchronous write is complete. This bounds the
        /// memory, and supports streams that only allow asynchronous writes.
        /// </summary>
        private static Action<byte[], int> AsyncWriter(Stream destination, CancellationToken cancellationToken)
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
            return new Call(tokenProvider, observer, options, cancellationToken);
        }

        private OutputFileInfo WriteOutputFileTo(
            long jobId,
            Action<byte[], int> write,
            CallOptions options,
            CancellationToken cancellationToken)
        {
            using (var call = Begin(options, cancellationToken))
            {
                call.Write = write;
                var status = NativeMethods.sco_write_output_file(
                    handle, jobId, Call.WriteCallback, IntPtr.Zero, call.Options, out var info, out var error);
                using (info)
                {
                    call.End(status, error, info);
                    return new OutputFileInfo(info);
                }
            }
        }

        private JobOutputInfo WaitAndWriteOutputFileTo(
            long jobId,
            Action<byte[], int> write,
            CallOptions options,
            CancellationToken cancellationToken)
        {
            using (var call = Begin(options, cancellationToken))
            {
                call.Write = write;
                var status = NativeMethods.sco_wait_and_write_output_file(
                    handle, jobId, Call.WriteCallback, IntPtr.Zero, call.Options, out var queuedJob, out var info,
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
    }
}
