using System;
using System.IO;
using NUnit.Framework;
using SellercloudOutput;

namespace SellercloudOutputTests
{
    [TestFixture]
    public class JobTests
    {
        [Test]
        public void WaitForOutputFile_RunningJob_ReturnsJobAndFile()
        {
            using (var client = new SellercloudClient(Support.LoginOptions()))
            using (var output = client.WaitForOutputFile(50001, Support.FastWait()))
            {
                Assert.That(output.Job.Id, Is.EqualTo(50001));
                Assert.That(output.Job.Status, Is.EqualTo(JobStatus.Completed));
                Assert.That(output.Job.IsFinal);
                Assert.That(output.File.Length, Is.EqualTo(Support.OrdersLength));
            }
        }

        [Test]
        public void GetJob_EachField_HasTheServersValue()
        {
            using (var client = new SellercloudClient(Support.TokenOptions()))
            {
                var job = client.GetJob(50003);
                Assert.That(job.Id, Is.EqualTo(50003));
                Assert.That(job.Status, Is.EqualTo(JobStatus.PartialSuccess));
                Assert.That(job.StatusName, Is.EqualTo("PartialSuccess"));
                Assert.That(job.IsFinal);
                Assert.That(job.JobType, Is.EqualTo("Export orders"));
                Assert.That(job.CompanyName, Is.EqualTo("Acme"));
                Assert.That(job.ErrorMessage.StartsWith("3 rows", StringComparison.Ordinal));
                Assert.That(job.SubmittedOn, Is.EqualTo("2026-11-23T10:00:00.123"));
                Assert.That(job.StartedOn, Is.Null);
                Assert.That(job.CompletedOn, Is.Null);
                Assert.That(job.OutputFileName, Is.EqualTo("orders.csv"));
                Assert.That(job.InputFileName, Is.Null);
                Assert.That(job.CompanyId, Is.EqualTo(163));
                Assert.That(job.Priority, Is.EqualTo(1));
                Assert.That(job.TotalRecords, Is.EqualTo(10));
                Assert.That(job.TotalProcessed, Is.Not.Null);
                Assert.That(job.TotalSucceeded, Is.Null);
                Assert.That(job.TotalFailed, Is.EqualTo(3));
                Assert.That(job.TotalPhases, Is.Null);
                Assert.That(job.CurrentPhase, Is.Null);
                Assert.That(job.TotalItemsInPhase, Is.Null);
                Assert.That(job.TotalProcessedInPhase, Is.Null);
            }
        }

        [Test]
        public void WaitForJob_FailedJob_ReportsJobAndLog()
        {
            using (var client = new SellercloudClient(Support.TokenOptions()))
            {
                var error = Support.Fails(
                    SellercloudErrorKind.JobFailed, () => client.WaitForJob(50002, Support.FastWait()));
                Assert.That(error.Job.Status, Is.EqualTo(JobStatus.Failed));
                Assert.That(error.JobId, Is.EqualTo(50002));
                Assert.That(error.JobLog.Count, Is.EqualTo(2));
                Assert.That(error.JobLog[1], Is.EqualTo("Row 9: no price"));
                error = Support.Fails(
                    SellercloudErrorKind.JobFailed, () => client.WaitForOutputFile(50005, Support.FastWait()));
                Assert.That(error.Job.Status, Is.EqualTo(JobStatus.Canceled));
            }
        }

        [Test]
        public void WaitForJob_UnfinishedJob_TimesOut()
        {
            using (var client = new SellercloudClient(Support.TokenOptions()))
            {
                var options = Support.FastWait();
                options.Timeout = TimeSpan.FromMilliseconds(100);
                Support.Fails(SellercloudErrorKind.Timeout, () => client.WaitForJob(50004, options));
            }
        }

        [Test]
        public void ParseJobId_IdOrLink_ReturnsTheId()
        {
            Assert.That(
                SellercloudClient.ParseJobId("/queued-jobs/queued-job-details.aspx?id=2206923"), Is.EqualTo(2206923));
            Assert.That(SellercloudClient.ParseJobId("28142"), Is.EqualTo(28142));
            Support.Fails(SellercloudErrorKind.InvalidArgument, () => SellercloudClient.ParseJobId("no job"));
            Support.Fails(SellercloudErrorKind.InvalidArgument, () => SellercloudClient.ParseJobId(""));
            Support.Throws<ArgumentNullException>(() => SellercloudClient.ParseJobId(null));
        }

        [Test]
        public void FailOnHold_JobOnHold_FailsOrTimesOut()
        {
            using (var client = new SellercloudClient(Support.TokenOptions()))
            {
                var options = Support.FastWait();
                options.Timeout = TimeSpan.FromMinutes(1);
                var error = Support.Fails(SellercloudErrorKind.JobFailed, () => client.WaitForJob(50009, options));
                Assert.That(error.Job.Status, Is.EqualTo(JobStatus.OnHold));
                options.FailOnHold = false;
                options.Timeout = TimeSpan.FromMilliseconds(300);
                Support.Fails(SellercloudErrorKind.Timeout, () => client.WaitForJob(50009, options));
            }
        }

        [Test]
        public void WaitAndSaveOrWrite_FinishedJob_DeliversTheFile()
        {
            using (var directory = new TemporaryDirectory())
            using (var client = new SellercloudClient(Support.TokenOptions()))
            {
                var options = Support.FastWait();
                options.FileName = "after wait.csv";
                foreach (var isAsync in new[] { false, true })
                {
                    options.IfExists = isAsync ? IfExists.Replace : IfExists.Fail;
                    var saved = isAsync
                        ? client.WaitAndSaveOutputFileAsync(50003, directory.Path, options).Result()
                        : client.WaitAndSaveOutputFile(50003, directory.Path, options);
                    Assert.That(saved.Job.Status, Is.EqualTo(JobStatus.PartialSuccess));
                    Assert.That(new FileInfo(saved.File.Path).Length, Is.EqualTo(Support.OrdersLength));
                    using (var copy = new MemoryStream())
                    {
                        var written = isAsync
                            ? client.WaitAndWriteOutputFileAsync(50003, copy, options).Result()
                            : client.WaitAndWriteOutputFile(50003, copy, options);
                        Assert.That(written.Job.Id, Is.EqualTo(50003));
                        Assert.That(written.File.Path, Is.Null);
                        Assert.That(copy.ToArray(), Is.EqualTo(File.ReadAllBytes(saved.File.Path)));
                    }
                }
            }
        }

        [Test]
        public void WaitAndSaveOutputFile_InvalidArguments_FailBeforeTheWait()
        {
            using (var directory = new TemporaryDirectory())
            using (var client = new SellercloudClient(Support.TokenOptions()))
            {
                // This job never ends, so that a check after the wait would time out.
                var options = new CallOptions { Timeout = TimeSpan.FromMinutes(1) };
                Support.Fails(
                    SellercloudErrorKind.Io,
                    () => client.WaitAndSaveOutputFile(50004, directory.Path + "/missing", options));
                options.FileName = "a/b";
                Support.Fails(
                    SellercloudErrorKind.InvalidArgument,
                    () => client.WaitAndSaveOutputFile(50004, directory.Path, options));
                Support.Throws<ArgumentNullException>(() => client.WaitAndSaveOutputFile(50004, null));
                Support.Throws<ArgumentNullException>(() => client.WaitAndSaveOutputFileAsync(50004, null).Result());
                Support.Throws<ArgumentNullException>(() => client.WaitAndWriteOutputFile(50004, null));
                Support.Throws<ArgumentNullException>(() => client.WaitAndWriteOutputFileAsync(50004, null).Result());
            }
        }
    }
}
