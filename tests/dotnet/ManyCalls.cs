using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Runtime.InteropServices;
using SellercloudOutput;

namespace SellercloudOutputTests
{
    /// <summary>
    /// Makes 10,000 calls of all kinds, and fails where memory or open files grow from the first 2,000 to the end.
    /// </summary>
    internal static class ManyCalls
    {
        private const int Warm = 2000;
        private const int All = 10000;

        // Resident memory moves in the steps of the runtime's own heap: some 1 MiB was seen.
        private const long ResidentTolerance = 4 * 1024 * 1024;

        // What the C library's heap has handed out, to the byte; the native library keeps there all that it gives.
        // 0.3 MiB was seen on Mono, once, however many calls there are. It is more than this with any handle kept, be
        // it of a fifth of the calls only (an error, a job, what is known of a file), and with the folder's text.
        private const long NativeTolerance = 400 * 1024;

        // Connections that the client keeps come and go.
        private const int OpenTolerance = 4;

        private static int Main()
        {
            // A long name, so that its texts count if they are kept.
            var name = "sellercloud-output-" + Guid.NewGuid().ToString("N") + new string('x', 200);
            var folder = Path.Combine(Path.GetTempPath(), name);
            Directory.CreateDirectory(folder);
            var requests = 0;
            var client = new SellercloudClient(new SellercloudClientOptions
            {
                Server = Support.Variable("STAND_IN"),
                Token = Support.Variable("STAND_IN_TOKEN"),
                Log = record => requests++,
            });
            try
            {
                var watch = Stopwatch.StartNew();
                Make(client, folder, Warm);
                var before = new Figures();
                Make(client, folder, All - Warm);
                var after = new Figures();
                Console.WriteLine("{0} calls in {1:0.0} s", All, watch.Elapsed.TotalSeconds);
                Console.WriteLine("after {0}: {1}", Warm, before);
                Console.WriteLine("at the end: {0}", after);
                Require(requests == All, "a request for each call");
                Require(after.Resident - before.Resident < ResidentTolerance, "no memory kept");
                Require(after.Native - before.Native < NativeTolerance, "no native memory kept");
                Require(after.Open - before.Open < OpenTolerance, "not ever more open files");
                return 0;
            }
            finally
            {
                client.Dispose();
                Directory.Delete(folder, recursive: true);
            }
        }

        private static void Make(SellercloudClient client, string folder, int calls)
        {
            var options = new CallOptions { IfExists = IfExists.Replace, Sync = false };
            var copy = new MemoryStream();
            for (var call = 0; call < calls; call++)
            {
                switch (call % 5)
                {
                    case 0:
                        using (var file = client.GetOutputFile(28142))
                        {
                            Require(file.ToArray().Length == 2400);
                        }
                        break;
                    case 1:
                        Require(client.SaveOutputFile(28142, folder, options).Length == 2400);
                        break;
                    case 2:
                        copy.SetLength(0);
                        client.CopyOutputFileTo(28143, copy);
                        Require(copy.Length == 4239);
                        break;
                    case 3:
                        try
                        {
                            client.GetOutputFile(5);
                            Require(false);
                        }
                        catch (SellercloudException exception)
                        {
                            Require(exception.Kind == SellercloudErrorKind.Server);
                        }
                        break;
                    default:
                        Require(client.GetJob(50003).Status == JobStatus.PartialSuccess);
                        break;
                }
            }
        }

        private static void Require(bool isSo, string what = "what the call should give")
        {
            if (!isSo)
            {
                throw new InvalidOperationException("there should be " + what);
            }
        }

        /// <summary>glibc's mallinfo2.</summary>
        [DllImport("libc.so.6")]
        private static extern HeapInfo mallinfo2();

        [StructLayout(LayoutKind.Sequential)]
        private struct HeapInfo
        {
            public UIntPtr Arena, FreeChunks, FastChunks, Mapped, MappedBytes, Unused, FastBytes, Used, Free, Top;
        }

        /// <summary>What the process holds, after the collector has done what it can.</summary>
        private sealed class Figures
        {
            public Figures()
            {
                for (var round = 0; round < 3; round++)
                {
                    GC.Collect();
                    GC.WaitForPendingFinalizers();
                }
                var heap = mallinfo2();
                Native = (long)heap.Used + (long)heap.MappedBytes;
                Resident = Support.Memory("VmRSS");
                Open = Directory.GetFileSystemEntries("/proc/self/fd").Length;
            }

            public long Resident { get; }

            public long Native { get; }

            public int Open { get; }

            public override string ToString()
            {
                return string.Format(
                    CultureInfo.InvariantCulture,
                    "{0:0.0} MiB resident, {1:0.00} MiB of native heap, {2} open files",
                    Resident / 1048576.0, Native / 1048576.0, Open);
            }
        }
    }
}
