using System;
using System.Globalization;
using System.IO;
using System.Threading.Tasks;
using NUnit.Framework;
using SellercloudOutput;

namespace SellercloudOutputTests
{
    /// <summary>The mock servers' addresses, and helpers that several tests use.</summary>
    internal static class Support
    {
        public const string OrdersName = "Orders \u00e9 2026-11-23.csv";
        public const int OrdersLength = 2400;

        public static string Variable(string name)
        {
            var value = Environment.GetEnvironmentVariable(name);
            Assert.That(
                value,
                Is.Not.Null,
                "The environment variable " + name + " is not set. Run tests/dotnet/run, which sets it.");
            return value;
        }

        public static SellercloudClientOptions TokenOptions()
        {
            return new SellercloudClientOptions
            {
                Server = Variable("MOCK_SERVER"),
                Token = Variable("MOCK_SERVER_TOKEN"),
                InitialBackoff = TimeSpan.FromMilliseconds(10),
            };
        }

        public static SellercloudClientOptions LoginOptions()
        {
            var options = TokenOptions();
            options.Token = null;
            options.UserName = Variable("MOCK_SERVER_USER_NAME");
            options.Password = Variable("MOCK_SERVER_PASSWORD");
            return options;
        }

        /// <summary>
        /// Creates a client of a server that sends the beginning of a file and then stops sending.
        /// </summary>
        public static SellercloudClient StalledBodyClient()
        {
            var options = TokenOptions();
            options.Server = Variable("STALLED_BODY_SERVER");
            return new SellercloudClient(options);
        }

        /// <summary>Creates options with short intervals between polls.</summary>
        public static CallOptions FastWait()
        {
            return new CallOptions
            {
                WaitInitialInterval = TimeSpan.FromMilliseconds(1),
                WaitMaxInterval = TimeSpan.FromMilliseconds(5),
            };
        }

        /// <summary>Returns the exception that the action throws. It must have exactly this type.</summary>
        public static T Throws<T>(Action action)
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
            throw new AssertionException("The action did not throw.");
        }

        public static SellercloudException Fails(SellercloudErrorKind kind, Action action)
        {
            var exception = Throws<SellercloudException>(action);
            Assert.That(exception.Kind, Is.EqualTo(kind), exception.ToString());
            return exception;
        }

        /// <summary>Waits for a task and returns its result, or rethrows its exception.</summary>
        public static T Result<T>(this Task<T> task)
        {
            return task.GetAwaiter().GetResult();
        }

        /// <summary>Returns a memory figure of this process, such as VmRSS, in bytes.</summary>
        public static long ReadMemory(string figure)
        {
            foreach (var line in File.ReadAllLines("/proc/self/status"))
            {
                if (line.StartsWith(figure + ":", StringComparison.Ordinal))
                {
                    var words = line.Split(new[] { ' ', '\t' }, StringSplitOptions.RemoveEmptyEntries);
                    return 1024 * long.Parse(words[1], CultureInfo.InvariantCulture);
                }
            }
            throw new InvalidOperationException("/proc/self/status has no line " + figure + ".");
        }
    }

    /// <summary>A new, empty directory, which Dispose deletes.</summary>
    internal sealed class TemporaryDirectory : IDisposable
    {
        public TemporaryDirectory(string name = "directory")
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

    /// <summary>Forwards progress to a function on the reporting thread, without a synchronization context.</summary>
    internal sealed class ProgressFunction : IProgress<TransferProgress>
    {
        private readonly Action<TransferProgress> onProgress;

        public ProgressFunction(Action<TransferProgress> onProgress)
        {
            this.onProgress = onProgress;
        }

        public void Report(TransferProgress value)
        {
            onProgress(value);
        }
    }

    /// <summary>The exception that the tests' callbacks throw.</summary>
    internal sealed class TestException : Exception
    {
        public TestException()
            : base("This exception comes from a test's callback.")
        {
        }
    }
}
