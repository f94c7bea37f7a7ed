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
        public void Calls_DisposedClient_Throw()
        {
            var client = new SellercloudClient(Support.TokenOptions());
            client.Dispose();
            client.Dispose();
            Support.Throws<ObjectDisposedException>(() => client.GetOutputFile(28142));
            Support.Throws<ObjectDisposedException>(() => client.SaveOutputFile(28142, "."));
            Support.Throws<ObjectDisposedException>(() => client.WriteOutputFile(28142, new MemoryStream()));
            Support.Throws<ObjectDisposedException>(() => client.GetJob(50003));
            Support.Throws<ObjectDisposedException>(() => client.WaitForJob(50003));
            Support.Throws<ObjectDisposedException>(() => client.WaitForOutputFile(50003));
            Support.Throws<ObjectDisposedException>(() => client.GetOutputFileAsync(28142).Result());
            Support.Throws<ObjectDisposedException>(() => client.SaveOutputFileAsync(28142, ".").Result());
            Support.Throws<ObjectDisposedException>(
                () => client.WriteOutputFileAsync(28142, new MemoryStream()).Result());
            Support.Throws<ObjectDisposedException>(() => client.GetJobAsync(50003).Result());
            Support.Throws<ObjectDisposedException>(() => client.WaitForJobAsync(50003).Result());
            Support.Throws<ObjectDisposedException>(() => client.WaitForOutputFileAsync(50003).Result());
        }

        [Test]
        public void OutputFile_Disposed_EveryMemberThrows()
        {
            using (var client = new SellercloudClient(Support.TokenOptions()))
            {
                var file = client.GetOutputFile(28142);
                file.Dispose();
                file.Dispose();
                object ignored;
                Support.Throws<ObjectDisposedException>(() => ignored = file.Name);
                Support.Throws<ObjectDisposedException>(() => ignored = file.IsFallbackName);
                Support.Throws<ObjectDisposedException>(() => ignored = file.ContentType);
                Support.Throws<ObjectDisposedException>(() => ignored = file.Length);
                Support.Throws<ObjectDisposedException>(() => file.AsSpan());
                Support.Throws<ObjectDisposedException>(() => file.AsStream());
                Support.Throws<ObjectDisposedException>(() => file.ToArray());
                Support.Throws<ObjectDisposedException>(() => file.Save("."));
            }
        }

        [Test]
        public void JobOutput_Disposed_DisposesTheFile()
        {
            using (var client = new SellercloudClient(Support.TokenOptions()))
            {
                var output = client.WaitForOutputFile(50003, Support.FastWait());
                output.Dispose();
                Support.Throws<ObjectDisposedException>(() => output.File.ToArray());
                Assert.That(output.Job.Id, Is.EqualTo(50003));
            }
        }

        [Test]
        public void Client_DisposedDuringCallOfAnotherThread_KeepsTheCall()
        {
            var client = Support.StalledBodyClient();
            using (var source = new CancellationTokenSource())
            using (var hasStarted = new ManualResetEventSlim())
            {
                var options = new CallOptions { Progress = new ProgressFunction(progress => hasStarted.Set()) };
                var call = Task.Factory.StartNew(
                    () => client.GetOutputFile(1, options, source.Token), TaskCreationOptions.LongRunning);
                hasStarted.Wait();
                client.Dispose();
                Support.Throws<ObjectDisposedException>(() => client.GetOutputFile(1));
                Assert.That(call.IsCompleted, Is.False);
                source.Cancel();
                Support.Throws<OperationCanceledException>(() => call.Result());
            }
        }

        [Test]
        public void Client_DisposedByCallback_CompletesTheCall()
        {
            var client = new SellercloudClient(Support.TokenOptions());
            var options = new CallOptions { Progress = new ProgressFunction(progress => client.Dispose()) };
            using (var file = client.GetOutputFile(28142, options))
            {
                Assert.That(file.Length, Is.EqualTo(Support.OrdersLength));
            }
        }
    }
}
