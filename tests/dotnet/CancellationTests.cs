using System;
using System.Diagnostics;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using NUnit.Framework;
using SellercloudOutput;

namespace SellercloudOutputTests
{
    [TestFixture]
    public class CancellationTests
    {
        // A call ends within a quarter of a second of its cancellation. Without cancellation, the stall timeout would
        // end it after a minute.
        private static readonly TimeSpan MaxDuration = TimeSpan.FromSeconds(10);

        private CancellationTokenSource source;

        [SetUp]
        public void SetUp()
        {
            source = new CancellationTokenSource();
        }

        [TearDown]
        public void TearDown()
        {
            source.Dispose();
        }

        [Test]
        public void Calls_TokenCanceledBefore_SendNoRequest()
        {
            source.Cancel();
            var token = source.Token;
            var requests = 0;
            var options = Support.TokenOptions();
            options.OnRequest = record => requests++;
            using (var directory = new TemporaryDirectory())
            using (var client = new SellercloudClient(options))
            {
                AssertCanceled(() => client.GetOutputFile(28142, null, token));
                AssertCanceled(() => client.SaveOutputFile(28142, directory.Path, null, token));
                AssertCanceled(() => client.WriteOutputFile(28142, new MemoryStream(), null, token));
                AssertCanceled(() => client.GetJob(50003, null, token));
                AssertCanceled(() => client.WaitForJob(50003, null, token));
                AssertCanceled(() => client.WaitForOutputFile(50003, null, token));
                AssertTaskCanceled(client.GetOutputFileAsync(28142, null, token));
                AssertTaskCanceled(client.SaveOutputFileAsync(28142, directory.Path, null, token));
                AssertTaskCanceled(client.WriteOutputFileAsync(28142, new MemoryStream(), null, token));
                AssertTaskCanceled(client.GetJobAsync(50003, null, token));
                AssertTaskCanceled(client.WaitForJobAsync(50003, null, token));
                AssertTaskCanceled(client.WaitForOutputFileAsync(50003, null, token));
                Assert.That(requests, Is.EqualTo(0));
                Assert.That(directory.Names(), Is.Empty);
                client.GetOutputFile(28142).Dispose();
                Assert.That(requests, Is.EqualTo(1));
            }
        }

        [Test]
        public void GetOutputFile_CanceledDuringStall_Throws()
        {
            using (var client = Support.StalledBodyClient())
            {
                var options = new CallOptions { Progress = new ProgressFunction(CancelOnAnotherThread) };
                var watch = Stopwatch.StartNew();
                AssertCanceled(() => client.GetOutputFile(1, options, source.Token));
                Assert.That(watch.Elapsed, Is.LessThan(MaxDuration));
            }
        }

        [Test]
        public void WriteOutputFileAsync_CanceledDuringStall_CancelsTheTask()
        {
            using (var client = Support.StalledBodyClient())
            {
                var options = new CallOptions { Progress = new ProgressFunction(CancelOnAnotherThread) };
                var watch = Stopwatch.StartNew();
                AssertTaskCanceled(client.WriteOutputFileAsync(1, new MemoryStream(), options, source.Token));
                Assert.That(watch.Elapsed, Is.LessThan(MaxDuration));
            }
        }

        [Test]
        public void GetOutputFile_CanceledByItsCallback_Throws()
        {
            using (var client = new SellercloudClient(Support.TokenOptions()))
            {
                var options = new CallOptions { Progress = new ProgressFunction(progress => source.Cancel()) };
                AssertCanceled(() => client.GetOutputFile(28142, options, source.Token));
            }
        }

        [Test]
        public void WriteOutputFileAsync_CanceledDuringWrite_CancelsTheTask()
        {
            using (var client = new SellercloudClient(Support.TokenOptions()))
            {
                var stream = new BlockingStream(() => source.Cancel());
                var task = client.WriteOutputFileAsync(28142, stream, null, source.Token);
                var exception = Support.Throws<TaskCanceledException>(() => task.Result());
                Assert.That(exception.CancellationToken, Is.EqualTo(source.Token));
                Assert.That(task.IsCanceled);
            }
        }

        [Test]
        public void GetOutputFile_TokenCanceledAfterwards_KeepsTheFile()
        {
            using (var client = new SellercloudClient(Support.TokenOptions()))
            using (var file = client.GetOutputFile(28142, null, source.Token))
            {
                source.Cancel();
                Assert.That(file.ToArray().Length, Is.EqualTo(Support.OrdersLength));
                Assert.That(client.GetJob(50003).IsFinal);
            }
        }

        [Test]
        public void GetOutputFile_InvalidJobWithCanceledToken_ReportsInvalidArgument()
        {
            using (var client = new SellercloudClient(Support.TokenOptions()))
            {
                source.Cancel();
                Support.Fails(
                    SellercloudErrorKind.InvalidArgument, () => client.GetOutputFile(0, null, source.Token));
            }
        }

        [Test]
        public void GetOutputFile_CanceledWhileEnding_SucceedsOrThrowsWithTheToken()
        {
            using (var client = new SellercloudClient(Support.TokenOptions()))
            {
                for (var round = 0; round < 200; round++)
                {
                    using (var racing = new CancellationTokenSource())
                    {
                        var canceller = Task.Run(() =>
                        {
                            Thread.SpinWait(round * 50);
                            racing.Cancel();
                        });
                        try
                        {
                            client.GetOutputFile(28142, null, racing.Token).Dispose();
                        }
                        catch (OperationCanceledException exception)
                        {
                            Assert.That(exception.CancellationToken, Is.EqualTo(racing.Token));
                        }
                        canceller.GetAwaiter().GetResult();
                    }
                }
            }
        }

        private void CancelOnAnotherThread(TransferProgress progress)
        {
            Task.Run(() => source.Cancel());
        }

        private void AssertCanceled(Action action)
        {
            var exception = Support.Throws<OperationCanceledException>(action);
            Assert.That(exception.CancellationToken, Is.EqualTo(source.Token));
            var inner = (SellercloudException)exception.InnerException;
            Assert.That(inner.Kind, Is.EqualTo(SellercloudErrorKind.Canceled));
            Assert.That(exception.Message, Is.EqualTo(inner.Message));
        }

        private void AssertTaskCanceled<T>(Task<T> task)
        {
            AssertCanceled(() => task.Result());
            Assert.That(task.IsCanceled);
        }

        /// <summary>A stream whose writes block until they are canceled.</summary>
        private sealed class BlockingStream : MemoryStream
        {
            private readonly Action onWrite;

            public BlockingStream(Action onWrite)
            {
                this.onWrite = onWrite;
            }

            public override async Task WriteAsync(
                byte[] buffer, int offset, int count, CancellationToken cancellationToken)
            {
                var waiting = Task.Delay(Timeout.Infinite, cancellationToken);
                onWrite();
                await waiting;
            }
        }
    }
}
