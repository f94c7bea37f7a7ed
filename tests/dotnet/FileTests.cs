using System;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using NUnit.Framework;
using SellercloudOutput;

namespace SellercloudOutputTests
{
    [TestFixture]
    public class FileTests
    {
        [Test]
        public void GetOutputFile_Csv_HasBytesAndName()
        {
            using (var client = new SellercloudClient(
                Support.Variable("MOCK_SERVER"), Support.Variable("MOCK_SERVER_TOKEN")))
            using (var file = client.GetOutputFile(28142))
            {
                Assert.That(file.Name, Is.EqualTo(Support.OrdersName));
                Assert.That(file.Length, Is.EqualTo(Support.OrdersLength));
                Assert.That(file.IsFallbackName, Is.False);
                Assert.That(file.ContentType, Is.EqualTo("text/csv"));
                Assert.That(file.ToArray(), Is.EqualTo(Fixture("orders.csv")));
                Assert.That(file.AsSpan().ToArray(), Is.EqualTo(Fixture("orders.csv")));
            }
        }

        [Test]
        public void GetOutputFile_EmptyOrUnnamedFile_Succeeds()
        {
            using (var client = new SellercloudClient(Support.TokenOptions()))
            using (var empty = client.GetOutputFile(28147))
            using (var unnamed = client.GetOutputFile(28149))
            {
                Assert.That(empty.Length, Is.EqualTo(0));
                Assert.That(empty.ToArray(), Is.Empty);
                Assert.That(empty.AsSpan().IsEmpty);
                Assert.That(empty.AsStream().ReadByte(), Is.EqualTo(-1));
                Assert.That(unnamed.IsFallbackName);
                Assert.That(unnamed.Name, Is.EqualTo("output-28149.csv"));
            }
        }

        [Test]
        public void GetOutputFile_NoContentType_ReturnsNull()
        {
            using (var client = new SellercloudClient(Support.TokenOptions()))
            using (var file = client.GetOutputFile(60004))
            {
                Assert.That(file.ContentType, Is.Null);
                Assert.That(file.ToArray(), Is.EqualTo(Fixture("orders.csv")));
            }
        }

        [Test]
        public void OutputFile_DisposedClient_RemainsUsable()
        {
            OutputFile file;
            using (var client = new SellercloudClient(Support.TokenOptions()))
            {
                file = client.GetOutputFile(28143);
            }
            using (file)
            {
                Assert.That(file.Name, Is.EqualTo("inventory.txt"));
                Assert.That(file.ToArray(), Is.EqualTo(Fixture("inventory.txt")));
            }
        }

        [Test]
        public void SaveOutputFile_EachOption_SavesTheWholeFile()
        {
            using (var directory = new TemporaryDirectory("Ausg\u00e4nge \u65e5\u672c \ud83d\udce6"))
            using (var client = new SellercloudClient(Support.TokenOptions()))
            using (var file = client.GetOutputFile(28142))
            {
                var saved = client.SaveOutputFile(28142, directory.Path);
                Assert.That(saved.Path, Is.EqualTo(Path.Combine(directory.Path, Support.OrdersName)));
                Assert.That(saved.Name, Is.EqualTo(Support.OrdersName));
                Assert.That(saved.IsFallbackName, Is.False);
                Assert.That(saved.ContentType, Is.EqualTo("text/csv"));
                Assert.That(saved.Length, Is.EqualTo(Support.OrdersLength));
                Assert.That(File.ReadAllBytes(saved.Path), Is.EqualTo(Fixture("orders.csv")));

                Support.Fails(SellercloudErrorKind.Io, () => client.SaveOutputFile(28142, directory.Path));
                Support.Fails(SellercloudErrorKind.Io, () => file.Save(directory.Path));

                var options = new CallOptions { IfExists = IfExists.KeepBoth };
                saved = client.SaveOutputFile(28142, directory.Path, options);
                Assert.That(Path.GetFileName(saved.Path), Is.EqualTo("Orders \u00e9 2026-11-23 (1).csv"));

                options.FileName = "Bestellungen \u65e5\u672c \ud83d\udce6.csv";
                options.FlushToDisk = false;
                saved = client.SaveOutputFile(28142, directory.Path, options);
                Assert.That(Path.GetFileName(saved.Path), Is.EqualTo(options.FileName));
                Assert.That(saved.Name, Is.EqualTo(Support.OrdersName));
                saved = file.Save(directory.Path, options);
                Assert.That(
                    Path.GetFileName(saved.Path), Is.EqualTo("Bestellungen \u65e5\u672c \ud83d\udce6 (1).csv"));
                Assert.That(File.ReadAllBytes(saved.Path), Is.EqualTo(Fixture("orders.csv")));

                options.IfExists = IfExists.Replace;
                File.WriteAllText(saved.Path, "old");
                options.FileName = Path.GetFileName(saved.Path);
                Assert.That(client.SaveOutputFile(28142, directory.Path, options).Path, Is.EqualTo(saved.Path));
                Assert.That(File.ReadAllBytes(saved.Path), Is.EqualTo(Fixture("orders.csv")));
                Assert.That(directory.Names().Length, Is.EqualTo(4));
            }
        }

        [Test]
        public void SaveOutputFile_MissingDirectory_Fails()
        {
            using (var directory = new TemporaryDirectory())
            using (var client = new SellercloudClient(Support.TokenOptions()))
            {
                var missing = Path.Combine(directory.Path, "missing");
                var error = Support.Fails(SellercloudErrorKind.Io, () => client.SaveOutputFile(28142, missing));
                Assert.That(error.Message, Contains.Substring(missing));
            }
        }

