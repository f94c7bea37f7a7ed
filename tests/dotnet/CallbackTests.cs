using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Threading;
using NUnit.Framework;
using SellercloudOutput;

namespace SellercloudOutputTests
{
    [TestFixture]
    public class CallbackTests
    {
        [Test]
        public void Progress_Download_ReportsOnTheCallingThread()
        {
            using (var client = new SellercloudClient(Support.TokenOptions()))
            {
                var reports = new List<TransferProgress>();
                var threads = new HashSet<int>();
                var options = new CallOptions
                {
                    Progress = new ProgressFunction(progress =>
                    {
                        reports.Add(progress);
                        threads.Add(Thread.CurrentThread.ManagedThreadId);
                    }),
                };
                client.GetOutputFile(28142, options).Dispose();
                Assert.That(reports[0].BytesReceived, Is.EqualTo(0));
                var last = reports[reports.Count - 1];
                Assert.That(last.BytesReceived, Is.EqualTo(3200));
                Assert.That(last.TotalBytes, Is.EqualTo(3200));
                Assert.That(last.Attempt, Is.EqualTo(1));
                Assert.That(threads, Is.EquivalentTo(new[] { Thread.CurrentThread.ManagedThreadId }));
            }
        }

        [Test]
        public void Progress_Retries_ReportTheAttempt()
        {
            var options = Support.TokenOptions();
            options.Server = Support.Variable("FLAKY_SERVER");
            using (var client = new SellercloudClient(options))
            {
                var attempts = new SortedSet<int>();
                var call = new CallOptions
                {
                    Progress = new ProgressFunction(progress => attempts.Add(progress.Attempt)),
                };
                using (var file = client.GetOutputFile(28142, call))
                {
                    Assert.That(file.Length, Is.EqualTo(Support.OrdersLength));
                }
                Assert.That(attempts, Is.EqualTo(new[] { 3, 4 }));
            }
        }

        [Test]
        public void OnRequest_EachRequest_ReceivesARecord()
        {
            var records = new List<RequestRecord>();
            var options = Support.TokenOptions();
            options.OnRequest = records.Add;
            using (var client = new SellercloudClient(options))
            {
                client.GetOutputFile(28142).Dispose();
                Support.Fails(SellercloudErrorKind.Server, () => client.GetOutputFile(5));
            }
            options.Server = Support.Variable("STALLED_BODY_SERVER");
            options.StallTimeout = TimeSpan.FromMilliseconds(50);
            options.MaxAttempts = 1;
            using (var client = new SellercloudClient(options))
            {
                Support.Fails(SellercloudErrorKind.Timeout, () => client.GetOutputFile(1));
            }
            Assert.That(records.Count, Is.EqualTo(3));
            Assert.That(records[0].Method, Is.EqualTo("GET"));
            Assert.That(records[0].Url.EndsWith("/28142", StringComparison.Ordinal));
            Assert.That(records[0].Error, Is.Null);
            Assert.That(records[0].BytesReceived, Is.EqualTo(3200));
            Assert.That(records[0].HttpStatus, Is.EqualTo(200));
            Assert.That(records[0].Attempt, Is.EqualTo(1));
            Assert.That(records[0].Duration, Is.GreaterThan(TimeSpan.Zero));
            Assert.That(records[0].Duration, Is.LessThan(TimeSpan.FromMinutes(1)));
            Assert.That(records[1].HttpStatus, Is.EqualTo(500));
            Assert.That(records[2].Error, Is.Not.Null);
        }

        [Test]
        public void TokenProvider_RejectedToken_IsCalledAgain()
        {
            var calls = new List<bool>();
            var options = Support.TokenOptions();
            options.Token = null;
            options.TokenProvider = renew =>
            {
                calls.Add(renew);
                return renew ? Support.Variable("MOCK_SERVER_TOKEN") : "an-old-token";
            };
            using (var client = new SellercloudClient(options))
            {
                client.GetOutputFile(28142).Dispose();
            }
            Assert.That(calls, Is.EqualTo(new[] { false, true }));
        }

        [Test]
        public void TokenProvider_NoOrInvalidToken_Throws()
        {
            var options = Support.TokenOptions();
            options.Token = null;
            string token = null;
            options.TokenProvider = renew => token;
            using (var client = new SellercloudClient(options))
            {
                Support.Throws<InvalidOperationException>(() => client.GetOutputFile(28142));
                token = "secret\0token";
                var error = Support.Throws<ArgumentException>(() => client.GetOutputFile(28142));
                Assert.That(error.ToString().Contains("secret"), Is.False);
            }
        }

        [Test]
        public void Callbacks_Exception_IsRethrownByTheCall()
        {
            using (var client = new SellercloudClient(Support.TokenOptions()))
            {
                var options = new CallOptions { Progress = new ProgressFunction(progress => ThrowTestException()) };
                var calls = new Action[]
                {
                    () => client.GetOutputFile(28142, options),
                    () => client.WriteOutputFile(28142, new ThrowingStream()),
                    () => client.GetOutputFileAsync(28142, options).Result(),
                    () => client.WriteOutputFileAsync(28142, new ThrowingStream()).Result(),
                };
                foreach (var call in calls)
                {
                    var exception = Support.Throws<TestException>(call);
                    Assert.That(exception.StackTrace, Contains.Substring("ThrowTestException"));
                }
                client.GetOutputFile(28142).Dispose();
            }
        }

