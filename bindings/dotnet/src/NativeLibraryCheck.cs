using System;

namespace SellercloudOutput
{
    /// <summary>Finds out, once, whether the native library is there and of this assembly's release.</summary>
    internal static class NativeLibraryCheck
    {
        private static volatile bool isDone;

        /// <exception cref="DllNotFoundException">It is not.</exception>
        public static void Run()
        {
            if (isDone)
            {
                return;
            }
            string found;
            try
            {
                found = Utf8.Read(NativeMethods.sco_version());
            }
            catch (Exception exception) when (exception is DllNotFoundException
                || exception is EntryPointNotFoundException
                || exception is BadImageFormatException)
            {
                throw new DllNotFoundException(
                    "The native library of SellercloudOutput could not be loaded. It is sellercloud_output.dll on "
                    + "Windows, libsellercloud_output.so on Linux and libsellercloud_output.dylib on macOS, built "
                    + "for a " + (IntPtr.Size * 8) + "-bit process. The NuGet package has it for the systems that its "
                    + "folder runtimes names; for others build it from the sources with `cargo build --release`, and put it "
                    + "beside SellercloudOutput.dll.",
                    exception);
            }
            var expected = typeof(NativeLibraryCheck).Assembly.GetName().Version;
            // While the major version is 0, a minor one may change the interface.
            if (!Version.TryParse(found, out var version)
                || version.Major != expected.Major
                || (version.Major == 0 ? version.Minor != expected.Minor : version.Minor < expected.Minor))
            {
                throw new DllNotFoundException(
                    "The native library of SellercloudOutput that was loaded is of version " + found + ", and this "
                    + "assembly is of version " + expected.ToString(3) + ": take both from the same release.");
            }
            isDone = true;
        }
    }
}
