#define TRACE
using System;
using System.Diagnostics;
using System.Threading;

namespace SellercloudOutput
{
    /// <summary>A client's <see cref="SellercloudClientOptions.Log"/>, which never decides a call's outcome.</summary>
    internal sealed class RequestLog
    {
        private readonly Action<RequestRecord> log;
        private int isReported;

        private RequestLog(Action<RequestRecord> log)
        {
            this.log = log;
        }

        public static RequestLog Of(Action<RequestRecord> log)
        {
            return log == null ? null : new RequestLog(log);
        }

        /// <summary>Returns what the caller's function threw; null if it did not throw.</summary>
        public Exception Write(RequestRecord record)
        {
            try
            {
                log(record);
                return null;
            }
            catch (Exception exception)
            {
                return exception;
            }
        }

        /// <summary>Writes what the caller's function threw to <see cref="Trace"/>, once for a client.</summary>
        public void Report(Exception exception)
        {
            if (Interlocked.Exchange(ref isReported, 1) != 0)
            {
                return;
            }
            try
            {
                Trace.TraceError("SellercloudClientOptions.Log threw an exception: {0}", exception);
            }
            catch (Exception)
            {
                // A trace listener of the program's may throw as well.
            }
        }
    }
}
