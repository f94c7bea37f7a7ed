using System;
using System.Text;

namespace SellercloudOutput
{
    /// <summary>Texts that came from the C interface.</summary>
    internal static class Utf8
    {
        /// <summary>Copies a text that ends with NUL; null for NULL. Its owner must be kept alive meanwhile.</summary>
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
