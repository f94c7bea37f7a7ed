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
        public void ProgressIsToldOnTheThreadOfTheCall()
        {
            using (var client = new SellercloudClient(Support.WithToken()))
            {
                var told = new List<TransferProgress>();
                var threads = new HashSet<int>();
                var options = new CallOptions
                {
                    Progress = new Told(now =>
                    {
                        told.Add(now);
                        threads.Add(Thread.CurrentThread.ManagedThreadId);
                    }),
                };
                client.GetOutputFile(28142, options).Dispose();
                Assert.That(told[0].Received, Is.EqualTo(0));
                var last = told[told.Count - 1];
                Assert.That(last.Received, Is.EqualTo(3200));
                Assert.That(last.Total, Is.EqualTo(3200));
                Assert.That(last.Attempt, Is.EqualTo(1));
                Assert.That(threads, Is.EquivalentTo(new[] { Thread.CurrentThread.ManagedThreadId }));
            }
        }

        [Test]
        public void ALaterAttemptSaysSo()
        {
            var options = Support.WithToken();
            options.Server = Support.Variable("FLAKY_SERVER");
            using (var client = new SellercloudClient(options))
            {
                var attempts = new SortedSet<int>();
                var call = new CallOptions { Progress = new Told(now => attempts.Add(now.Attempt)) };
                using (var file = client.GetOutputFile(28142, call))
                {
                    Assert.That(file.Length, Is.EqualTo(Support.OrdersLength));
                }
                Assert.That(attempts, Is.EqualTo(new[] { 3, 4 }));
            }
        }

        [Test]
        public void RequestsAreLogged()
        {
            var records = new List<RequestRecord>();
            var options = Support.WithToken();
            options.Log = records.Add;
            using (var client = new SellercloudClient(options))
            {
                client.GetOutputFile(28142).Dispose();
                Support.Failed(SellercloudErrorKind.Server, () => client.GetOutputFile(5));
            }
            options.Server = Support.Variable("SILENT_BODY");
            options.StallTimeout = TimeSpan.FromMilliseconds(50);
            options.Attempts = 1;
            using (var client = new SellercloudClient(options))
            {
                Support.Failed(SellercloudErrorKind.Timeout, () => client.GetOutputFile(1));
            }
            Assert.That(records.Count, Is.EqualTo(3));
            Assert.That(records[0].Method, Is.EqualTo("GET"));
            Assert.That(records[0].Url.EndsWith("/28142", StringComparison.Ordinal));
            Assert.That(records[0].Error, Is.Null);
            Assert.That(records[0].Bytes, Is.EqualTo(3200));
            Assert.That(records[0].HttpStatus, Is.EqualTo(200));
            Assert.That(records[0].Attempt, Is.EqualTo(1));
            Assert.That(records[0].Duration, Is.GreaterThan(TimeSpan.Zero));
            Assert.That(records[0].Duration, Is.LessThan(TimeSpan.FromMinutes(1)));
            Assert.That(records[1].HttpStatus, Is.EqualTo(500));
            Assert.That(records[2].Error, Is.Not.Null);
        }

        [Test]
        public void TheTokenSourceIsAsked()
        {
            var asked = new List<bool>();
            var options = Support.WithToken();
            options.Token = null;
            options.TokenSource = renew =>
            {
                asked.Add(renew);
                return renew ? Support.Variable("STAND_IN_TOKEN") : "an-old-token";
            };
            using (var client = new SellercloudClient(options))
            {
                client.GetOutputFile(28142).Dispose();
            }
            Assert.That(asked, Is.EqualTo(new[] { false, true }));
        }

        [Test]
        public void ATokenSourceMustGiveAToken()
        {
            var options = Support.WithToken();
            options.Token = null;
            string token = null;
            options.TokenSource = renew => token;
            using (var client = new SellercloudClient(options))
            {
                Support.Caught<InvalidOperationException>(() => client.GetOutputFile(28142));
                token = "secret\0token";
                var error = Support.Caught<ArgumentException>(() => client.GetOutputFile(28142));
                Assert.That(error.ToString().Contains("secret"), Is.False);
            }
        }

        [Test]
        public void WhatACallbackThrowsIsThrownByTheCall()
        {
            using (var client = new SellercloudClient(Support.WithToken()))
            {
                var options = new CallOptions { Progress = new Told(now => ThrowOwn()) };
                var calls = new Action[]
                {
                    () => client.GetOutputFile(28142, options),
                    () => client.CopyOutputFileTo(28142, new ThrowingStream()),
                    () => client.GetOutputFileAsync(28142, options).Result(),
                    () => client.CopyOutputFileToAsync(28142, new ThrowingStream()).Result(),
                };
                foreach (var call in calls)
                {
                    var exception = Support.Caught<OwnException>(call);
                    Assert.That(exception.StackTrace, Contains.Substring("ThrowOwn"));
                }
                client.GetOutputFile(28142).Dispose();
            }
        }

        [Test]
        public void LogThatThrowsFailsNoCall()
        {
            var requests = 0;
            var options = Support.WithLogin();
            options.Log = record =>
            {
                requests++;
                ThrowOwn();
            };
            using (var folder = new Folder())
            using (var traced = new StringWriter())
            using (var listener = new TextWriterTraceListener(traced))
            using (var client = new SellercloudClient(options))
            {
                Trace.Listeners.Add(listener);
                try
                {
                    client.GetOutputFile(28142).Dispose();
                    // 503 twice, and then the file.
                    Assert.That(client.SaveOutputFile(40001, folder.Path).Length, Is.EqualTo(Support.OrdersLength));
                    client.WaitForOutputFileAsync(50003, Support.Waiting()).Result().Dispose();
                    var error = Support.Failed(SellercloudErrorKind.Server, () => client.GetOutputFile(5));
                    Assert.That(error.InnerException, Is.TypeOf<OwnException>());
                    Assert.That(error.ToString(), Contains.Substring("ThrowOwn"));
                    // What another callback throws is thrown as ever.
                    Support.Caught<OwnException>(() => client.CopyOutputFileTo(28142, new ThrowingStream()));
                }
                finally
                {
                    Trace.Listeners.Remove(listener);
                }
                listener.Flush();
                var reports = traced.ToString().Split(new[] { "Log threw an exception" }, StringSplitOptions.None);
                Assert.That(reports.Length, Is.EqualTo(2), traced.ToString());
                Assert.That(reports[1], Contains.Substring("ThrowOwn"));
            }
            Assert.That(requests, Is.GreaterThanOrEqualTo(9));
        }

        [Test]
        public void TraceListenerThatThrowsFailsNoCall()
        {
            var options = Support.WithToken();
            options.Log = record => ThrowOwn();
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
        public void WhatATokenSourceThrowsEndsTheCall()
        {
            var asked = 0;
            var options = Support.WithToken();
            options.Token = null;
            options.TokenSource = renew =>
            {
                if (asked++ == 0)
                {
                    ThrowOwn();
                }
                return Support.Variable("STAND_IN_TOKEN");
            };
            using (var client = new SellercloudClient(options))
            {
                Support.Caught<OwnException>(() => client.GetOutputFile(28142));
                client.GetOutputFile(28142).Dispose();
            }
            Assert.That(asked, Is.EqualTo(2));
        }

        [Test]
        public void ACallbackMayMakeCallsOfItsOwn()
        {
            var isInner = false;
            var inner = new List<long>();
            Action<SellercloudClient> callInside = client =>
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
                Support.Failed(SellercloudErrorKind.Server, () => client.GetOutputFile(5));
                var throwing = new CallOptions { Progress = new Told(now => ThrowOwn()) };
                Support.Caught<OwnException>(() => client.GetOutputFile(28142, throwing));
                isInner = false;
            };
            SellercloudClient own = null;
            using (var other = new SellercloudClient(Support.WithToken()))
            {
                var options = Support.WithToken();
                options.Token = null;
                options.TokenSource = renew =>
                {
                    callInside(other);
                    return Support.Variable("STAND_IN_TOKEN");
                };
                options.Log = record => callInside(own);
                var calling = new CallOptions { Progress = new Told(now => callInside(own)) };
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
        public void TokenSourceThatCallsItsOwnClientIsRefused()
        {
            SellercloudClient client = null;
            var options = Support.WithToken();
            options.Token = null;
            options.TokenSource = renew => client.GetJob(28142).StatusName;
            using (client = new SellercloudClient(options))
            {
                var error = Support.Failed(SellercloudErrorKind.InvalidArgument, () => client.GetOutputFile(28142));
                Assert.That(error.Message, Contains.Substring("make it with another client"));
            }
        }

        [Test]
        public void CallbacksStayThroughCollections()
        {
            var requests = 0;
            var options = Support.WithToken();
            options.Log = record => requests++;
            using (var client = new SellercloudClient(options))
            {
                options = null;
                GC.Collect();
                GC.WaitForPendingFinalizers();
                var collecting = new CallOptions { Progress = new Told(now => GC.Collect()) };
                client.GetOutputFile(28142, collecting).Dispose();
                Assert.That(requests, Is.EqualTo(1));
            }
        }

        private static void ThrowOwn()
        {
            throw new OwnException();
        }

        private sealed class ThrowingListener : TraceListener
        {
            public bool IsCalled { get; private set; }

            public override void Write(string message)
            {
                IsCalled = true;
                ThrowOwn();
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
                ThrowOwn();
            }
        }
    }
}
