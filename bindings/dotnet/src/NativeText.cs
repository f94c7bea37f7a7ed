using System;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace SellercloudOutput
{
    /// <summary>
    /// A string for the C interface: NUL-terminated UTF-8 in native memory, or NULL. The string may be a secret.
    /// Therefore it is outside of the managed heap, where the garbage collector copies objects, and is zeroed before
    /// it is freed.
    /// </summary>
    internal sealed class NativeText : SafeHandleZeroOrMinusOneIsInvalid
    {
        private static readonly Encoding Strict = new UTF8Encoding(false, throwOnInvalidBytes: true);

        private readonly int length;

        /// <summary>Initializes a new instance of the <see cref="NativeText"/> class.</summary>
        /// <param name="text">The string, or <see langword="null"/> for NULL.</param>
        /// <param name="name">The name of the parameter or property, for exceptions.</param>
        /// <exception cref="ArgumentException">
        /// The string contains a NUL character or an unpaired surrogate. The message does not contain the string.
        /// </exception>
        public unsafe NativeText(string text, string name)
            : base(ownsHandle: true)
        {
            if (text == null)
            {
                return;
            }
            if (text.IndexOf('\0') >= 0)
            {
                throw new ArgumentException(name + " must not contain a NUL character.", name);
            }
            try
            {
                length = Strict.GetByteCount(text);
            }
            catch (EncoderFallbackException)
            {
                // The inner exception is left out, since it describes the string.
                throw new ArgumentException(name + " must not contain an unpaired surrogate.", name);
            }
            SetHandle(Marshal.AllocHGlobal(length + 1));
            var bytes = (byte*)handle;
            fixed (char* characters = text)
            {
                Strict.GetBytes(characters, text.Length, bytes, length);
            }
            bytes[length] = 0;
        }

        /// <summary>Gets the number of bytes, without the NUL.</summary>
        public UIntPtr Size => new UIntPtr((uint)length);

        protected override unsafe bool ReleaseHandle()
        {
            new Span<byte>((void*)handle, length).Clear();
            Marshal.FreeHGlobal(handle);
            return true;
        }
    }
}
