using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using NUnit.Framework;
using SellercloudOutput;

namespace SellercloudOutputTests
{
    [TestFixture]
    public class StreamTests
    {
        private SellercloudClient client;
        private OutputFile file;
        private byte[] bytes;
        private Stream stream;

        [SetUp]
        public void SetUp()
        {
            client = new SellercloudClient(Support.TokenOptions());
            file = client.GetOutputFile(28143);
            bytes = file.ToArray();
            stream = file.AsStream();
        }

        [TearDown]
        public void TearDown()
        {
            stream.Dispose();
            file.Dispose();
            client.Dispose();
        }

        [Test]
        public void CopyTo_WholeFile_ReadsToTheEnd()
        {
            Assert.That(stream.CanRead && stream.CanSeek && !stream.CanWrite);
            Assert.That(stream.Length, Is.EqualTo(bytes.Length));
            var copy = new MemoryStream();
            stream.CopyTo(copy);
            Assert.That(copy.ToArray(), Is.EqualTo(bytes));
            Assert.That(stream.Position, Is.EqualTo(bytes.Length));
            Assert.That(stream.Read(new byte[1], 0, 1), Is.EqualTo(0));
            Assert.That(stream.ReadByte(), Is.EqualTo(-1));
        }

        [Test]
        public void Read_PartOfTheBuffer_ReadsOnlyThatPart()
        {
            var chunk = new byte[10];
            Assert.That(stream.Read(chunk, 2, 5), Is.EqualTo(5));
            var expected = new byte[10];
            Array.Copy(bytes, 0, expected, 2, 5);
            Assert.That(chunk, Is.EqualTo(expected));
            stream.Position = bytes.Length - 3;
            Assert.That(stream.Read(chunk, 0, 10), Is.EqualTo(3));
            stream.Position = 1;
            Assert.That(stream.ReadByte(), Is.EqualTo(bytes[1]));
            Assert.That(stream.Read(chunk, 0, 0), Is.EqualTo(0));
        }

        [Test]
        public void CopyToAsync_WholeFile_ReadsToTheEnd()
        {
            var copy = new MemoryStream();
            stream.CopyToAsync(copy).GetAwaiter().GetResult();
            Assert.That(copy.ToArray(), Is.EqualTo(bytes));
            using (var source = new CancellationTokenSource())
            {
                source.Cancel();
                Assert.That(stream.ReadAsync(new byte[1], 0, 1, source.Token).IsCanceled);
            }
            Support.Throws<ArgumentNullException>(() => stream.ReadAsync(null, 0, 1).Result());
        }

        [Test]
        public void Seek_EachOrigin_MovesThePosition()
        {
            Assert.That(stream.Seek(10, SeekOrigin.Begin), Is.EqualTo(10));
            Assert.That(stream.Seek(-4, SeekOrigin.Current), Is.EqualTo(6));
            Assert.That(stream.ReadByte(), Is.EqualTo(bytes[6]));
            Assert.That(stream.Seek(-1, SeekOrigin.End), Is.EqualTo(bytes.Length - 1));
            Assert.That(stream.ReadByte(), Is.EqualTo(bytes[bytes.Length - 1]));
            Assert.That(stream.Seek(5, SeekOrigin.End), Is.EqualTo(bytes.Length + 5));
            Assert.That(stream.ReadByte(), Is.EqualTo(-1));
            Support.Throws<IOException>(() => stream.Seek(-1, SeekOrigin.Begin));
            Support.Throws<IOException>(() => stream.Seek(long.MinValue, SeekOrigin.End));
            Support.Throws<IOException>(() => stream.Seek(long.MaxValue, SeekOrigin.Current));
            Support.Throws<IOException>(() => stream.Position = -1);
            Support.Throws<ArgumentOutOfRangeException>(() => stream.Seek(0, (SeekOrigin)7));
            Assert.That(stream.Position, Is.EqualTo(bytes.Length + 5));
        }

