using System;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using NUnit.Framework;
using SellercloudOutput;

namespace SellercloudOutputTests
{
    [TestFixture]
    public class DisposeTests
    {
        [Test]
        public void AClientThatIsDisposedOfCallsNoMore()
        {
            var client = new SellercloudClient(Support.WithToken());
            client.Dispose();
            client.Dispose();
            Support.Caught<ObjectDisposedException>(() => client.GetOutputFile(28142));
            Support.Caught<ObjectDisposedException>(() => client.SaveOutputFile(28142, "."));
            Support.Caught<ObjectDisposedException>(() => client.CopyOutputFileTo(28142, new MemoryStream()));
            Support.Caught<ObjectDisposedException>(() => client.GetJob(50003));
            Support.Caught<ObjectDisposedException>(() => client.WaitForJob(50003));
            Support.Caught<ObjectDisposedException>(() => client.WaitForOutputFile(50003));
            Support.Caught<ObjectDisposedException>(() => client.GetOutputFileAsync(28142).Result());
            Support.Caught<ObjectDisposedException>(() => client.SaveOutputFileAsync(28142, ".").Result());
            Support.Caught<ObjectDisposedException>(
                () => client.CopyOutputFileToAsync(28142, new MemoryStream()).Result());
            Support.Caught<ObjectDisposedException>(() => client.GetJobAsync(50003).Result());
            Support.Caught<ObjectDisposedException>(() => client.WaitForJobAsync(50003).Result());
            Support.Caught<ObjectDisposedException>(() => client.WaitForOutputFileAsync(50003).Result());
        }

        [Test]
        public void AFileThatIsDisposedOfHasNothing()
        {
            using (var client = new SellercloudClient(Support.WithToken()))
            {
                var file = client.GetOutputFile(28142);
                file.Dispose();
                file.Dispose();
                object ignored;
                Support.Caught<ObjectDisposedException>(() => ignored = file.Name);
                Support.Caught<ObjectDisposedException>(() => ignored = file.NameIsMadeUp);
                Support.Caught<ObjectDisposedException>(() => ignored = file.ContentType);
                Support.Caught<ObjectDisposedException>(() => ignored = file.Length);
                Support.Caught<ObjectDisposedException>(() => file.AsSpan());
                Support.Caught<ObjectDisposedException>(() => file.AsStream());
                Support.Caught<ObjectDisposedException>(() => file.ToArray());
                Support.Caught<ObjectDisposedException>(() => file.Save("."));
            }
        }

        [Test]
        public void AJobsOutputIsDisposedOfWithItsFile()
        {
            using (var client = new SellercloudClient(Support.WithToken()))
            {
                var output = client.WaitForOutputFile(50003, Support.Waiting());
                output.Dispose();
                Support.Caught<ObjectDisposedException>(() => output.File.ToArray());
                Assert.That(output.Job.Id, Is.EqualTo(50003));
            }
        }

        [Test]
        public void AClientMayBeDisposedOfDuringACallOfAnotherThread()
        {
            var client = Support.OfSilentBody();
            using (var source = new CancellationTokenSource())
            using (var isUnderWay = new ManualResetEventSlim())
            {
                var options = new CallOptions { Progress = new Told(now => isUnderWay.Set()) };
                var call = Task.Factory.StartNew(
                    () => client.GetOutputFile(1, options, source.Token), TaskCreationOptions.LongRunning);
                isUnderWay.Wait();
                client.Dispose();
                Support.Caught<ObjectDisposedException>(() => client.GetOutputFile(1));
                Assert.That(call.IsCompleted, Is.False);
                source.Cancel();
                Support.Caught<OperationCanceledException>(() => call.Result());
            }
        }

        [Test]
        public void AClientMayBeDisposedOfByACallback()
        {
            var client = new SellercloudClient(Support.WithToken());
            var options = new CallOptions { Progress = new Told(now => client.Dispose()) };
            using (var file = client.GetOutputFile(28142, options))
            {
                Assert.That(file.Length, Is.EqualTo(Support.OrdersLength));
            }
        }
    }
}
