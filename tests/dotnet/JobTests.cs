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
        public void AJobIsWaitedForAndItsFileFetched()
        {
            using (var client = new SellercloudClient(Support.WithLogin()))
            using (var output = client.WaitForOutputFile(50001, Support.Waiting()))
            {
                Assert.That(output.Job.Id, Is.EqualTo(50001));
                Assert.That(output.Job.Status, Is.EqualTo(JobStatus.Completed));
                Assert.That(output.Job.IsFinal);
                Assert.That(output.File.Length, Is.EqualTo(Support.OrdersLength));
            }
        }

        [Test]
        public void AJobHasWhatTheServerTold()
        {
            using (var client = new SellercloudClient(Support.WithToken()))
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
        public void AJobThatFailedIsToldWithItsLog()
        {
            using (var client = new SellercloudClient(Support.WithToken()))
            {
                var error = Support.Failed(
                    SellercloudErrorKind.JobFailed, () => client.WaitForJob(50002, Support.Waiting()));
                Assert.That(error.Job.Status, Is.EqualTo(JobStatus.Failed));
                Assert.That(error.LogLines.Count, Is.EqualTo(2));
                Assert.That(error.LogLines[1], Is.EqualTo("Row 9: no price"));
                error = Support.Failed(
                    SellercloudErrorKind.JobFailed, () => client.WaitForOutputFile(50005, Support.Waiting()));
                Assert.That(error.Job.Status, Is.EqualTo(JobStatus.Cancelled));
            }
        }

        [Test]
        public void AWaitHasAnEnd()
        {
            using (var client = new SellercloudClient(Support.WithToken()))
            {
                var options = Support.Waiting();
                options.Timeout = TimeSpan.FromMilliseconds(100);
                Support.Failed(SellercloudErrorKind.Timeout, () => client.WaitForJob(50004, options));
            }
        }

        [Test]
        public void AnIdIsReadFromText()
        {
            Assert.That(
                SellercloudClient.ParseJobId("/queued-jobs/queued-job-details.aspx?id=2206923"), Is.EqualTo(2206923));
            Assert.That(SellercloudClient.ParseJobId("28142"), Is.EqualTo(28142));
            Support.Failed(SellercloudErrorKind.InvalidArgument, () => SellercloudClient.ParseJobId("no job"));
            Support.Failed(SellercloudErrorKind.InvalidArgument, () => SellercloudClient.ParseJobId(""));
            Support.Caught<ArgumentNullException>(() => SellercloudClient.ParseJobId(null));
        }

        [Test]
        public void WaitForJobOnHoldFailsUnlessToldToWait()
        {
            using (var client = new SellercloudClient(Support.WithToken()))
            {
                var options = Support.Waiting();
                options.Timeout = TimeSpan.FromMinutes(1);
                var error = Support.Failed(SellercloudErrorKind.JobFailed, () => client.WaitForJob(50009, options));
                Assert.That(error.Job.Status, Is.EqualTo(JobStatus.OnHold));
                options.FailOnHold = false;
                options.Timeout = TimeSpan.FromMilliseconds(300);
                Support.Failed(SellercloudErrorKind.Timeout, () => client.WaitForJob(50009, options));
            }
        }

        [Test]
        public void OutputFileIsSavedOrCopiedAfterTheWait()
        {
            using (var folder = new Folder())
            using (var client = new SellercloudClient(Support.WithToken()))
            {
                var options = Support.Waiting();
                options.FileName = "waited for.csv";
                foreach (var isAsync in new[] { false, true })
                {
                    options.IfExists = isAsync ? IfExists.Replace : IfExists.Fail;
                    var saved = isAsync
                        ? client.WaitAndSaveOutputFileAsync(50003, folder.Path, options).Result()
                        : client.WaitAndSaveOutputFile(50003, folder.Path, options);
                    Assert.That(saved.Job.Status, Is.EqualTo(JobStatus.PartialSuccess));
                    Assert.That(new FileInfo(saved.File.Path).Length, Is.EqualTo(Support.OrdersLength));
                    using (var copy = new MemoryStream())
                    {
                        var copied = isAsync
                            ? client.WaitAndCopyOutputFileToAsync(50003, copy, options).Result()
                            : client.WaitAndCopyOutputFileTo(50003, copy, options);
                        Assert.That(copied.Job.Id, Is.EqualTo(50003));
                        Assert.That(copied.File.Path, Is.Null);
                        Assert.That(copy.ToArray(), Is.EqualTo(File.ReadAllBytes(saved.File.Path)));
                    }
                }
            }
        }

        [Test]
        public void WaitAndSaveChecksBeforeTheWait()
        {
            using (var folder = new Folder())
            using (var client = new SellercloudClient(Support.WithToken()))
            {
                // This job does not end.
                var options = new CallOptions { Timeout = TimeSpan.FromMinutes(1) };
                Support.Failed(
                    SellercloudErrorKind.Io,
                    () => client.WaitAndSaveOutputFile(50004, folder.Path + "/nowhere", options));
                options.FileName = "a/b";
                Support.Failed(
                    SellercloudErrorKind.InvalidArgument,
                    () => client.WaitAndSaveOutputFile(50004, folder.Path, options));
                Support.Caught<ArgumentNullException>(() => client.WaitAndSaveOutputFile(50004, null));
                Support.Caught<ArgumentNullException>(() => client.WaitAndSaveOutputFileAsync(50004, null).Result());
                Support.Caught<ArgumentNullException>(() => client.WaitAndCopyOutputFileTo(50004, null));
                Support.Caught<ArgumentNullException>(() => client.WaitAndCopyOutputFileToAsync(50004, null).Result());
            }
        }
    }
}
