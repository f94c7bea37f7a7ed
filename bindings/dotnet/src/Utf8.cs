using System;
using System.Text;

namespace SellercloudOutput
{
    /// <summary>Reads strings of the C interface.</summary>
    internal static class Utf8
    {
        /// <summary>
        /// Copies a NUL-terminated string. Returns <see langword="null"/> for NULL. The caller keeps the owner of the
        /// string alive during the call.
        /// </summary>
        public static unsafe string Read(IntPtr text)
        {
            if (text == IntPtr.Zero)
            {
                return null;
            }
            var bytes = (byte*)text;
            var length = 0;
            while (bytes[length] != 0)
            {
                length++;
            }
            return Encoding.UTF8.GetString(bytes, length);
        }
    }
}
