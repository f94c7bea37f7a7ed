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
        public void AFileHasItsBytesAndItsName()
        {
            using (var client = new SellercloudClient(
                Support.Variable("STAND_IN"), Support.Variable("STAND_IN_TOKEN")))
            using (var file = client.GetOutputFile(28142))
            {
                Assert.That(file.Name, Is.EqualTo(Support.OrdersName));
                Assert.That(file.Length, Is.EqualTo(Support.OrdersLength));
                Assert.That(file.NameIsMadeUp, Is.False);
                Assert.That(file.ContentType, Is.EqualTo("text/csv"));
                Assert.That(file.ToArray(), Is.EqualTo(Sample("orders.csv")));
                Assert.That(file.AsSpan().ToArray(), Is.EqualTo(Sample("orders.csv")));
            }
        }

        [Test]
        public void AFileMayBeEmptyOrHaveNoName()
        {
            using (var client = new SellercloudClient(Support.WithToken()))
            using (var empty = client.GetOutputFile(28147))
            using (var nameless = client.GetOutputFile(28149))
            {
                Assert.That(empty.Length, Is.EqualTo(0));
                Assert.That(empty.ToArray(), Is.Empty);
                Assert.That(empty.AsSpan().IsEmpty);
                Assert.That(empty.AsStream().ReadByte(), Is.EqualTo(-1));
                Assert.That(nameless.NameIsMadeUp);
                Assert.That(nameless.Name, Is.EqualTo("output-28149.csv"));
            }
        }

        [Test]
        public void AFileMayLackAContentType()
        {
            using (var client = new SellercloudClient(Support.WithToken()))
            using (var file = client.GetOutputFile(60004))
            {
                Assert.That(file.ContentType, Is.Null);
                Assert.That(file.ToArray(), Is.EqualTo(Sample("orders.csv")));
            }
        }

        [Test]
        public void AFileOutlivesItsClient()
        {
            OutputFile file;
            using (var client = new SellercloudClient(Support.WithToken()))
            {
                file = client.GetOutputFile(28143);
            }
            using (file)
            {
                Assert.That(file.Name, Is.EqualTo("inventory.txt"));
                Assert.That(file.ToArray(), Is.EqualTo(Sample("inventory.txt")));
            }
        }

        [Test]
        public void AFileIsSavedWholeAsTheOptionsHaveIt()
        {
            using (var folder = new Folder("Ausg\u00e4nge \u65e5\u672c \ud83d\udce6"))
            using (var client = new SellercloudClient(Support.WithToken()))
            using (var file = client.GetOutputFile(28142))
            {
                var saved = client.SaveOutputFile(28142, folder.Path);
                Assert.That(saved.Path, Is.EqualTo(Path.Combine(folder.Path, Support.OrdersName)));
                Assert.That(saved.Name, Is.EqualTo(Support.OrdersName));
                Assert.That(saved.NameIsMadeUp, Is.False);
                Assert.That(saved.ContentType, Is.EqualTo("text/csv"));
                Assert.That(saved.Length, Is.EqualTo(Support.OrdersLength));
                Assert.That(File.ReadAllBytes(saved.Path), Is.EqualTo(Sample("orders.csv")));

                Support.Failed(SellercloudErrorKind.Io, () => client.SaveOutputFile(28142, folder.Path));
                Support.Failed(SellercloudErrorKind.Io, () => file.Save(folder.Path));

                var options = new CallOptions { IfExists = IfExists.Number };
                saved = client.SaveOutputFile(28142, folder.Path, options);
                Assert.That(Path.GetFileName(saved.Path), Is.EqualTo("Orders \u00e9 2026-11-23 (1).csv"));

                options.FileName = "Bestellungen \u65e5\u672c \ud83d\udce6.csv";
                options.Sync = false;
                saved = client.SaveOutputFile(28142, folder.Path, options);
                Assert.That(Path.GetFileName(saved.Path), Is.EqualTo(options.FileName));
                Assert.That(saved.Name, Is.EqualTo(Support.OrdersName));
                saved = file.Save(folder.Path, options);
                Assert.That(
                    Path.GetFileName(saved.Path), Is.EqualTo("Bestellungen \u65e5\u672c \ud83d\udce6 (1).csv"));
                Assert.That(File.ReadAllBytes(saved.Path), Is.EqualTo(Sample("orders.csv")));

                options.IfExists = IfExists.Replace;
                File.WriteAllText(saved.Path, "old");
                options.FileName = Path.GetFileName(saved.Path);
                Assert.That(client.SaveOutputFile(28142, folder.Path, options).Path, Is.EqualTo(saved.Path));
                Assert.That(File.ReadAllBytes(saved.Path), Is.EqualTo(Sample("orders.csv")));
                Assert.That(folder.Names().Length, Is.EqualTo(4));
            }
        }

        [Test]
        public void AFolderMustExist()
        {
            using (var folder = new Folder())
            using (var client = new SellercloudClient(Support.WithToken()))
            {
                var missing = Path.Combine(folder.Path, "missing");
                var error = Support.Failed(SellercloudErrorKind.Io, () => client.SaveOutputFile(28142, missing));
                Assert.That(error.Message, Contains.Substring(missing));
            }
        }

        [Test]
        public void AFileIsCopiedToAStream()
        {
            using (var client = new SellercloudClient(Support.WithToken()))
            using (var destination = new MemoryStream())
            {
                var info = client.CopyOutputFileTo(28143, destination);
                Assert.That(info.Name, Is.EqualTo("inventory.txt"));
                Assert.That(info.Length, Is.EqualTo(destination.Length));
                Assert.That(info.Path, Is.Null);
                Assert.That(destination.ToArray(), Is.EqualTo(Sample("inventory.txt")));
            }
        }

        [Test]
        public void CopyingALargeFileNeedsLittleMemory()
        {
            const long Length = 64 * 1024 * 1024;
            using (var client = new SellercloudClient(Support.WithToken()))
            {
                foreach (var isAsync in new[] { false, true })
                {
                    client.CopyOutputFileTo(28143, Stream.Null);
                    var before = Support.Memory("VmRSS");
                    var meter = new Meter(isAsync);
                    var info = isAsync
                        ? client.CopyOutputFileToAsync(28148, meter).Result()
                        : client.CopyOutputFileTo(28148, meter);
                    Assert.That(info.Length, Is.EqualTo(Length));
                    Assert.That(meter.Taken, Is.EqualTo(Length));
                    // The promise is about 1 MiB; the runtime's heap grows by its own steps. The file has 64.
                    Assert.That(meter.Highest - before, Is.LessThan(24 * 1024 * 1024));
                }
            }
        }

        [Test]
        public void FilesThatNobodyDisposesOfAreCollected()
        {
            using (var client = new SellercloudClient(Support.WithToken()))
            {
                // Mono's collector counts the memory that hangs on the files, but does not begin by itself for it.
                var isMono = Type.GetType("Mono.Runtime") != null;
                var before = Support.Memory("VmRSS");
                var highest = before;
                for (var round = 0; round < 24; round++)
                {
                    client.GetOutputFile(28148);
                    if (isMono)
                    {
                        GC.Collect();
                    }
                    highest = Math.Max(highest, Support.Memory("VmRSS"));
                }
                // They have 1.5 GiB together, and the native library keeps 128 MiB for the next ones.
                Assert.That(highest - before, Is.LessThan(768L * 1024 * 1024));
            }
        }

        [Test]
        public void MaxSizeIsKeptTo()
        {
            var options = Support.WithToken();
            options.MaxSize = 2399;
            using (var client = new SellercloudClient(options))
            {
                Support.Failed(SellercloudErrorKind.TooLarge, () => client.GetOutputFile(28142));
            }
        }

        [Test]
        public void TheBodyEncodingIsPassedOn()
        {
            var options = Support.WithToken();
            options.BodyEncoding = BodyEncoding.Raw;
            using (var client = new SellercloudClient(options))
            using (var file = client.GetOutputFile(28146))
            {
                Assert.That(file.ToArray(), Is.EqualTo(Sample("labels.zip")));
            }
            options.BodyEncoding = BodyEncoding.Auto;
            using (var client = new SellercloudClient(options))
            using (var raw = client.GetOutputFile(28146))
            using (var encoded = client.GetOutputFile(28142))
            {
                Assert.That(raw.ToArray(), Is.EqualTo(Sample("labels.zip")));
                Assert.That(encoded.ToArray(), Is.EqualTo(Sample("orders.csv")));
            }
        }

        private static byte[] Sample(string name)
        {
            return File.ReadAllBytes(Path.Combine(Support.Variable("SAMPLES"), name));
        }

        /// <summary>Throws away what it is given; takes that in one way only, as some servers' streams do.</summary>
        private sealed class Meter : Stream
        {
            private readonly bool isAsync;

            public Meter(bool isAsync)
            {
                this.isAsync = isAsync;
            }

            public long Taken { get; private set; }

            public long Highest { get; private set; }

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
                Take(count);
            }

            public override async Task WriteAsync(
                byte[] buffer, int offset, int count, CancellationToken cancellationToken)
            {
                Assert.That(isAsync);
                await Task.Yield();
                Take(count);
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

            private void Take(int count)
            {
                // Not at every piece: to look leaves garbage, which counts.
                if ((Taken + count) >> 20 != Taken >> 20)
                {
                    Highest = Math.Max(Highest, Support.Memory("VmRSS"));
                }
                Taken += count;
            }
        }
    }
}