        [Test]
        public void OnRequest_Exception_FailsNoCall()
        {
            var requests = 0;
            var options = Support.LoginOptions();
            options.OnRequest = record =>
            {
                requests++;
                ThrowTestException();
            };
            using (var directory = new TemporaryDirectory())
            using (var traced = new StringWriter())
            using (var listener = new TextWriterTraceListener(traced))
            using (var client = new SellercloudClient(options))
            {
                Trace.Listeners.Add(listener);
                try
                {
                    client.GetOutputFile(28142).Dispose();
                    // The server responds with 503 twice, and then with the file.
                    Assert.That(client.SaveOutputFile(40001, directory.Path).Length, Is.EqualTo(Support.OrdersLength));
                    client.WaitForOutputFileAsync(50003, Support.FastWait()).Result().Dispose();
                    var error = Support.Fails(SellercloudErrorKind.Server, () => client.GetOutputFile(5));
                    Assert.That(error.InnerException, Is.TypeOf<TestException>());
                    Assert.That(error.ToString(), Contains.Substring("ThrowTestException"));
                    // Exceptions of other callbacks are still rethrown.
                    Support.Throws<TestException>(() => client.WriteOutputFile(28142, new ThrowingStream()));
                }
                finally
                {
                    Trace.Listeners.Remove(listener);
                }
                listener.Flush();
                var parts = traced.ToString().Split(new[] { "OnRequest threw an exception" }, StringSplitOptions.None);
                Assert.That(parts.Length, Is.EqualTo(2), traced.ToString());
                Assert.That(parts[1], Contains.Substring("ThrowTestException"));
            }
            Assert.That(requests, Is.GreaterThanOrEqualTo(9));
        }

        [Test]
        public void OnRequest_ExceptionOfTraceListener_FailsNoCall()
        {
            var options = Support.TokenOptions();
            options.OnRequest = record => ThrowTestException();
            using (var client = new SellercloudClient(options))
            using (var listener = new ThrowingListener())
            {
                Trace.Listeners.Add(listener);
                try
                {
                    client.GetOutputFile(28142).Dispose();
                }
                finally
                {
                    Trace.Listeners.Remove(listener);
                }
                Assert.That(listener.IsCalled);
            }
        }

        [Test]
        public void TokenProvider_Exception_EndsTheCall()
        {
            var calls = 0;
            var options = Support.TokenOptions();
            options.Token = null;
            options.TokenProvider = renew =>
            {
                if (calls++ == 0)
                {
                    ThrowTestException();
                }
                return Support.Variable("MOCK_SERVER_TOKEN");
            };
            using (var client = new SellercloudClient(options))
            {
                Support.Throws<TestException>(() => client.GetOutputFile(28142));
                client.GetOutputFile(28142).Dispose();
            }
            Assert.That(calls, Is.EqualTo(2));
        }

        [Test]
        public void Callbacks_CallsOfTheirOwn_Succeed()
        {
            var isInner = false;
            var inner = new List<long>();
            Action<SellercloudClient> makeInnerCalls = client =>
            {
                if (isInner)
                {
                    return;
                }
                isInner = true;
                using (var file = client.GetOutputFile(28143))
                {
                    inner.Add(file.Length);
                }
                Support.Fails(SellercloudErrorKind.Server, () => client.GetOutputFile(5));
                var throwing = new CallOptions { Progress = new ProgressFunction(progress => ThrowTestException()) };
                Support.Throws<TestException>(() => client.GetOutputFile(28142, throwing));
                isInner = false;
            };
            SellercloudClient own = null;
            using (var other = new SellercloudClient(Support.TokenOptions()))
            {
                var options = Support.TokenOptions();
                options.Token = null;
                options.TokenProvider = renew =>
                {
                    makeInnerCalls(other);
                    return Support.Variable("MOCK_SERVER_TOKEN");
                };
                options.OnRequest = record => makeInnerCalls(own);
                var calling = new CallOptions { Progress = new ProgressFunction(progress => makeInnerCalls(own)) };
                using (own = new SellercloudClient(options))
                using (var file = own.GetOutputFile(28142, calling))
                {
                    Assert.That(file.Length, Is.EqualTo(Support.OrdersLength));
                }
                Assert.That(inner.Count, Is.GreaterThanOrEqualTo(4));
                Assert.That(inner, Is.All.EqualTo(4239));
            }
        }

        [Test]
        public void TokenProvider_CallOfTheSameClient_IsRejected()
        {
            SellercloudClient client = null;
            var options = Support.TokenOptions();
            options.Token = null;
            options.TokenProvider = renew => client.GetJob(28142).StatusName;
            using (client = new SellercloudClient(options))
            {
                var error = Support.Fails(SellercloudErrorKind.InvalidArgument, () => client.GetOutputFile(28142));
                Assert.That(error.Message, Contains.Substring("make that call with another client"));
            }
        }

        [Test]
        public void Callbacks_GarbageCollection_RemainCallable()
        {
            var requests = 0;
            var options = Support.TokenOptions();
            options.OnRequest = record => requests++;
            using (var client = new SellercloudClient(options))
            {
                options = null;
                GC.Collect();
                GC.WaitForPendingFinalizers();
                var collecting = new CallOptions { Progress = new ProgressFunction(progress => GC.Collect()) };
                client.GetOutputFile(28142, collecting).Dispose();
                Assert.That(requests, Is.EqualTo(1));
            }
        }

        private static void ThrowTestException()
        {
            throw new TestException();
        }

        private sealed class ThrowingListener : TraceListener
        {
            public bool IsCalled { get; private set; }

            public override void Write(string message)
            {
                IsCalled = true;
                ThrowTestException();
            }

            public override void WriteLine(string message)
            {
                Write(message);
            }
        }

        private sealed class ThrowingStream : MemoryStream
        {
            public override void Write(byte[] buffer, int offset, int count)
            {
                ThrowTestException();
            }
        }
    }
}
