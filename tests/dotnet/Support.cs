using System;
using System.Globalization;
using System.IO;
using System.Threading.Tasks;
using NUnit.Framework;
using SellercloudOutput;

namespace SellercloudOutputTests
{
    /// <summary>Where the stand-in servers are, and what the tests share.</summary>
    internal static class Support
    {
        public const string OrdersName = "Orders \u00e9 2026-11-23.csv";
        public const int OrdersLength = 2400;

        public static string Variable(string name)
        {
            var value = Environment.GetEnvironmentVariable(name);
            Assert.That(value, Is.Not.Null, "the environment has no " + name + ": run tests/dotnet/run");
            return value;
        }

        public static SellercloudClientOptions WithToken()
        {
            return new SellercloudClientOptions
            {
                Server = Variable("STAND_IN"),
                Token = Variable("STAND_IN_TOKEN"),
                RetryBase = TimeSpan.FromMilliseconds(10),
            };
        }

        public static SellercloudClientOptions WithLogin()
        {
            var options = WithToken();
            options.Token = null;
            options.UserName = Variable("STAND_IN_USER");
            options.Password = Variable("STAND_IN_PASSWORD");
            return options;
        }

        /// <summary>A client of a server that sends the beginning of a file, and then nothing.</summary>
        public static SellercloudClient OfSilentBody()
        {
            var options = WithToken();
            options.Server = Variable("SILENT_BODY");
            return new SellercloudClient(options);
        }

        /// <summary>Options for a quick wait.</summary>
        public static CallOptions Waiting()
        {
            return new CallOptions
            {
                WaitFirst = TimeSpan.FromMilliseconds(1),
                WaitLongest = TimeSpan.FromMilliseconds(5),
            };
        }

        /// <summary>What the action throws, which must be of this very type.</summary>
        public static T Caught<T>(Action action)
            where T : Exception
        {
            try
            {
                action();
            }
            catch (Exception exception)
            {
                Assert.That(exception.GetType(), Is.EqualTo(typeof(T)), exception.ToString());
                return (T)exception;
            }
            throw new AssertionException("nothing was thrown");
        }

        public static SellercloudException Failed(SellercloudErrorKind kind, Action action)
        {
            var exception = Caught<SellercloudException>(action);
            Assert.That(exception.Kind, Is.EqualTo(kind), exception.ToString());
            return exception;
        }

        /// <summary>Waits for a task; throws what it threw.</summary>
        public static T Result<T>(this Task<T> task)
        {
            return task.GetAwaiter().GetResult();
        }

        /// <summary>A figure of this process's memory, such as VmRSS, in bytes.</summary>
        public static long Memory(string what)
        {
            foreach (var line in File.ReadAllLines("/proc/self/status"))
            {
                if (line.StartsWith(what + ":", StringComparison.Ordinal))
                {
                    var words = line.Split(new[] { ' ', '\t' }, StringSplitOptions.RemoveEmptyEntries);
                    return 1024 * long.Parse(words[1], CultureInfo.InvariantCulture);
                }
            }
            throw new InvalidOperationException(what);
        }
    }

    /// <summary>An empty folder, gone in the end.</summary>
    internal sealed class Folder : IDisposable
    {
        public Folder(string name = "folder")
        {
            Path = System.IO.Path.Combine(
                System.IO.Path.GetTempPath(), "sellercloud-output-" + Guid.NewGuid().ToString("N"), name);
            Directory.CreateDirectory(Path);
        }

        public string Path { get; }

        public string[] Names()
        {
            var names = Directory.GetFileSystemEntries(Path);
            for (var index = 0; index < names.Length; index++)
            {
                names[index] = System.IO.Path.GetFileName(names[index]);
            }
            Array.Sort(names, StringComparer.Ordinal);
            return names;
        }

        public void Dispose()
        {
            Directory.Delete(System.IO.Path.GetDirectoryName(Path), recursive: true);
        }
    }

    /// <summary>Reports to a function, on the reporting thread.</summary>
    internal sealed class Told : IProgress<TransferProgress>
    {
        private readonly Action<TransferProgress> told;

        public Told(Action<TransferProgress> told)
        {
            this.told = told;
        }

        public void Report(TransferProgress value)
        {
            told(value);
        }
    }

    /// <summary>What the tests' callbacks throw.</summary>
    internal sealed class OwnException : Exception
    {
        public OwnException()
            : base("my own")
        {
        }
    }
}
