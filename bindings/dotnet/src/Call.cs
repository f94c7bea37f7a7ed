using System;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using System.Threading;

namespace SellercloudOutput
{
    /// <summary>
    /// One call of the C interface on this thread: its options, what cancels it, and what its callbacks do and throw.
    /// Make it, call with its <see cref="Options"/>, <see cref="End"/> it and dispose of it, all on one thread.
    /// </summary>
    internal sealed class Call : IDisposable
    {
        // The library calls back on the thread that makes the call, so that a callback finds its call here. No pointer
        // to a managed object goes through native code. The delegates are there for good.
        [ThreadStatic]
        private static Call current;

        // Below the size from which arrays are collected with the oldest objects only.
        private const int PieceSize = 64 * 1024;

        public static readonly TokenCallback GiveToken = OnToken;
        public static readonly unsafe LogCallback TellRequest = OnRequest;
        public static readonly WriteCallback WriteBytes = OnWrite;
        private static readonly unsafe ProgressCallback TellProgress = OnProgress;

        private readonly Func<bool, string> tokenSource;
        private readonly RequestLog log;
        private readonly IProgress<TransferProgress> progress;
        private readonly CancelHandle cancel;
        private readonly CancellationToken cancellationToken;
        private readonly CancellationTokenRegistration registration;
        private readonly Call outer;
        private ExceptionDispatchInfo thrown;
        private Exception thrownByLog;
        private byte[] pieces;

        public Call(
            Func<bool, string> tokenSource,
            RequestLog log,
            CallOptions options,
            CancellationToken cancellationToken)
        {
            this.tokenSource = tokenSource;
            this.log = log;
            this.cancellationToken = cancellationToken;
            progress = options?.Progress;
            Options = (options ?? new CallOptions()).ToNative();
            cancel = NativeMethods.sco_cancel_new();
            SellercloudException.ThrowIfFailed(
                NativeMethods.sco_options_set_cancel(Options, cancel, out var error), error);
            if (progress != null)
            {
                SellercloudException.ThrowIfFailed(
                    NativeMethods.sco_options_set_progress(Options, TellProgress, IntPtr.Zero, out var progressError),
                    progressError);
            }
            // A token that is cancelled already pulls at once: the call then sends nothing, and fails as cancelled.
            registration = cancellationToken.Register(pulled => ((Call)pulled).Pull(), this);
            outer = current;
            current = this;
        }

        /// <summary>The options for the C interface.</summary>
        public OptionsHandle Options { get; }

        /// <summary>
        /// Takes the next bytes of a file: as many of the array's first as the number says, until it returns. For
        /// calls that hand them out.
        /// </summary>
        public Action<byte[], int> Write { private get; set; }

        /// <summary>
        /// Throws what a callback threw, or why the call failed; frees the error, and on failure what else the call
        /// gave.
        /// </summary>
        public void End(int status, ErrorHandle error, SafeHandle given)
        {
            var failure = SellercloudException.Of(status, error, thrownByLog);
            if (thrownByLog != null && (thrown != null || failure == null))
            {
                log.Report(thrownByLog);
            }
            if (thrown == null && failure == null)
            {
                return;
            }
            given?.Dispose();
            thrown?.Throw();
            if (failure.Kind == SellercloudErrorKind.Cancelled && cancellationToken.IsCancellationRequested)
            {
                throw new OperationCanceledException(failure.Message, failure, cancellationToken);
            }
            throw failure;
        }

        public void Dispose()
        {
            current = outer;
            // First, and it waits for a cancellation under way: that still needs the handle.
            registration.Dispose();
            cancel.Dispose();
            Options.Dispose();
        }

        private void Pull()
        {
            NativeMethods.sco_cancel_pull(cancel);
        }

        /// <summary>Keeps what a callback threw, which must not reach native code, and ends its call.</summary>
        private static int Keep(Exception exception)
        {
            var call = current;
            if (call.thrown == null)
            {
                call.thrown = ExceptionDispatchInfo.Capture(exception);
                call.Pull();
            }
            return 1;
        }

        private static int OnToken(IntPtr context, int renew, IntPtr token)
        {
            try
            {
                var given = current.tokenSource(renew != 0);
                if (given == null)
                {
                    throw new InvalidOperationException("TokenSource returned null, and no token.");
                }
                using (var text = new NativeText(given, nameof(SellercloudClientOptions.TokenSource)))
                {
                    SellercloudException.ThrowIfFailed(NativeMethods.sco_token_set(token, text, out var error), error);
                }
                return 0;
            }
            catch (Exception exception)
            {
                return Keep(exception);
            }
        }

        private static unsafe void OnRequest(IntPtr context, NativeRequest* request)
        {
            RequestRecord record;
            try
            {
                record = new RequestRecord(request);
            }
            catch (Exception exception)
            {
                Keep(exception);
                return;
            }
            var call = current;
            call.thrownByLog = call.log.Write(record) ?? call.thrownByLog;
        }

        private static unsafe int OnProgress(IntPtr context, NativeProgress* progress)
        {
            try
            {
                current.progress.Report(new TransferProgress(
                    (long)progress->Received,
                    progress->TotalIsKnown != 0 ? (long)progress->Total : (long?)null,
                    (int)progress->Attempt));
                return 0;
            }
            catch (Exception exception)
            {
                return Keep(exception);
            }
        }

        private static int OnWrite(IntPtr context, IntPtr data, UIntPtr length)
        {
            try
            {
                current.WritePieces(data, (long)length);
                return 0;
            }
            catch (Exception exception)
            {
                return Keep(exception);
            }
        }

        private void WritePieces(IntPtr data, long length)
        {
            pieces = pieces ?? new byte[PieceSize];
            for (long done = 0; done < length;)
            {
                var count = (int)Math.Min(length - done, pieces.Length);
                Marshal.Copy(new IntPtr((long)data + done), pieces, 0, count);
                Write(pieces, count);
                done += count;
            }
        }
    }
}