        [Test]
        public void Read_OutOfRange_Throws()
        {
            var buffer = new byte[4];
            Support.Throws<ArgumentNullException>(() => stream.Read(null, 0, 1));
            Support.Throws<ArgumentOutOfRangeException>(() => stream.Read(buffer, -1, 1));
            Support.Throws<ArgumentOutOfRangeException>(() => stream.Read(buffer, 0, -1));
            Support.Throws<ArgumentOutOfRangeException>(() => stream.Read(buffer, 2, 3));
            Support.Throws<ArgumentOutOfRangeException>(() => stream.Read(buffer, 5, 0));
            Support.Throws<NotSupportedException>(() => stream.Write(buffer, 0, 1));
            Support.Throws<NotSupportedException>(() => stream.SetLength(1));
            stream.Flush();
            Assert.That(stream.Position, Is.EqualTo(0));
        }

        [Test]
        public void AsStream_TwoStreams_AreIndependent()
        {
            using (var other = file.AsStream())
            {
                stream.Position = 100;
                Assert.That(other.Position, Is.EqualTo(0));
            }
            Assert.That(stream.ReadByte(), Is.EqualTo(bytes[100]));
            Assert.That(file.Length, Is.EqualTo(bytes.Length));
        }

        [Test]
        public void Stream_DisposedFile_Throws()
        {
            stream.Position = bytes.Length;
            file.Dispose();
            AssertEveryMemberThrows();
        }

        [Test]
        public void Stream_Disposed_ThrowsAndKeepsTheFile()
        {
            stream.Dispose();
            AssertEveryMemberThrows();
            Assert.That(file.AsStream().ReadByte(), Is.EqualTo(bytes[0]));
        }

        [Test]
        public void Stream_CollectedFile_KeepsTheMemory()
        {
            // A thread of its own leaves no reference on this stack. Mono scans stacks conservatively, so that only
            // some of the files are collected.
            var files = new List<WeakReference>();
            var streams = new List<Stream>();
            var thread = new Thread(() =>
            {
                for (var round = 0; round < 32; round++)
                {
                    var unreferenced = client.GetOutputFile(28143);
                    files.Add(new WeakReference(unreferenced));
                    streams.Add(unreferenced.AsStream());
                }
            });
            thread.Start();
            thread.Join();
            GC.Collect();
            GC.WaitForPendingFinalizers();
            Assert.That(files.Any(collected => !collected.IsAlive));
            // If their memory had been freed, these files would overwrite it.
            for (var round = 0; round < 32; round++)
            {
                client.GetOutputFile(28142).Dispose();
            }
            foreach (var open in streams)
            {
                var copy = new MemoryStream();
                open.CopyTo(copy);
                Assert.That(copy.ToArray(), Is.EqualTo(bytes));
            }
        }

        [Test]
        public void OutputFile_DisposedDuringRead_EndsTheReader()
        {
            using (var large = client.GetOutputFile(28148))
            {
                Exception ended = null;
                using (var reading = new ManualResetEvent(false))
                {
                    var thread = new Thread(() =>
                    {
                        var buffer = new byte[1 << 20];
                        var source = large.AsStream();
                        try
                        {
                            while (true)
                            {
                                source.Position = 0;
                                while (source.Read(buffer, 0, buffer.Length) > 0)
                                {
                                    reading.Set();
                                }
                            }
                        }
                        catch (Exception exception)
                        {
                            ended = exception;
                        }
                    });
                    thread.Start();
                    reading.WaitOne();
                    large.Dispose();
                    thread.Join();
                }
                Assert.That(ended, Is.InstanceOf<ObjectDisposedException>());
            }
        }

        private void AssertEveryMemberThrows()
        {
            Assert.That(stream.CanRead || stream.CanSeek || stream.CanWrite, Is.False);
            long ignored;
            Support.Throws<ObjectDisposedException>(() => stream.Read(new byte[1], 0, 1));
            Support.Throws<ObjectDisposedException>(() => stream.ReadByte());
            Support.Throws<ObjectDisposedException>(() => stream.ReadAsync(new byte[1], 0, 1).Result());
            Support.Throws<ObjectDisposedException>(() => stream.Seek(0, SeekOrigin.Begin));
            Support.Throws<ObjectDisposedException>(() => ignored = stream.Length);
            Support.Throws<ObjectDisposedException>(() => ignored = stream.Position);
            Support.Throws<ObjectDisposedException>(() => stream.Position = 0);
        }
    }
}
