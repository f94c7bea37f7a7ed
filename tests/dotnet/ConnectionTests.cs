using System.IO;
using System.Threading;
using NUnit.Framework;
using SellercloudOutput;

namespace SellercloudOutputTests
{
    [TestFixture]
    public class ConnectionTests
    {
        [Test]
        public void Client_TeamWithoutServer_LooksUpTheServer()
        {
            var options = Support.LoginOptions();
            options.Server = null;
            options.Team = Support.Variable("MOCK_SERVER_TEAM");
            options.TeamLookupUrl = Support.Variable("MOCK_SERVER_TEAM_LOOKUP_URL");
            AssertDownloads(options);
        }

        [Test]
        public void CaCertificates_PrivateCa_IsTrusted()
        {
            var options = Support.TokenOptions();
            options.Server = Support.Variable("TLS_SERVER");
            options.MaxAttempts = 1;
            AssertFails(options, SellercloudErrorKind.Tls);
            options.CaCertificates = CaCertificates();
            AssertDownloads(options);
        }

        [Test]
        public void ClientCertificate_RequestedByServer_IsSent()
        {
            var options = Support.TokenOptions();
            options.Server = Support.Variable("TLS_SERVER_WITH_CLIENT_CERTIFICATES");
            options.CaCertificates = CaCertificates();
            options.MaxAttempts = 1;
            AssertFails(options, SellercloudErrorKind.Tls);
            var client = File.ReadAllText(Path.Combine(Support.Variable("MOCK_SERVER_CERTIFICATES"), "client.pem"));
            options.ClientCertificate = client;
            options.ClientKey = client;
            AssertDownloads(options);
        }

        [Test]
        public void Proxy_WithCredentials_IsUsed()
        {
            var options = Support.TokenOptions();
            options.Server = Support.Variable("PROXIED_SERVER");
            options.AllowPlainHttp = true;
            options.Proxy = Support.Variable("PROXY_WITH_PASSWORD");
            AssertDownloads(options);
            options.Proxy = Support.Variable("PROXY_WITHOUT_PASSWORD");
            options.MaxAttempts = 1;
            AssertFails(options, SellercloudErrorKind.Connection);
            options.Proxy = "";
            AssertDownloads(options);
        }

        [Test]
        public void UserAgentSuffix_EachRequest_IsSent()
        {
            // The server knows job 60006 only with this suffix.
            var options = Support.TokenOptions();
            options.UserAgentSuffix = "nightly-export/2.1 (warehouse 7)";
            using (var client = new SellercloudClient(options))
            using (var file = client.GetOutputFile(60006))
            {
                Assert.That(file.Length, Is.EqualTo(Support.OrdersLength));
            }
            options.UserAgentSuffix = "another/1";
            using (var client = new SellercloudClient(options))
            {
                Support.Fails(SellercloudErrorKind.Server, () => client.GetOutputFile(60006));
            }
        }

        [Test]
        public void UserAgentSuffix_ThatCannotBeSent_IsRejected()
        {
            foreach (var suffix in new[] { "", " a", "a ", "a\r\nX-Injected: 1", "a\tb", "caf\u00e9" })
            {
                var options = Support.TokenOptions();
                options.UserAgentSuffix = suffix;
                Support.Fails(SellercloudErrorKind.InvalidArgument, () => new SellercloudClient(options));
            }
        }

        [Test]
        public void GetOutputFile_ManyThreads_ShareTheClient()
        {
            using (var client = new SellercloudClient(Support.LoginOptions()))
            {
                var lengths = new long[16];
                var threads = new Thread[lengths.Length];
                for (var index = 0; index < threads.Length; index++)
                {
                    var slot = index;
                    threads[index] = new Thread(() =>
                    {
                        for (var round = 0; round < 10; round++)
                        {
                            using (var file = client.GetOutputFile(28142))
                            {
                                lengths[slot] += file.ToArray().Length;
                            }
                        }
                    });
                    threads[index].Start();
                }
                foreach (var thread in threads)
                {
                    thread.Join();
                }
                Assert.That(lengths, Is.All.EqualTo(10 * Support.OrdersLength));
            }
        }

        private static string CaCertificates()
        {
            return File.ReadAllText(Path.Combine(Support.Variable("MOCK_SERVER_CERTIFICATES"), "ca.pem"));
        }

        private static void AssertDownloads(SellercloudClientOptions options)
        {
            using (var client = new SellercloudClient(options))
            using (var file = client.GetOutputFile(28142))
            {
                Assert.That(file.Length, Is.EqualTo(Support.OrdersLength));
            }
        }

        private static void AssertFails(SellercloudClientOptions options, SellercloudErrorKind kind)
        {
            using (var client = new SellercloudClient(options))
            {
                Support.Fails(kind, () => client.GetOutputFile(28142));
            }
        }
    }
}
