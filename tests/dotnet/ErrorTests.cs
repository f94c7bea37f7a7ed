using System;
using System.IO;
using NUnit.Framework;
using SellercloudOutput;

namespace SellercloudOutputTests
{
    [TestFixture]
    public class ErrorTests
    {
        [Test]
        public void GetOutputFile_UnknownJob_ReportsEveryDetail()
        {
            using (var client = new SellercloudClient(Support.TokenOptions()))
            {
                var error = Support.Fails(SellercloudErrorKind.Server, () => client.GetOutputFile(5));
                Assert.That(error.HttpStatus, Is.EqualTo(500));
                Assert.That(error.Attempts, Is.EqualTo(1));
                Assert.That(error.IsRetryable, Is.False);
                Assert.That(error.RetryAfter, Is.Null);
                Assert.That(error.JobId, Is.EqualTo(5));
                Assert.That(error.Job, Is.Null);
                Assert.That(error.JobLog, Is.Empty);
                Assert.That(
                    error.Message,
                    Is.EqualTo(
                        "job 5: the server responded with 500 Internal Server Error: "
                        + "Could not find or load record with ID 5!"));
            }
        }

        [Test]
        public void Calls_UnknownJob_Fail()
        {
            using (var directory = new TemporaryDirectory())
            using (var client = new SellercloudClient(Support.TokenOptions()))
            {
                Support.Fails(SellercloudErrorKind.Server, () => client.SaveOutputFile(5, directory.Path));
                Support.Fails(SellercloudErrorKind.Server, () => client.WriteOutputFile(5, new MemoryStream()));
                Support.Fails(SellercloudErrorKind.Server, () => client.GetJob(5));
                var options = Support.FastWait();
                options.WaitGrace = TimeSpan.Zero;
                Support.Fails(SellercloudErrorKind.Server, () => client.WaitForJob(5, options));
                Support.Fails(SellercloudErrorKind.Server, () => client.WaitForOutputFile(5, options));
                Assert.That(directory.Names(), Is.Empty);
            }
        }

        [Test]
        public void Calls_InvalidArguments_AreRejected()
        {
            using (var client = new SellercloudClient(Support.TokenOptions()))
            {
                var error = Support.Fails(SellercloudErrorKind.InvalidArgument, () => client.GetOutputFile(0));
                Assert.That(error.Attempts, Is.EqualTo(0));
                Assert.That(error.HttpStatus, Is.Null);
                Support.Fails(SellercloudErrorKind.InvalidArgument, () => client.GetOutputFile(1L << 31));
                Support.Fails(SellercloudErrorKind.InvalidArgument, () => client.GetJob(-1));
                Support.Throws<ArgumentNullException>(() => client.SaveOutputFile(28142, null));
                Support.Throws<ArgumentNullException>(() => client.SaveOutputFileAsync(28142, null).Result());
                Support.Throws<ArgumentNullException>(() => client.WriteOutputFile(28142, null));
                Support.Throws<ArgumentNullException>(() => client.WriteOutputFileAsync(28142, null).Result());
                var options = new CallOptions { IfExists = (IfExists)9 };
                Support.Fails(SellercloudErrorKind.InvalidArgument, () => client.GetOutputFile(28142, options));
                Support.Fails(SellercloudErrorKind.InvalidArgument, () => client.SaveOutputFile(28142, ""));
                Support.Fails(SellercloudErrorKind.InvalidArgument, () => client.WaitAndSaveOutputFile(50004, ""));
                using (var file = client.GetOutputFile(28142))
                {
                    Support.Fails(SellercloudErrorKind.InvalidArgument, () => file.Save(""));
                }
                foreach (var zero in new[]
                {
                    new CallOptions { Timeout = TimeSpan.Zero },
                    new CallOptions { WaitInitialInterval = TimeSpan.Zero },
                    new CallOptions { WaitMaxInterval = TimeSpan.Zero },
                })
                {
                    error = Support.Fails(
                        SellercloudErrorKind.InvalidArgument, () => client.WaitForJob(50003, zero));
                    Assert.That(error.Message, Contains.Substring("must be greater than zero"));
                }
                options = new CallOptions { Timeout = TimeSpan.FromTicks(-1) };
                var range = Support.Throws<ArgumentOutOfRangeException>(() => client.GetJob(50003, options));
                Assert.That(range.ParamName, Is.EqualTo("Timeout"));
            }
        }

