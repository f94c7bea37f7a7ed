using System;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace SellercloudOutput
{
    /// <summary>
    /// A text for the C interface: UTF-8 that ends with NUL, outside of the heap that the garbage collector copies
    /// about, and zeroed when it is freed, since it may be a secret. NULL where there is no text.
    /// </summary>
    internal sealed class NativeText : SafeHandleZeroOrMinusOneIsInvalid
    {
        private static readonly Encoding Strict = new UTF8Encoding(false, throwOnInvalidBytes: true);

        private readonly int length;

        /// <param name="text">The text, or null.</param>
        /// <param name="name">What the caller calls it, for the exception.</param>
        /// <exception cref="ArgumentException">C cannot have the text, which the message does not show.</exception>
        public unsafe NativeText(string text, string name)
            : base(ownsHandle: true)
        {
            if (text == null)
            {
                return;
            }
            if (text.IndexOf('\0') >= 0)
            {
                throw new ArgumentException(name + " holds a NUL character.", name);
            }
            try
            {
                length = Strict.GetByteCount(text);
            }
            catch (EncoderFallbackException)
            {
                throw new ArgumentException(
                    name + " holds half of a surrogate pair, which is no character.", name);
            }
            SetHandle(Marshal.AllocHGlobal(length + 1));
            var bytes = (byte*)handle;
            fixed (char* characters = text)
            {
                Strict.GetBytes(characters, text.Length, bytes, length);
            }
            bytes[length] = 0;
        }

        /// <summary>How many bytes it has, without the NUL.</summary>
        public UIntPtr Length => new UIntPtr((uint)length);

        protected override unsafe bool ReleaseHandle()
        {
            new Span<byte>((void*)handle, length).Clear();
            Marshal.FreeHGlobal(handle);
            return true;
        }
    }
}
