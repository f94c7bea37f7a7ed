using System;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace SellercloudOutput
{
    /// <summary>
    /// A handle of the C interface. A call that uses a handle keeps it open, so that a Dispose on another thread frees
    /// the native object only after the call.
    /// </summary>
    internal abstract class NativeHandle : SafeHandleZeroOrMinusOneIsInvalid
    {
        private volatile bool isDisposed;

        protected NativeHandle()
            : base(ownsHandle: true)
        {
        }

        /// <summary>
        /// Gets a value indicating whether Dispose was called. IsClosed becomes true only after the calls that use the
        /// handle have ended.
        /// </summary>
        public bool IsDisposed => isDisposed;

        protected override void Dispose(bool disposing)
        {
            isDisposed = true;
            base.Dispose(disposing);
        }
    }

    internal sealed class ClientOptionsHandle : NativeHandle
    {
        protected override bool ReleaseHandle()
        {
            NativeMethods.sco_client_options_free(handle);
            return true;
        }
    }

    internal sealed class ClientHandle : NativeHandle
    {
        protected override bool ReleaseHandle()
        {
            NativeMethods.sco_client_free(handle);
            return true;
        }
    }

    internal sealed class CallOptionsHandle : NativeHandle
    {
        protected override bool ReleaseHandle()
        {
            NativeMethods.sco_call_options_free(handle);
            return true;
        }
    }

    internal sealed class CancelTokenHandle : NativeHandle
    {
        protected override bool ReleaseHandle()
        {
            NativeMethods.sco_cancel_token_free(handle);
            return true;
        }
    }

    internal sealed class OutputFileHandle : NativeHandle
    {
        private long pressure;

        /// <summary>
        /// Reports the size of the native memory to the garbage collector, which finalizes undisposed files in time
        /// only if it knows of that memory.
        /// </summary>
        public void AddMemoryPressure(long length)
        {
            if (length > 0)
            {
                GC.AddMemoryPressure(length);
                pressure = length;
            }
        }

        /// <summary>Copies bytes of the file. A concurrent Dispose frees them only after the copy.</summary>
        public void Copy(IntPtr source, byte[] buffer, int offset, int count)
        {
            var isHeld = false;
            try
            {
                DangerousAddRef(ref isHeld);
                Marshal.Copy(source, buffer, offset, count);
            }
            finally
            {
                if (isHeld)
                {
                    DangerousRelease();
                }
            }
        }

        protected override bool ReleaseHandle()
        {
            NativeMethods.sco_output_file_free(handle);
            if (pressure > 0)
            {
                GC.RemoveMemoryPressure(pressure);
            }
            return true;
        }
    }

    internal sealed class FileInfoHandle : NativeHandle
    {
        protected override bool ReleaseHandle()
        {
            NativeMethods.sco_file_info_free(handle);
            return true;
        }
    }

    internal sealed class JobHandle : NativeHandle
    {
        protected override bool ReleaseHandle()
        {
            NativeMethods.sco_job_free(handle);
            return true;
        }
    }

    internal sealed class ErrorHandle : NativeHandle
    {
        protected override bool ReleaseHandle()
        {
            NativeMethods.sco_error_free(handle);
            return true;
        }
    }
}
