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
        // A NUL would end the text for C, and half of a pair is no character.
        private static readonly string[] Bad = { "secret\0", "\0secret", "secret\ud83d", "secret\udce6 secret" };

        [Test]
        public void TextsThatCCannotHaveAreRefused()
        {
            var changes = new Action<SellercloudClientOptions, string>[]
            {
                (options, text) => options.Server = text,
                (options, text) => options.Token = text,
                (options, text) => options.UserName = text,
                (options, text) => options.Password = text,
                (options, text) => options.Team = text,
                (options, text) => options.TeamDirectory = text,
                (options, text) => options.Proxy = text,
                (options, text) => options.CaCertificates = text,
                (options, text) => options.ClientCertificate = text,
                (options, text) => options.ClientKey = text,
            };
            foreach (var change in changes)
            {
                foreach (var text in Bad)
                {
                    var options = Support.WithToken();
                    change(options, text);
                    Refused(() => new SellercloudClient(options));
                }
            }
        }

        [Test]
        public void SoAreThoseOfCalls()
        {
            using (var client = new SellercloudClient(Support.WithToken()))
            using (var file = client.GetOutputFile(28142))
            {
                foreach (var text in Bad)
                {
                    var options = new CallOptions { FileName = text };
                    Refused(() => client.SaveOutputFile(28142, text));
                    Refused(() => client.SaveOutputFile(28142, ".", options));
                    Refused(() => client.SaveOutputFileAsync(28142, text).Result());
                    Refused(() => file.Save(text));
                    Refused(() => file.Save(".", options));
                    Refused(() => SellercloudClient.ParseJobId(text));
                }
            }
        }

        [Test]
        public void NoCopyOfASecretStays()
        {
            // The test's own strings are UTF-16; only the native copies are UTF-8.
            var secrets = new[] { Secret(), Secret(), Secret(), Secret() };
            var options = Support.WithToken();
            options.Token = secrets[0];
            new SellercloudClient(options).Dispose();
            options.Token = null;
            options.UserName = "user";
            options.Password = secrets[1];
            new SellercloudClient(options).Dispose();
            options = Support.WithToken();
            options.ClientCertificate = "no certificate";
            options.ClientKey = secrets[2];
            Support.Failed(SellercloudErrorKind.InvalidArgument, () => new SellercloudClient(options));
            var kept = Encoding.UTF8.GetBytes(secrets[3]);
            Assert.That(secrets.Select(IsInMemory), Is.EqualTo(new[] { false, false, false, true }));
            GC.KeepAlive(kept);
        }

        /// <summary>Long, so that what is made of memory that was freed does not cover all of it.</summary>
        private static string Secret()
        {
            return string.Concat(Enumerable.Repeat(Guid.NewGuid().ToString("N"), 100));
        }

        /// <summary>Whether a secret, once, is in this process's memory in UTF-8.</summary>
        private static bool IsInMemory(string text)
        {
            // The other way round, so that this is no copy.
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
                            // It was unmapped meanwhile.
                            break;
                        }
                        if (Contains(part, length, wanted))
                        {
                            return true;
                        }
                        // The parts overlap, for what lies across.
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

        private static void Refused(Action action)
        {
            var exception = Support.Caught<ArgumentException>(action);
            Assert.That(exception.ParamName, Is.Not.Null);
            Assert.That(exception.ToString().Contains("secret"), Is.False);
        }
    }
}
