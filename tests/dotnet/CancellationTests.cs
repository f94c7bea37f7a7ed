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
        // The promise is a quarter of a second; without the cancelling, silence would end a call after a minute.
        private static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);

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
        public void ATokenThatIsCancelledAlreadySendsNothing()
        {
            source.Cancel();
            var token = source.Token;
            var requests = 0;
            var options = Support.WithToken();
            options.Log = record => requests++;
            using (var folder = new Folder())
            using (var client = new SellercloudClient(options))
            {
                Cancelled(() => client.GetOutputFile(28142, null, token));
                Cancelled(() => client.SaveOutputFile(28142, folder.Path, null, token));
                Cancelled(() => client.CopyOutputFileTo(28142, new MemoryStream(), null, token));
                Cancelled(() => client.GetJob(50003, null, token));
                Cancelled(() => client.WaitForJob(50003, null, token));
                Cancelled(() => client.WaitForOutputFile(50003, null, token));
                CancelledTask(client.GetOutputFileAsync(28142, null, token));
                CancelledTask(client.SaveOutputFileAsync(28142, folder.Path, null, token));
                CancelledTask(client.CopyOutputFileToAsync(28142, new MemoryStream(), null, token));
                CancelledTask(client.GetJobAsync(50003, null, token));
                CancelledTask(client.WaitForJobAsync(50003, null, token));
                CancelledTask(client.WaitForOutputFileAsync(50003, null, token));
                Assert.That(requests, Is.EqualTo(0));
                Assert.That(folder.Names(), Is.Empty);
                client.GetOutputFile(28142).Dispose();
                Assert.That(requests, Is.EqualTo(1));
            }
        }

        [Test]
        public void ACallIsCancelledDuringSilence()
        {
            using (var client = Support.OfSilentBody())
            {
                var options = new CallOptions { Progress = new Told(CancelOnAnotherThread) };
                var watch = Stopwatch.StartNew();
                Cancelled(() => client.GetOutputFile(1, options, source.Token));
                Assert.That(watch.Elapsed, Is.LessThan(Soon));
            }
        }

        [Test]
        public void ATaskIsCancelledDuringSilence()
        {
            using (var client = Support.OfSilentBody())
            {
                var options = new CallOptions { Progress = new Told(CancelOnAnotherThread) };
                var watch = Stopwatch.StartNew();
                CancelledTask(client.CopyOutputFileToAsync(1, new MemoryStream(), options, source.Token));
                Assert.That(watch.Elapsed, Is.LessThan(Soon));
            }
        }

        [Test]
        public void ACallIsCancelledByItsOwnCallback()
        {
            using (var client = new SellercloudClient(Support.WithToken()))
            {
                var options = new CallOptions { Progress = new Told(now => source.Cancel()) };
                Cancelled(() => client.GetOutputFile(28142, options, source.Token));
            }
        }

        [Test]
        public void AWriteIsCancelledToo()
        {
            using (var client = new SellercloudClient(Support.WithToken()))
            {
                var stuck = new StuckStream(() => source.Cancel());
                var task = client.CopyOutputFileToAsync(28142, stuck, null, source.Token);
                var exception = Support.Caught<TaskCanceledException>(() => task.Result());
                Assert.That(exception.CancellationToken, Is.EqualTo(source.Token));
                Assert.That(task.IsCanceled);
            }
        }

        [Test]
        public void ATokenThatIsCancelledAfterwardsDoesNothing()
        {
            using (var client = new SellercloudClient(Support.WithToken()))
            using (var file = client.GetOutputFile(28142, null, source.Token))
            {
                source.Cancel();
                Assert.That(file.ToArray().Length, Is.EqualTo(Support.OrdersLength));
                Assert.That(client.GetJob(50003).IsFinal);
            }
        }

        [Test]
        public void AnotherErrorStaysItself()
        {
            using (var client = new SellercloudClient(Support.WithToken()))
            {
                source.Cancel();
                Support.Failed(
                    SellercloudErrorKind.InvalidArgument, () => client.GetOutputFile(0, null, source.Token));
            }
        }

        [Test]
        public void CancellingRacesWithTheEnd()
        {
            using (var client = new SellercloudClient(Support.WithToken()))
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

        private void CancelOnAnotherThread(TransferProgress now)
        {
            Task.Run(() => source.Cancel());
        }

        private void Cancelled(Action action)
        {
            var exception = Support.Caught<OperationCanceledException>(action);
            Assert.That(exception.CancellationToken, Is.EqualTo(source.Token));
            var inner = (SellercloudException)exception.InnerException;
            Assert.That(inner.Kind, Is.EqualTo(SellercloudErrorKind.Cancelled));
            Assert.That(exception.Message, Is.EqualTo(inner.Message));
        }

        private void CancelledTask<T>(Task<T> task)
        {
            Cancelled(() => task.Result());
            Assert.That(task.IsCanceled);
        }

        /// <summary>Takes no byte before it is cancelled.</summary>
        private sealed class StuckStream : MemoryStream
        {
            private readonly Action stuck;

            public StuckStream(Action stuck)
            {
                this.stuck = stuck;
            }

            public override async Task WriteAsync(
                byte[] buffer, int offset, int count, CancellationToken cancellationToken)
            {
                var waiting = Task.Delay(Timeout.Infinite, cancellationToken);
                stuck();
                await waiting;
            }
        }
    }
}
