using System;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace SellercloudOutput
{
    /// <summary>
    /// What the C interface hands out to be freed. A call holds the handles that it is given, so that a Dispose on
    /// another thread frees them only after it.
    /// </summary>
    internal abstract class NativeHandle : SafeHandleZeroOrMinusOneIsInvalid
    {
        private volatile bool isDisposed;

        protected NativeHandle()
            : base(ownsHandle: true)
        {
        }

        /// <summary>Whether it was disposed of. (It is not closed before the calls that hold it have ended.)</summary>
        public bool IsDisposed => isDisposed;

        protected override void Dispose(bool disposing)
        {
            isDisposed = true;
            base.Dispose(disposing);
        }
    }

    internal sealed class ConfigHandle : NativeHandle
    {
        protected override bool ReleaseHandle()
        {
            NativeMethods.sco_config_free(handle);
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

    internal sealed class OptionsHandle : NativeHandle
    {
        protected override bool ReleaseHandle()
        {
            NativeMethods.sco_options_free(handle);
            return true;
        }
    }

    internal sealed class CancelHandle : NativeHandle
    {
        protected override bool ReleaseHandle()
        {
            NativeMethods.sco_cancel_free(handle);
            return true;
        }
    }

    internal sealed class OutputFileHandle : NativeHandle
    {
        private long pressure;

        /// <summary>Tells the collector how much memory hangs on this, for files that nobody disposes of.</summary>
        public void AddPressure(long length)
        {
            if (length > 0)
            {
                GC.AddMemoryPressure(length);
                pressure = length;
            }
        }

        /// <summary>Copies bytes of the file, which are there meanwhile whoever disposes of it.</summary>
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
