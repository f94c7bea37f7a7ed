#define TRACE
using System;
using System.Diagnostics;
using System.Threading;

namespace SellercloudOutput
{
    /// <summary>
    /// Calls a client's <see cref="SellercloudClientOptions.OnRequest"/>. Exceptions of that function never decide the
    /// outcome of a call.
    /// </summary>
    internal sealed class RequestObserver
    {
        private readonly Action<RequestRecord> onRequest;
        private int isTraced;

        private RequestObserver(Action<RequestRecord> onRequest)
        {
            this.onRequest = onRequest;
        }

        /// <summary>Returns <see langword="null"/> if there is no function to call.</summary>
        public static RequestObserver FromFunction(Action<RequestRecord> onRequest)
        {
            return onRequest == null ? null : new RequestObserver(onRequest);
        }

        /// <summary>
        /// Returns the exception that the function threw, or <see langword="null"/> if it did not throw.
        /// </summary>
        public Exception Invoke(RequestRecord record)
        {
            try
            {
                onRequest(record);
                return null;
            }
            catch (Exception exception)
            {
                return exception;
            }
        }

        /// <summary>
        /// Writes an exception of the function to <see cref="Trace"/>. Only the first one of each client is written.
        /// </summary>
        public void TraceException(Exception exception)
        {
            if (Interlocked.Exchange(ref isTraced, 1) != 0)
            {
                return;
            }
            try
            {
                Trace.TraceError("SellercloudClientOptions.OnRequest threw an exception: {0}", exception);
            }
            catch (Exception)
            {
                // The program's trace listeners may throw too.
            }
        }
    }
}
