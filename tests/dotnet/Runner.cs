using System;
using System.Diagnostics;
using System.Linq;
using System.Reflection;
using System.Threading.Tasks;
using NUnit.Framework;

namespace SellercloudOutputTests
{
    /// <summary>
    /// Runs the tests of this assembly on runtimes that NUnit 2's console does not support. It runs each [Test] of each
    /// [TestFixture], with [SetUp] and [TearDown], one after the other. The exit code is 1 if a test fails or if there
    /// is no test.
    /// </summary>
    internal static class Runner
    {
        private static int Main()
        {
            var passed = 0;
            var failed = 0;
            foreach (var fixture in typeof(Runner).Assembly.GetTypes().Where(Has<TestFixtureAttribute>))
            {
                foreach (var test in fixture.GetMethods().Where(Has<TestAttribute>))
                {
                    var watch = Stopwatch.StartNew();
                    var failure = Run(fixture, test);
                    if (failure == null)
                    {
                        passed++;
                    }
                    else
                    {
                        failed++;
                        Console.WriteLine("FAILED {0}.{1}: {2}", fixture.Name, test.Name, failure);
                    }
                    if (watch.Elapsed > TimeSpan.FromSeconds(5))
                    {
                        Console.WriteLine("slow: {0}.{1}, {2}", fixture.Name, test.Name, watch.Elapsed);
                    }
                }
            }
            Console.WriteLine("{0} passed, {1} failed", passed, failed);
            return failed == 0 && passed > 0 ? 0 : 1;
        }

        private static Exception Run(Type fixture, MethodInfo test)
        {
            try
            {
                var target = Activator.CreateInstance(fixture);
                Each<SetUpAttribute>(target);
                try
                {
                    Invoke(target, test);
                }
                finally
                {
                    Each<TearDownAttribute>(target);
                }
                return null;
            }
            catch (TargetInvocationException exception)
            {
                return exception.InnerException;
            }
            catch (Exception exception)
            {
                return exception;
            }
        }

        private static void Each<T>(object target)
            where T : Attribute
        {
            foreach (var method in target.GetType().GetMethods().Where(Has<T>))
            {
                Invoke(target, method);
            }
        }

        private static void Invoke(object target, MethodInfo method)
        {
            var task = method.Invoke(target, null) as Task;
            task?.GetAwaiter().GetResult();
        }

        private static bool Has<T>(MemberInfo member)
            where T : Attribute
        {
            return member.GetCustomAttribute<T>() != null;
        }
    }
}
