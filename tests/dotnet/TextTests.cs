using System;
using System.IO;
using System.Linq;
using System.Text;
using System.Text.RegularExpressions;
using NUnit.Framework;
using SellercloudOutput;

namespace SellercloudOutputTests
{
    [TestFixture]
    public class TextTests
    {
        // A NUL would end the string in C, and UTF-8 cannot encode an unpaired surrogate.
        private static readonly string[] InvalidTexts =
        {
            "secret\0", "\0secret", "secret\ud83d", "secret\udce6 secret",
        };

        [Test]
        public void ClientOptions_NulOrUnpairedSurrogate_AreRejected()
        {
            var changes = new Action<SellercloudClientOptions, string>[]
            {
                (options, text) => options.Server = text,
                (options, text) => options.Token = text,
                (options, text) => options.UserName = text,
                (options, text) => options.Password = text,
                (options, text) => options.Team = text,
                (options, text) => options.TeamLookupUrl = text,
                (options, text) => options.Proxy = text,
                (options, text) => options.CaCertificates = text,
                (options, text) => options.ClientCertificate = text,
                (options, text) => options.ClientKey = text,
                (options, text) => options.UserAgentSuffix = text,
            };
            foreach (var change in changes)
            {
                foreach (var text in InvalidTexts)
                {
                    var options = Support.TokenOptions();
                    change(options, text);
                    AssertRejected(() => new SellercloudClient(options));
                }
            }
        }

        [Test]
        public void Calls_NulOrUnpairedSurrogate_AreRejected()
        {
            using (var client = new SellercloudClient(Support.TokenOptions()))
            using (var file = client.GetOutputFile(28142))
            {
                foreach (var text in InvalidTexts)
                {
                    var options = new CallOptions { FileName = text };
                    AssertRejected(() => client.SaveOutputFile(28142, text));
                    AssertRejected(() => client.SaveOutputFile(28142, ".", options));
                    AssertRejected(() => client.SaveOutputFileAsync(28142, text).Result());
                    AssertRejected(() => file.Save(text));
                    AssertRejected(() => file.Save(".", options));
                    AssertRejected(() => SellercloudClient.ParseJobId(text));
                }
            }
        }

        [Test]
        public void Client_Disposed_LeavesNoSecretInMemory()
        {
            // Managed strings are UTF-16, so that only native copies match in UTF-8.
            var secrets = new[] { Secret(), Secret(), Secret(), Secret() };
            var options = Support.TokenOptions();
            options.Token = secrets[0];
            new SellercloudClient(options).Dispose();
            options.Token = null;
            options.UserName = "user";
            options.Password = secrets[1];
            new SellercloudClient(options).Dispose();
            options = Support.TokenOptions();
            options.ClientCertificate = "not a certificate";
            options.ClientKey = secrets[2];
            Support.Fails(SellercloudErrorKind.InvalidArgument, () => new SellercloudClient(options));
            var kept = Encoding.UTF8.GetBytes(secrets[3]);
            Assert.That(secrets.Select(IsInMemory), Is.EqualTo(new[] { false, false, false, true }));
            GC.KeepAlive(kept);
        }

        /// <summary>Creates a long secret, so that reuse of freed memory does not overwrite all of it.</summary>
        private static string Secret()
        {
            return string.Concat(Enumerable.Repeat(Guid.NewGuid().ToString("N"), 100));
        }

        /// <summary>
        /// Returns whether the beginning of a secret is in this process's memory in UTF-8.
        /// </summary>
        private static bool IsInMemory(string text)
        {
            // The bytes are inverted, so that the search does not find its own pattern.
            var wanted = text.Substring(0, 32).Select(character => (byte)~character).ToArray();
            var part = new byte[1 << 20];
            using (var memory = new FileStream(
                "/proc/self/mem", FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 1))
            {
                foreach (var line in File.ReadAllLines("/proc/self/maps"))
                {
                    var map = Regex.Match(line, "^([0-9a-f]+)-([0-9a-f]+) rw");
                    if (!map.Success)
                    {
                        continue;
                    }
                    var end = Convert.ToInt64(map.Groups[2].Value, 16);
                    var next = Convert.ToInt64(map.Groups[1].Value, 16);
                    while (next < end)
                    {
                        int length;
                        try
                        {
                            memory.Position = next;
                            length = memory.Read(part, 0, (int)Math.Min(part.Length, end - next));
                        }
                        catch (IOException)
                        {
                            // The region has been unmapped since the list was read.
                            break;
                        }
                        if (Contains(part, length, wanted))
                        {
                            return true;
                        }
                        // The parts overlap, so that a match across a boundary is found.
                        next += length < part.Length ? length : length - wanted.Length;
                    }
                }
            }
            return false;
        }

        private static bool Contains(byte[] part, int length, byte[] wanted)
        {
            for (var start = 0; start <= length - wanted.Length; start++)
            {
                var same = 0;
                while (same < wanted.Length && part[start + same] == (byte)~wanted[same])
                {
                    same++;
                }
                if (same == wanted.Length)
                {
                    return true;
                }
            }
            return false;
        }

        private static void AssertRejected(Action action)
        {
            var exception = Support.Throws<ArgumentException>(action);
            Assert.That(exception.ParamName, Is.Not.Null);
            Assert.That(exception.ToString().Contains("secret"), Is.False);
        }
    }
}
