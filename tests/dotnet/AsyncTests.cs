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
        public void EveryCallHasATwin()
        {
            using (var folder = new Folder())
            using (var client = new SellercloudClient(Support.WithToken()))
            {
                using (var file = client.GetOutputFileAsync(28142).Result())
                {
                    Assert.That(file.Length, Is.EqualTo(Support.OrdersLength));
                }
                var saved = client.SaveOutputFileAsync(28142, folder.Path).Result();
                Assert.That(saved.Path, Is.EqualTo(Path.Combine(folder.Path, Support.OrdersName)));
                var copy = new MemoryStream();
                Assert.That(client.CopyOutputFileToAsync(28142, copy).Result().Length, Is.EqualTo(copy.Length));
                Assert.That(copy.ToArray(), Is.EqualTo(File.ReadAllBytes(saved.Path)));
                Assert.That(client.GetJobAsync(50003).Result().Status, Is.EqualTo(JobStatus.PartialSuccess));
                Assert.That(client.WaitForJobAsync(50003, Support.Waiting()).Result().IsFinal);
                using (var output = client.WaitForOutputFileAsync(50003, Support.Waiting()).Result())
                {
                    Assert.That(output.Job.Id, Is.EqualTo(50003));
                    Assert.That(output.File.Length, Is.EqualTo(Support.OrdersLength));
                }
            }
        }

        [Test]
        public void ATaskFailsAsItsCallDoes()
        {
            using (var client = new SellercloudClient(Support.WithToken()))
            {
                var task = client.GetOutputFileAsync(5);
                Support.Failed(SellercloudErrorKind.Server, () => task.Result());
                Assert.That(task.IsFaulted);
            }
        }

        [Test]
        public void ATaskDoesNotUseThePool()
        {
            using (var client = new SellercloudClient(Support.WithToken()))
            {
                bool? isOfPool = null;
                var options = new CallOptions
                {
                    Progress = new Told(now => isOfPool = Thread.CurrentThread.IsThreadPoolThread),
                };
                client.GetOutputFileAsync(28142, options).Result().Dispose();
                Assert.That(isOfPool, Is.EqualTo(false));
            }
        }

        [Test]
        public void ATaskHasTheOptionsOfItsBeginning()
        {
            using (var folder = new Folder())
            using (var client = new SellercloudClient(Support.WithToken()))
            {
                for (var round = 0; round < 10; round++)
                {
                    var options = new CallOptions { FileName = "first" + round };
                    var task = client.SaveOutputFileAsync(28142, folder.Path, options);
                    options.FileName = "second" + round;
                    Assert.That(Path.GetFileName(task.Result().Path), Is.EqualTo("first" + round));
                }
            }
        }

        [Test]
        public void ManyTasksRunAtOnce()
        {
            using (var client = new SellercloudClient(Support.WithLogin()))
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
