using System;

namespace SellercloudOutput
{
    /// <summary>Checks once that the native library can be loaded and matches the version of this assembly.</summary>
    internal static class NativeLibraryCheck
    {
        private static volatile bool isDone;

        /// <exception cref="DllNotFoundException">
        /// The native library is missing or belongs to another release.
        /// </exception>
        public static void Run()
        {
            if (isDone)
            {
                return;
            }
            string loaded;
            try
            {
                loaded = Utf8.Read(NativeMethods.sco_version());
            }
            catch (Exception exception) when (exception is DllNotFoundException
                || exception is EntryPointNotFoundException
                || exception is BadImageFormatException)
            {
                throw new DllNotFoundException(
                    "The native library of SellercloudOutput could not be loaded into this " + (IntPtr.Size * 8)
                    + "-bit process. Its file is sellercloud_output.dll on Windows, libsellercloud_output.so on Linux "
                    + "and libsellercloud_output.dylib on macOS. The NuGet package contains it for the platforms in "
                    + "its directory 'runtimes'. For other platforms, build it from source with "
                    + "'cargo build --release' and copy it next to SellercloudOutput.dll.",
                    exception);
            }
            var expected = typeof(NativeLibraryCheck).Assembly.GetName().Version;
            // While the major version is 0, a minor release may change the interface.
            if (!Version.TryParse(loaded, out var version)
                || version.Major != expected.Major
                || (version.Major == 0 ? version.Minor != expected.Minor : version.Minor < expected.Minor))
            {
                throw new DllNotFoundException(
                    "The loaded native library of SellercloudOutput has version " + loaded + ", but this assembly has "
                    + "version " + expected.ToString(3) + ". Install both from the same release.");
            }
            isDone = true;
        }
    }
}
