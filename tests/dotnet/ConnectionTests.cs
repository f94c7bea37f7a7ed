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
        public void ATeamsServerIsLookedUp()
        {
            var options = Support.WithLogin();
            options.Server = null;
            options.Team = Support.Variable("STAND_IN_TEAM");
            options.TeamDirectory = Support.Variable("STAND_IN_DIRECTORY");
            Fetches(options);
        }

        [Test]
        public void TlsTrustsWhatItIsToldToTrust()
        {
            var options = Support.WithToken();
            options.Server = Support.Variable("TLS_SERVER");
            options.Attempts = 1;
            Refuses(options, SellercloudErrorKind.Tls);
            options.CaCertificates = Certificates();
            Fetches(options);
        }

        [Test]
        public void AClientCertificateIsShown()
        {
            var options = Support.WithToken();
            options.Server = Support.Variable("TLS_SERVER_FOR_KNOWN_CLIENTS");
            options.CaCertificates = Certificates();
            options.Attempts = 1;
            Refuses(options, SellercloudErrorKind.Tls);
            var client = File.ReadAllText(Path.Combine(Support.Variable("STAND_IN_FOLDER"), "client.pem"));
            options.ClientCertificate = client;
            options.ClientKey = client;
            Fetches(options);
        }

        [Test]
        public void AProxyIsUsed()
        {
            var options = Support.WithToken();
            options.Server = Support.Variable("PROXIED_SERVER");
            options.AllowPlainHttp = true;
            options.Proxy = Support.Variable("PROXY_WITH_PASSWORD");
            Fetches(options);
            options.Proxy = Support.Variable("PROXY_WITHOUT_ITS_PASSWORD");
            options.Attempts = 1;
            Refuses(options, SellercloudErrorKind.Connection);
            options.Proxy = "";
            Fetches(options);
        }

        [Test]
        public void ManyThreadsShareAClient()
        {
            using (var client = new SellercloudClient(Support.WithLogin()))
            {
                var lengths = new long[16];
                var threads = new Thread[lengths.Length];
                for (var index = 0; index < threads.Length; index++)
                {
                    var place = index;
                    threads[index] = new Thread(() =>
                    {
                        for (var round = 0; round < 10; round++)
                        {
                            using (var file = client.GetOutputFile(28142))
                            {
                                lengths[place] += file.ToArray().Length;
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

        private static string Certificates()
        {
            return File.ReadAllText(Path.Combine(Support.Variable("STAND_IN_FOLDER"), "ca.pem"));
        }

        private static void Fetches(SellercloudClientOptions options)
        {
            using (var client = new SellercloudClient(options))
            using (var file = client.GetOutputFile(28142))
            {
                Assert.That(file.Length, Is.EqualTo(Support.OrdersLength));
            }
        }

        private static void Refuses(SellercloudClientOptions options, SellercloudErrorKind kind)
        {
            using (var client = new SellercloudClient(options))
            {
                Support.Failed(kind, () => client.GetOutputFile(28142));
            }
        }
    }
}