        [Test]
        public void Client_InvalidOptions_AreRejected()
        {
            Support.Throws<ArgumentNullException>(() => new SellercloudClient(null));
            AssertRejected(options => options.Server = "");
            AssertRejected(options => options.Server = null);
            AssertRejected(options => options.Token = null);
            AssertRejected(options => options.Proxy = "no proxy");
            AssertRejected(options => options.CaCertificates = "no certificate");
            AssertRejected(options => options.ClientCertificate = "no certificate");
            AssertRejected(options => options.ClientKey = "no key");
            AssertRejected(options => options.BodyEncoding = (BodyEncoding)9);
            AssertRejected(options => options.Server = "http://example.com");
            AssertZeroRejected(options => options.ConnectTimeout = TimeSpan.Zero);
            AssertZeroRejected(options => options.StallTimeout = TimeSpan.Zero);
            AssertZeroRejected(options => options.CallTimeout = TimeSpan.Zero);
            AssertZeroRejected(options => options.MaxFileSize = 0);
            AssertZeroRejected(options => options.MaxAttempts = 0);
            AssertOutOfRange("MaxFileSize", options => options.MaxFileSize = -1);
            AssertOutOfRange("MaxAttempts", options => options.MaxAttempts = -1);
            AssertOutOfRange("CallTimeout", options => options.CallTimeout = TimeSpan.FromSeconds(-1));
        }

        [Test]
        public void AllowPlainHttp_RemoteHost_IsAccepted()
        {
            var options = Support.TokenOptions();
            options.Server = "http://example.com";
            options.AllowPlainHttp = true;
            new SellercloudClient(options).Dispose();
        }

        [Test]
        public void GetOutputFile_WrongTokenOrPassword_ReportsNoSecret()
        {
            const string Secret = "another-secret-token";
            var options = Support.TokenOptions();
            options.Token = Secret;
            AssertReportsNoSecret(options, Secret);
            options = Support.LoginOptions();
            options.Password = Secret;
            AssertReportsNoSecret(options, Secret);
        }

        [Test]
        public void GetOutputFile_BodyNotBase64_ReportsMalformedBody()
        {
            using (var client = new SellercloudClient(Support.TokenOptions()))
            {
                Support.Fails(SellercloudErrorKind.MalformedBody, () => client.GetOutputFile(28146));
            }
        }

        [Test]
        public void GetOutputFile_BusyServer_ReportsRetryAfter()
        {
            var options = Support.TokenOptions();
            options.Server = Support.Variable("BUSY_SERVER");
            options.CallTimeout = TimeSpan.FromSeconds(5);
            using (var client = new SellercloudClient(options))
            {
                var error = Support.Fails(SellercloudErrorKind.Server, () => client.GetOutputFile(1));
                Assert.That(error.RetryAfter, Is.EqualTo(TimeSpan.FromSeconds(60)));
                Assert.That(error.IsRetryable);
                Assert.That(error.HttpStatus, Is.EqualTo(503));
            }
        }

        [Test]
        public void GetOutputFile_UnresponsiveServer_TimesOut()
        {
            using (var client = Support.StalledBodyClient())
            {
                var options = new CallOptions { Timeout = TimeSpan.FromMilliseconds(100) };
                var error = Support.Fails(SellercloudErrorKind.Timeout, () => client.GetOutputFile(1, options));
                Assert.That(error.IsRetryable);
            }
            var stalling = Support.TokenOptions();
            stalling.Server = Support.Variable("UNRESPONSIVE_SERVER");
            stalling.StallTimeout = TimeSpan.FromMilliseconds(100);
            stalling.MaxAttempts = 2;
            using (var client = new SellercloudClient(stalling))
            {
                var error = Support.Fails(SellercloudErrorKind.Timeout, () => client.GetOutputFile(1));
                Assert.That(error.Attempts, Is.EqualTo(2));
            }
        }

