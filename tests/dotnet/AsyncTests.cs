using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using NUnit.Framework;
using SellercloudOutput;

namespace SellercloudOutputTests
{
    [TestFixture]
    public class AsyncTests
    {
        [Test]
        public void AsyncMethods_SuccessfulCalls_ReturnTheirResults()
        {
            using (var directory = new TemporaryDirectory())
            using (var client = new SellercloudClient(Support.TokenOptions()))
            {
                using (var file = client.GetOutputFileAsync(28142).Result())
                {
                    Assert.That(file.Length, Is.EqualTo(Support.OrdersLength));
                }
                var saved = client.SaveOutputFileAsync(28142, directory.Path).Result();
                Assert.That(saved.Path, Is.EqualTo(Path.Combine(directory.Path, Support.OrdersName)));
                var copy = new MemoryStream();
                Assert.That(client.WriteOutputFileAsync(28142, copy).Result().Length, Is.EqualTo(copy.Length));
                Assert.That(copy.ToArray(), Is.EqualTo(File.ReadAllBytes(saved.Path)));
                Assert.That(client.GetJobAsync(50003).Result().Status, Is.EqualTo(JobStatus.PartialSuccess));
                Assert.That(client.WaitForJobAsync(50003, Support.FastWait()).Result().IsFinal);
                using (var output = client.WaitForOutputFileAsync(50003, Support.FastWait()).Result())
                {
                    Assert.That(output.Job.Id, Is.EqualTo(50003));
                    Assert.That(output.File.Length, Is.EqualTo(Support.OrdersLength));
                }
            }
        }

        [Test]
        public void GetOutputFileAsync_FailedCall_FaultsTheTask()
        {
            using (var client = new SellercloudClient(Support.TokenOptions()))
            {
                var task = client.GetOutputFileAsync(5);
                Support.Fails(SellercloudErrorKind.Server, () => task.Result());
                Assert.That(task.IsFaulted);
            }
        }

        [Test]
        public void GetOutputFileAsync_Call_RunsOutsideTheThreadPool()
        {
            using (var client = new SellercloudClient(Support.TokenOptions()))
            {
                bool? isPoolThread = null;
                var options = new CallOptions
                {
                    Progress = new ProgressFunction(progress => isPoolThread = Thread.CurrentThread.IsThreadPoolThread),
                };
                client.GetOutputFileAsync(28142, options).Result().Dispose();
                Assert.That(isPoolThread, Is.EqualTo(false));
            }
        }

        [Test]
        public void SaveOutputFileAsync_OptionsChangedAfterwards_UsesTheOriginalOptions()
        {
            using (var directory = new TemporaryDirectory())
            using (var client = new SellercloudClient(Support.TokenOptions()))
            {
                for (var round = 0; round < 10; round++)
                {
                    var options = new CallOptions { FileName = "first" + round };
                    var task = client.SaveOutputFileAsync(28142, directory.Path, options);
                    options.FileName = "second" + round;
                    Assert.That(Path.GetFileName(task.Result().Path), Is.EqualTo("first" + round));
                }
            }
        }

        [Test]
        public void GetOutputFileAsync_ManyTasks_AllSucceed()
        {
            using (var client = new SellercloudClient(Support.LoginOptions()))
            {
                var tasks = Enumerable.Range(0, 32).Select(index => client.GetOutputFileAsync(28142)).ToArray();
                foreach (var file in Task.WhenAll(tasks).GetAwaiter().GetResult())
                {
                    Assert.That(file.Length, Is.EqualTo(Support.OrdersLength));
                    file.Dispose();
                }
            }
        }
    }
}