        [Test]
        public void WriteOutputFile_Stream_ReceivesTheFile()
        {
            using (var client = new SellercloudClient(Support.TokenOptions()))
            using (var destination = new MemoryStream())
            {
                var info = client.WriteOutputFile(28143, destination);
                Assert.That(info.Name, Is.EqualTo("inventory.txt"));
                Assert.That(info.Length, Is.EqualTo(destination.Length));
                Assert.That(info.Path, Is.Null);
                Assert.That(destination.ToArray(), Is.EqualTo(Fixture("inventory.txt")));
            }
        }

        [Test]
        public void WriteOutputFile_LargeFile_UsesBoundedMemory()
        {
            const long Length = 64 * 1024 * 1024;
            using (var client = new SellercloudClient(Support.TokenOptions()))
            {
                foreach (var isAsync in new[] { false, true })
                {
                    client.WriteOutputFile(28143, Stream.Null);
                    var before = Support.ReadMemory("VmRSS");
                    var stream = new CountingStream(isAsync);
                    var info = isAsync
                        ? client.WriteOutputFileAsync(28148, stream).Result()
                        : client.WriteOutputFile(28148, stream);
                    Assert.That(info.Length, Is.EqualTo(Length));
                    Assert.That(stream.Count, Is.EqualTo(Length));
                    // The download needs about 1 MiB, and the managed heap grows in larger steps. The file has 64 MiB.
                    Assert.That(stream.PeakMemory - before, Is.LessThan(24 * 1024 * 1024));
                }
            }
        }

        [Test]
        public void OutputFile_Undisposed_IsFinalized()
        {
            using (var client = new SellercloudClient(Support.TokenOptions()))
            {
                // Mono counts memory pressure, but does not start a collection because of it.
                var isMono = Type.GetType("Mono.Runtime") != null;
                var before = Support.ReadMemory("VmRSS");
                var peak = before;
                for (var round = 0; round < 24; round++)
                {
                    client.GetOutputFile(28148);
                    if (isMono)
                    {
                        GC.Collect();
                    }
                    peak = Math.Max(peak, Support.ReadMemory("VmRSS"));
                }
                // The files have 1.5 GiB in total. The native library keeps 128 MiB of freed memory for reuse.
                Assert.That(peak - before, Is.LessThan(768L * 1024 * 1024));
            }
        }

        [Test]
        public void MaxFileSize_LargerFile_Fails()
        {
            var options = Support.TokenOptions();
            options.MaxFileSize = 2399;
            using (var client = new SellercloudClient(options))
            {
                Support.Fails(SellercloudErrorKind.TooLarge, () => client.GetOutputFile(28142));
            }
        }

        [Test]
        public void BodyEncoding_EachValue_DecodesTheBody()
        {
            var options = Support.TokenOptions();
            options.BodyEncoding = BodyEncoding.Raw;
            using (var client = new SellercloudClient(options))
            using (var file = client.GetOutputFile(28146))
            {
                Assert.That(file.ToArray(), Is.EqualTo(Fixture("labels.zip")));
            }
            options.BodyEncoding = BodyEncoding.Auto;
            using (var client = new SellercloudClient(options))
            using (var raw = client.GetOutputFile(28146))
            using (var encoded = client.GetOutputFile(28142))
            {
                Assert.That(raw.ToArray(), Is.EqualTo(Fixture("labels.zip")));
                Assert.That(encoded.ToArray(), Is.EqualTo(Fixture("orders.csv")));
            }
        }

        private static byte[] Fixture(string name)
        {
            return File.ReadAllBytes(Path.Combine(Support.Variable("FIXTURES"), name));
        }

        /// <summary>
        /// A stream that counts and discards bytes. It allows either synchronous or asynchronous writes, as the streams
        /// of some web servers do.
        /// </summary>
        private sealed class CountingStream : Stream
        {
            private readonly bool isAsync;

            public CountingStream(bool isAsync)
            {
                this.isAsync = isAsync;
            }

            public long Count { get; private set; }

            public long PeakMemory { get; private set; }

            public override bool CanRead => false;

            public override bool CanSeek => false;

            public override bool CanWrite => true;

            public override long Length => throw new NotSupportedException();

            public override long Position
            {
                get => throw new NotSupportedException();
                set => throw new NotSupportedException();
            }

            public override void Write(byte[] buffer, int offset, int count)
            {
                Assert.That(isAsync, Is.False);
                Add(count);
            }

            public override async Task WriteAsync(
                byte[] buffer, int offset, int count, CancellationToken cancellationToken)
            {
                Assert.That(isAsync);
                await Task.Yield();
                Add(count);
            }

            public override void Flush()
            {
                throw new NotSupportedException();
            }

            public override int Read(byte[] buffer, int offset, int count)
            {
                throw new NotSupportedException();
            }

            public override long Seek(long offset, SeekOrigin origin)
            {
                throw new NotSupportedException();
            }

            public override void SetLength(long value)
            {
                throw new NotSupportedException();
            }

            private void Add(int count)
            {
                // Once a MiB, since reading the figure allocates memory, which counts.
                if ((Count + count) >> 20 != Count >> 20)
                {
                    PeakMemory = Math.Max(PeakMemory, Support.ReadMemory("VmRSS"));
                }
                Count += count;
            }
        }
    }
}