        [Test]
        public void Limits_LargestValues_MeanNoLimit()
        {
            foreach (var time in new[] { TimeSpan.MaxValue, System.Threading.Timeout.InfiniteTimeSpan })
            {
                var options = Support.TokenOptions();
                options.ConnectTimeout = time;
                options.StallTimeout = time;
                options.CallTimeout = time;
                options.MaxBackoff = time;
                options.InitialBackoff = TimeSpan.Zero;
                options.MaxFileSize = long.MaxValue;
                options.MaxAttempts = int.MaxValue;
                var call = new CallOptions { Timeout = time, WaitMaxInterval = time, WaitGrace = time };
                using (var client = new SellercloudClient(options))
                using (var output = client.WaitForOutputFile(50003, call))
                {
                    Assert.That(output.File.Length, Is.EqualTo(Support.OrdersLength));
                }
            }
        }

        [Test]
        public void WaitInitialInterval_BelowOneMillisecond_IsRoundedUp()
        {
            using (var client = new SellercloudClient(Support.TokenOptions()))
            {
                var options = Support.FastWait();
                options.WaitInitialInterval = TimeSpan.FromTicks(1);
                Assert.That(client.WaitForJob(50003, options).IsFinal);
            }
        }

        [Test]
        public void SaveOutputFile_IoError_ReportsCodeAndPath()
        {
            using (var directory = new TemporaryDirectory())
            using (var client = new SellercloudClient(Support.TokenOptions()))
            {
                var saved = client.SaveOutputFile(28142, directory.Path);
                var exists = Support.Fails(
                    SellercloudErrorKind.Io, () => client.SaveOutputFile(28142, directory.Path));
                Assert.That(exists.OSErrorCode, Is.EqualTo(17));
                Assert.That(exists.Path, Is.EqualTo(saved.Path));
                var missing = Support.Fails(
                    SellercloudErrorKind.Io, () => client.SaveOutputFile(28142, directory.Path + "/missing"));
                Assert.That(missing.OSErrorCode, Is.EqualTo(2));
                var other = Support.Fails(SellercloudErrorKind.Server, () => client.GetOutputFile(5));
                Assert.That(other.OSErrorCode, Is.Null);
                Assert.That(other.Path, Is.Null);
            }
        }

        [Test]
        public void RetryServerErrors_Status500_RetriesOnlyIfEnabled()
        {
            foreach (var isEnabled in new[] { false, true })
            {
                var options = Support.TokenOptions();
                options.MaxAttempts = 3;
                options.RetryServerErrors = isEnabled;
                using (var client = new SellercloudClient(options))
                {
                    var error = Support.Fails(SellercloudErrorKind.Server, () => client.GetOutputFile(40007));
                    Assert.That(error.Attempts, Is.EqualTo(isEnabled ? 3 : 1));
                }
            }
        }

        private static void AssertRejected(Action<SellercloudClientOptions> change)
        {
            var options = Support.TokenOptions();
            change(options);
            var error = Support.Fails(
                SellercloudErrorKind.InvalidArgument, () => new SellercloudClient(options));
            Assert.That(error.JobId, Is.Null);
        }

        private static void AssertZeroRejected(Action<SellercloudClientOptions> change)
        {
            var options = Support.TokenOptions();
            change(options);
            var error = Support.Fails(
                SellercloudErrorKind.InvalidArgument, () => new SellercloudClient(options));
            Assert.That(error.Message, Contains.Substring("must be greater than zero"));
        }

        private static void AssertOutOfRange(string name, Action<SellercloudClientOptions> change)
        {
            var options = Support.TokenOptions();
            change(options);
            var error = Support.Throws<ArgumentOutOfRangeException>(() => new SellercloudClient(options));
            Assert.That(error.ParamName, Is.EqualTo(name));
        }

        private static void AssertReportsNoSecret(SellercloudClientOptions options, string secret)
        {
            using (var client = new SellercloudClient(options))
            {
                var error = Support.Fails(SellercloudErrorKind.Authentication, () => client.GetOutputFile(28142));
                Assert.That(error.HttpStatus, Is.EqualTo(401));
                foreach (var value in new object[] { error, client, options })
                {
                    Assert.That(value.ToString(), Is.Not.Empty);
                    Assert.That(value.ToString().Contains(secret), Is.False);
                }
            }
        }
    }
}
