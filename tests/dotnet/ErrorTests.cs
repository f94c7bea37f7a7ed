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
        public void ErrorsCarryWhatIsKnown()
        {
            using (var client = new SellercloudClient(Support.WithToken()))
            {
                var error = Support.Failed(SellercloudErrorKind.Server, () => client.GetOutputFile(5));
                Assert.That(error.HttpStatus, Is.EqualTo(500));
                Assert.That(error.Attempts, Is.EqualTo(1));
                Assert.That(error.RetryMayHelp, Is.False);
                Assert.That(error.RetryAfter, Is.Null);
                Assert.That(error.Job, Is.Null);
                Assert.That(error.LogLines, Is.Empty);
                Assert.That(
                    error.Message,
                    Is.EqualTo(
                        "job 5: server answered 500 Internal Server Error: Could not find or load record with ID 5!"));
            }
        }

        [Test]
        public void EveryCallFails()
        {
            using (var folder = new Folder())
            using (var client = new SellercloudClient(Support.WithToken()))
            {
                Support.Failed(SellercloudErrorKind.Server, () => client.SaveOutputFile(5, folder.Path));
                Support.Failed(SellercloudErrorKind.Server, () => client.CopyOutputFileTo(5, new MemoryStream()));
                Support.Failed(SellercloudErrorKind.Server, () => client.GetJob(5));
                var options = Support.Waiting();
                options.WaitGrace = TimeSpan.Zero;
                Support.Failed(SellercloudErrorKind.Server, () => client.WaitForJob(5, options));
                Support.Failed(SellercloudErrorKind.Server, () => client.WaitForOutputFile(5, options));
                Assert.That(folder.Names(), Is.Empty);
            }
        }

        [Test]
        public void ArgumentsAreChecked()
        {
            using (var client = new SellercloudClient(Support.WithToken()))
            {
                var error = Support.Failed(SellercloudErrorKind.InvalidArgument, () => client.GetOutputFile(0));
                Assert.That(error.Attempts, Is.EqualTo(0));
                Assert.That(error.HttpStatus, Is.Null);
                Support.Failed(SellercloudErrorKind.InvalidArgument, () => client.GetOutputFile(1L << 31));
                Support.Failed(SellercloudErrorKind.InvalidArgument, () => client.GetJob(-1));
                Support.Caught<ArgumentNullException>(() => client.SaveOutputFile(28142, null));
                Support.Caught<ArgumentNullException>(() => client.SaveOutputFileAsync(28142, null).Result());
                Support.Caught<ArgumentNullException>(() => client.CopyOutputFileTo(28142, null));
                Support.Caught<ArgumentNullException>(() => client.CopyOutputFileToAsync(28142, null).Result());
                var options = new CallOptions { IfExists = (IfExists)9 };
                Support.Failed(SellercloudErrorKind.InvalidArgument, () => client.GetOutputFile(28142, options));
                Support.Failed(SellercloudErrorKind.InvalidArgument, () => client.SaveOutputFile(28142, ""));
                Support.Failed(SellercloudErrorKind.InvalidArgument, () => client.WaitAndSaveOutputFile(50004, ""));
                using (var file = client.GetOutputFile(28142))
                {
                    Support.Failed(SellercloudErrorKind.InvalidArgument, () => file.Save(""));
                }
                foreach (var zero in new[]
                {
                    new CallOptions { Timeout = TimeSpan.Zero },
                    new CallOptions { WaitFirst = TimeSpan.Zero },
                    new CallOptions { WaitLongest = TimeSpan.Zero },
                })
                {
                    error = Support.Failed(
                        SellercloudErrorKind.InvalidArgument, () => client.WaitForJob(50003, zero));
                    Assert.That(error.Message, Contains.Substring("must be greater than zero"));
                }
                options = new CallOptions { Timeout = TimeSpan.FromTicks(-1) };
                var range = Support.Caught<ArgumentOutOfRangeException>(() => client.GetJob(50003, options));
                Assert.That(range.ParamName, Is.EqualTo("Timeout"));
            }
        }

        [Test]
        public void AClientMustBeUsable()
        {
            Support.Caught<ArgumentNullException>(() => new SellercloudClient(null));
            Unusable(options => options.Server = "");
            Unusable(options => options.Server = null);
            Unusable(options => options.Token = null);
            Unusable(options => options.Proxy = "no proxy");
            Unusable(options => options.CaCertificates = "no certificate");
            Unusable(options => options.ClientCertificate = "no certificate");
            Unusable(options => options.ClientKey = "no key");
            Unusable(options => options.BodyEncoding = (BodyEncoding)9);
            Unusable(options => options.Server = "http://example.com");
            ZeroIsRejected(options => options.ConnectTimeout = TimeSpan.Zero);
            ZeroIsRejected(options => options.StallTimeout = TimeSpan.Zero);
            ZeroIsRejected(options => options.CallTimeout = TimeSpan.Zero);
            ZeroIsRejected(options => options.MaxSize = 0);
            ZeroIsRejected(options => options.Attempts = 0);
            OutOfRange("MaxSize", options => options.MaxSize = -1);
            OutOfRange("Attempts", options => options.Attempts = -1);
            OutOfRange("CallTimeout", options => options.CallTimeout = TimeSpan.FromSeconds(-1));
        }

        [Test]
        public void PlainHttpCanBeAllowed()
        {
            var options = Support.WithToken();
            options.Server = "http://example.com";
            options.AllowPlainHttp = true;
            new SellercloudClient(options).Dispose();
        }

        [Test]
        public void AWrongTokenOrPasswordIsToldWithoutIt()
        {
            const string Secret = "another-secret-token";
            var options = Support.WithToken();
            options.Token = Secret;
            ShowsNoSecret(options, Secret);
            options = Support.WithLogin();
            options.Password = Secret;
            ShowsNoSecret(options, Secret);
        }

        [Test]
        public void ABadBodyIsToldFromAFile()
        {
            using (var client = new SellercloudClient(Support.WithToken()))
            {
                Support.Failed(SellercloudErrorKind.MalformedBody, () => client.GetOutputFile(28146));
            }
        }

        [Test]
        public void ABusyServerSaysHowLongToWait()
        {
            var options = Support.WithToken();
            options.Server = Support.Variable("BUSY_SERVER");
            options.CallTimeout = TimeSpan.FromSeconds(5);
            using (var client = new SellercloudClient(options))
            {
                var error = Support.Failed(SellercloudErrorKind.Server, () => client.GetOutputFile(1));
                Assert.That(error.RetryAfter, Is.EqualTo(TimeSpan.FromSeconds(60)));
                Assert.That(error.RetryMayHelp);
                Assert.That(error.HttpStatus, Is.EqualTo(503));
            }
        }

        [Test]
        public void ACallKeepsToItsTime()
        {
            using (var client = Support.OfSilentBody())
            {
                var options = new CallOptions { Timeout = TimeSpan.FromMilliseconds(100) };
                var error = Support.Failed(SellercloudErrorKind.Timeout, () => client.GetOutputFile(1, options));
                Assert.That(error.RetryMayHelp);
            }
            var stalling = Support.WithToken();
            stalling.Server = Support.Variable("SILENT_SERVER");
            stalling.StallTimeout = TimeSpan.FromMilliseconds(100);
            stalling.Attempts = 2;
            using (var client = new SellercloudClient(stalling))
            {
                var error = Support.Failed(SellercloudErrorKind.Timeout, () => client.GetOutputFile(1));
                Assert.That(error.Attempts, Is.EqualTo(2));
            }
        }

        [Test]
        public void NoLimitIsALimit()
        {
            foreach (var time in new[] { TimeSpan.MaxValue, System.Threading.Timeout.InfiniteTimeSpan })
            {
                var options = Support.WithToken();
                options.ConnectTimeout = time;
                options.StallTimeout = time;
                options.CallTimeout = time;
                options.RetryLongest = time;
                options.RetryBase = TimeSpan.Zero;
                options.MaxSize = long.MaxValue;
                options.Attempts = int.MaxValue;
                var call = new CallOptions { Timeout = time, WaitLongest = time, WaitGrace = time };
                using (var client = new SellercloudClient(options))
                using (var output = client.WaitForOutputFile(50003, call))
                {
                    Assert.That(output.File.Length, Is.EqualTo(Support.OrdersLength));
                }
            }
        }

        [Test]
        public void TimeBelowAMillisecondIsRoundedUp()
        {
            using (var client = new SellercloudClient(Support.WithToken()))
            {
                var options = Support.Waiting();
                options.WaitFirst = TimeSpan.FromTicks(1);
                Assert.That(client.WaitForJob(50003, options).IsFinal);
            }
        }

        [Test]
        public void ErrorOfTheSystemHasItsCodeAndPath()
        {
            using (var folder = new Folder())
            using (var client = new SellercloudClient(Support.WithToken()))
            {
                var saved = client.SaveOutputFile(28142, folder.Path);
                var taken = Support.Failed(
                    SellercloudErrorKind.Io, () => client.SaveOutputFile(28142, folder.Path));
                Assert.That(taken.OSErrorCode, Is.EqualTo(17));
                Assert.That(taken.Path, Is.EqualTo(saved.Path));
                var missing = Support.Failed(
                    SellercloudErrorKind.Io, () => client.SaveOutputFile(28142, folder.Path + "/nowhere"));
                Assert.That(missing.OSErrorCode, Is.EqualTo(2));
                var other = Support.Failed(SellercloudErrorKind.Server, () => client.GetOutputFile(5));
                Assert.That(other.OSErrorCode, Is.Null);
                Assert.That(other.Path, Is.Null);
            }
        }

        [Test]
        public void ServerErrorIsRetriedIfEnabled()
        {
            foreach (var isEnabled in new[] { false, true })
            {
                var options = Support.WithToken();
                options.Attempts = 3;
                options.RetryServerErrors = isEnabled;
                using (var client = new SellercloudClient(options))
                {
                    var error = Support.Failed(SellercloudErrorKind.Server, () => client.GetOutputFile(40007));
                    Assert.That(error.Attempts, Is.EqualTo(isEnabled ? 3 : 1));
                }
            }
        }

        private static void Unusable(Action<SellercloudClientOptions> change)
        {
            var options = Support.WithToken();
            change(options);
            Support.Failed(SellercloudErrorKind.InvalidArgument, () => new SellercloudClient(options));
        }

        private static void ZeroIsRejected(Action<SellercloudClientOptions> change)
        {
            var options = Support.WithToken();
            change(options);
            var error = Support.Failed(
                SellercloudErrorKind.InvalidArgument, () => new SellercloudClient(options));
            Assert.That(error.Message, Contains.Substring("must be greater than zero"));
        }

        private static void OutOfRange(string name, Action<SellercloudClientOptions> change)
        {
            var options = Support.WithToken();
            change(options);
            var error = Support.Caught<ArgumentOutOfRangeException>(() => new SellercloudClient(options));
            Assert.That(error.ParamName, Is.EqualTo(name));
        }

        private static void ShowsNoSecret(SellercloudClientOptions options, string secret)
        {
            using (var client = new SellercloudClient(options))
            {
                var error = Support.Failed(SellercloudErrorKind.Authentication, () => client.GetOutputFile(28142));
                Assert.That(error.HttpStatus, Is.EqualTo(401));
                foreach (var shown in new object[] { error, client, options })
                {
                    Assert.That(shown.ToString(), Is.Not.Empty);
                    Assert.That(shown.ToString().Contains(secret), Is.False);
                }
            }
        }
    }
}
