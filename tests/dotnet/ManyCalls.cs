using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Runtime.InteropServices;
using SellercloudOutput;

namespace SellercloudOutputTests
{
    /// <summary>
    /// Makes 10,000 calls of several kinds. Fails if memory or the number of open files grows after the first 2,000.
    /// </summary>
    internal static class ManyCalls
    {
        private const int WarmUpCalls = 2000;
        private const int TotalCalls = 10000;

        // Resident memory moves in the steps of the managed heap. About 1 MiB was observed.
        private const long ResidentTolerance = 4 * 1024 * 1024;

        // The exact number of bytes that the C library's heap has handed out, which includes everything that the
        // native library returns. Mono was observed to add 0.3 MiB once, independent of the number of calls. A leak of
        // any handle (an error, a job, a file info), even in a fifth of the calls, or of the directory's path exceeds
        // this tolerance.
        private const long NativeTolerance = 400 * 1024;

        // The number of pooled connections varies.
        private const int OpenTolerance = 4;

        private static int Main()
        {
            // The name is long, so that leaked paths exceed the tolerance.
            var name = "sellercloud-output-" + Guid.NewGuid().ToString("N") + new string('x', 200);
            var directory = Path.Combine(Path.GetTempPath(), name);
            Directory.CreateDirectory(directory);
            var requests = 0;
            var client = new SellercloudClient(new SellercloudClientOptions
            {
                Server = Support.Variable("MOCK_SERVER"),
                Token = Support.Variable("MOCK_SERVER_TOKEN"),
                OnRequest = record => requests++,
            });
            try
            {
                var watch = Stopwatch.StartNew();
                Make(client, directory, WarmUpCalls);
                var before = new Figures();
                Make(client, directory, TotalCalls - WarmUpCalls);
                var after = new Figures();
                Console.WriteLine("{0} calls in {1:0.0} s", TotalCalls, watch.Elapsed.TotalSeconds);
                Console.WriteLine("after {0}: {1}", WarmUpCalls, before);
                Console.WriteLine("at the end: {0}", after);
                Require(requests == TotalCalls, "The number of requests must equal the number of calls.");
                Require(after.Resident - before.Resident < ResidentTolerance, "The resident memory must not grow.");
                Require(after.Native - before.Native < NativeTolerance, "The native heap must not grow.");
                Require(after.Open - before.Open < OpenTolerance, "The number of open files must not grow.");
                return 0;
            }
            finally
            {
                client.Dispose();
                Directory.Delete(directory, recursive: true);
            }
        }

        private static void Make(SellercloudClient client, string directory, int calls)
        {
            var options = new CallOptions { IfExists = IfExists.Replace, FlushToDisk = false };
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
                        Require(client.SaveOutputFile(28142, directory, options).Length == 2400);
                        break;
                    case 2:
                        copy.SetLength(0);
                        client.WriteOutputFile(28143, copy);
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

        private static void Require(bool condition, string message = "A call returned a wrong result.")
        {
            if (!condition)
            {
                throw new InvalidOperationException(message);
            }
        }

        /// <summary>Returns the heap statistics of glibc.</summary>
        [DllImport("libc.so.6")]
        private static extern HeapInfo mallinfo2();

        [StructLayout(LayoutKind.Sequential)]
        private struct HeapInfo
        {
            public UIntPtr Arena, FreeChunks, FastChunks, Mapped, MappedBytes, Unused, FastBytes, Used, Free, Top;
        }

        /// <summary>Memory and open files of the process after garbage collection.</summary>
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
                Resident = Support.ReadMemory("VmRSS");
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
