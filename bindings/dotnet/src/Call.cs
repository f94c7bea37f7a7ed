using System;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using System.Threading;

namespace SellercloudOutput
{
    /// <summary>
    /// One call of the C interface: its native options, its cancellation, its callbacks and their exceptions. Create
    /// it, pass its <see cref="Options"/> to a native function, call <see cref="End"/> and dispose it, all on one
    /// thread.
    /// </summary>
    internal sealed class Call : IDisposable
    {
        // The library invokes callbacks on the thread that makes the call. A callback finds its call in this field, so
        // that no pointer to a managed object passes through native code.
        [ThreadStatic]
        private static Call current;

        // Arrays of 85,000 bytes or more would be allocated on the large object heap.
        private const int WriteBufferSize = 64 * 1024;

        // The delegates are static, so that the garbage collector never collects one that native code still uses.
        public static readonly TokenCallback TokenCallback = OnToken;
        public static readonly unsafe RequestCallback RequestCallback = OnRequest;
        public static readonly WriteCallback WriteCallback = OnWrite;
        private static readonly unsafe ProgressCallback ProgressCallback = OnProgress;

        private readonly Func<bool, string> tokenProvider;
        private readonly RequestObserver observer;
        private readonly IProgress<TransferProgress> progress;
        private readonly CancelTokenHandle cancelToken;
        private readonly CancellationToken cancellationToken;
        private readonly CancellationTokenRegistration registration;
        private readonly Call outer;
        private ExceptionDispatchInfo callbackException;
        private Exception observerException;
        private byte[] writeBuffer;

        public Call(
            Func<bool, string> tokenProvider,
            RequestObserver observer,
            CallOptions options,
            CancellationToken cancellationToken)
        {
            this.tokenProvider = tokenProvider;
            this.observer = observer;
            this.cancellationToken = cancellationToken;
            progress = options?.Progress;
            Options = (options ?? new CallOptions()).ToNative();
            cancelToken = NativeMethods.sco_cancel_token_new();
            SellercloudException.ThrowIfFailed(
                NativeMethods.sco_call_options_set_cancel_token(Options, cancelToken, out var error), error);
            if (progress != null)
            {
                SellercloudException.ThrowIfFailed(
                    NativeMethods.sco_call_options_set_on_progress(
                        Options, ProgressCallback, IntPtr.Zero, out var progressError),
                    progressError);
            }
            // If the token is already canceled, Register cancels at once, and the call fails without a request.
            registration = cancellationToken.Register(call => ((Call)call).Cancel(), this);
            outer = current;
            current = this;
        }

        /// <summary>Gets the native options.</summary>
        public CallOptionsHandle Options { get; }

        /// <summary>
        /// Sets the function that receives the next bytes of a file: an array and the number of valid bytes in it. The
        /// array is reused after the function returns.
        /// </summary>
        public Action<byte[], int> Write { private get; set; }

        /// <summary>
        /// Throws the exception of a callback or of the failed call. Frees the error and, on failure, the result.
        /// </summary>
        public void End(int status, ErrorHandle error, SafeHandle result)
        {
            var failure = SellercloudException.FromStatus(status, error, observerException);
            if (observerException != null && (callbackException != null || failure == null))
            {
                observer.TraceException(observerException);
            }
            if (callbackException == null && failure == null)
            {
                return;
            }
            result?.Dispose();
            callbackException?.Throw();
            if (failure.Kind == SellercloudErrorKind.Canceled && cancellationToken.IsCancellationRequested)
            {
                throw new OperationCanceledException(failure.Message, failure, cancellationToken);
            }
            throw failure;
        }

        public void Dispose()
        {
            current = outer;
            // Disposing the registration waits for a running Cancel, which still uses the handle.
            registration.Dispose();
            cancelToken.Dispose();
            Options.Dispose();
        }

        private void Cancel()
        {
            NativeMethods.sco_cancel_token_cancel(cancelToken);
        }

        /// <summary>
        /// Stores an exception of a callback, since it must not pass through native code, and cancels the call.
        /// </summary>
        private static int Capture(Exception exception)
        {
            var call = current;
            if (call.callbackException == null)
            {
                call.callbackException = ExceptionDispatchInfo.Capture(exception);
                call.Cancel();
            }
            return 1;
        }

        private static int OnToken(IntPtr context, int renew, IntPtr result)
        {
            try
            {
                var token = current.tokenProvider(renew != 0);
                if (token == null)
                {
                    throw new InvalidOperationException(
                        "SellercloudClientOptions.TokenProvider returned null. It must return a token.");
                }
                using (var text = new NativeText(token, nameof(SellercloudClientOptions.TokenProvider)))
                {
                    SellercloudException.ThrowIfFailed(
                        NativeMethods.sco_token_result_set(result, text, out var error), error);
                }
                return 0;
            }
            catch (Exception exception)
            {
                return Capture(exception);
            }
        }

        private static unsafe void OnRequest(IntPtr context, NativeRequestRecord* native)
        {
            RequestRecord record;
            try
            {
                record = new RequestRecord(native);
            }
            catch (Exception exception)
            {
                Capture(exception);
                return;
            }
            var call = current;
            call.observerException = call.observer.Invoke(record) ?? call.observerException;
        }

        private static unsafe int OnProgress(IntPtr context, NativeProgress* progress)
        {
            try
            {
                current.progress.Report(new TransferProgress(
                    (long)progress->BytesReceived,
                    progress->HasTotalBytes != 0 ? (long)progress->TotalBytes : (long?)null,
                    (int)progress->Attempt));
                return 0;
            }
            catch (Exception exception)
            {
                return Capture(exception);
            }
        }

        private static int OnWrite(IntPtr context, IntPtr data, UIntPtr size)
        {
            try
            {
                current.WriteChunks(data, (long)size);
                return 0;
            }
            catch (Exception exception)
            {
                return Capture(exception);
            }
        }

        private void WriteChunks(IntPtr data, long size)
        {
            writeBuffer = writeBuffer ?? new byte[WriteBufferSize];
            for (long written = 0; written < size;)
            {
                var count = (int)Math.Min(size - written, writeBuffer.Length);
                Marshal.Copy(new IntPtr((long)data + written), writeBuffer, 0, count);
                Write(writeBuffer, count);
                written += count;
            }
        }
    }
}
