using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using NUnit.Framework;
using SellercloudOutput;

namespace SellercloudOutputTests
{
    /// <summary>Holds the binding against the C header.</summary>
    [TestFixture]
    public class HeaderTests
    {
        // Functions without a use here: what cancels a call in .NET is a token, which any thread may cancel.
        private static readonly string[] Unbound =
        {
            "sco_cancel_is_pulled", "sco_error_kind", "sco_options_set_interrupt", "sco_status_string",
        };

        private static readonly Dictionary<string, Type> Numbers = new Dictionary<string, Type>
        {
            { "int32_t", typeof(int) },
            { "sco_status", typeof(int) },
            { "uint32_t", typeof(uint) },
            { "int64_t", typeof(long) },
            { "uint64_t", typeof(ulong) },
            { "size_t", typeof(UIntPtr) },
            { "double", typeof(double) },
            { "void", typeof(void) },
        };

        private string header;

        [SetUp]
        public void SetUp()
        {
            var text = File.ReadAllText(Support.Variable("HEADER"));
            header = Regex.Replace(text, @"/\*.*?\*/", "", RegexOptions.Singleline);
        }

        [Test]
        public void TheErrorKindsAreTheHeaders()
        {
            var constants = Constants(header.Substring(header.IndexOf("SCO_OK", StringComparison.Ordinal)), "SCO_");
            Assert.That(constants.Count, Is.EqualTo(16));
            Assert.That(Members(typeof(SellercloudErrorKind)), Is.EqualTo(constants));
        }

        [Test]
        public void TheJobStatusesAreTheHeaders()
        {
            var from = header.IndexOf("SCO_JOB_SUBMITTED ", StringComparison.Ordinal);
            var to = header.IndexOf("SCO_JOB_TYPE ", StringComparison.Ordinal);
            var constants = Constants(header.Substring(from - 8, to - from), "SCO_JOB_");
            Assert.That(constants.Count, Is.EqualTo(10));
            Move(constants, "ENDED_AS_FAILED", "FAILED");
            constants.Add("UNKNOWN", -1);
            Assert.That(Members(typeof(JobStatus)), Is.EqualTo(constants));
        }

        [Test]
        public void TheOtherNumbersAreTheHeaders()
        {
            Assert.That(Members(typeof(BodyEncoding)), Is.EqualTo(Constants(header, "SCO_BODY_")));
            Assert.That(Members(typeof(IfExists)), Is.EqualTo(Constants(header, "SCO_IF_EXISTS_")));
        }

        [Test]
        public void TheFunctionsAreTheHeaders()
        {
            var functions = new Dictionary<string, Match>();
            var pattern = @"^(?<result>[\w ]+?\**)\s*\b(?<name>sco_\w+)\((?<parameters>[^)]*)\);";
            foreach (Match match in Regex.Matches(header, pattern, RegexOptions.Multiline))
            {
                functions.Add(match.Groups["name"].Value, match);
            }
            var methods = Internal("NativeMethods").GetMethods(BindingFlags.Static | BindingFlags.Public);
            Assert.That(methods.Select(method => method.Name).Concat(Unbound), Is.EquivalentTo(functions.Keys));
            foreach (var method in methods)
            {
                var function = functions[method.Name];
                Check(function.Groups["result"].Value, method.ReturnType, method.Name);
                var declared = function.Groups["parameters"].Value.Split(',').Select(text => text.Trim()).ToList();
                declared.Remove("void");
                var parameters = method.GetParameters();
                Assert.That(parameters.Length, Is.EqualTo(declared.Count), method.Name);
                for (var index = 0; index < parameters.Length; index++)
                {
                    var type = Regex.Replace(declared[index], @"\w+$", "");
                    Check(type, parameters[index].ParameterType, method.Name + ", " + declared[index]);
                }
            }
        }

        [Test]
        public void TheStructuresAreTheHeaders()
        {
            CheckStructure("sco_progress", "NativeProgress");
            CheckStructure("sco_request", "NativeRequest");
        }

        [Test]
        public void NothingElseIsPublic()
        {
            var names = typeof(SellercloudClient).Assembly.GetExportedTypes().Select(type => type.Name);
            Assert.That(names, Is.EquivalentTo(new[]
            {
                "BodyEncoding", "CallOptions", "IfExists", "JobOutput", "JobOutputInfo", "JobStatus", "OutputFile", "OutputFileInfo",
                "QueuedJob", "RequestRecord", "SellercloudClient", "SellercloudClientOptions", "SellercloudErrorKind",
                "SellercloudException", "TransferProgress",
            }));
        }

        private static SortedDictionary<string, int> Constants(string text, string prefix)
        {
            var constants = new SortedDictionary<string, int>();
            foreach (Match match in Regex.Matches(text, @"#define " + prefix + @"(\w+) (\d+)"))
            {
                constants.Add(match.Groups[1].Value, int.Parse(match.Groups[2].Value, CultureInfo.InvariantCulture));
            }
            constants.Remove("OK");
            return constants;
        }

        private static SortedDictionary<string, int> Members(Type type)
        {
            var members = new SortedDictionary<string, int>();
            foreach (var value in Enum.GetValues(type))
            {
                var name = Regex.Replace(value.ToString(), "(?<=[a-z])(?=[A-Z])", "_");
                members.Add(name.ToUpperInvariant(), (int)value);
            }
            return members;
        }

        private static void Move(SortedDictionary<string, int> constants, string from, string to)
        {
            constants.Add(to, constants[from]);
            constants.Remove(from);
        }

        private static Type Internal(string name)
        {
            return typeof(SellercloudClient).Assembly.GetType("SellercloudOutput." + name, throwOnError: true);
        }

        private static void Check(string declared, Type type, string where)
        {
            declared = declared.Replace("const ", "").Trim();
            if (Numbers.TryGetValue(declared, out var number))
            {
                Assert.That(type, Is.EqualTo(number), where);
                return;
            }
            if (declared.EndsWith("_fn", StringComparison.Ordinal))
            {
                Assert.That(typeof(Delegate).IsAssignableFrom(type), where);
                return;
            }
            Assert.That(declared.EndsWith("*", StringComparison.Ordinal), where);
            // A place for a result: a handle, or a number.
            var pointed = declared.Substring(0, declared.Length - 1).Trim();
            if (type.IsByRef)
            {
                var element = type.GetElementType();
                var isHandle = pointed.EndsWith("*", StringComparison.Ordinal)
                    && typeof(SafeHandle).IsAssignableFrom(element);
                Assert.That(isHandle || (Numbers.ContainsKey(pointed) && Numbers[pointed] == element), where);
                return;
            }
            Assert.That(type == typeof(IntPtr) || typeof(SafeHandle).IsAssignableFrom(type), where);
        }

        private void CheckStructure(string name, string internalName)
        {
            var body = Regex.Match(header, @"typedef struct \{([^}]*)\} " + name + ";").Groups[1].Value;
            var members = Regex.Matches(body, @"([\w ]+?\**)\s*(\w+);").Cast<Match>().ToList();
            var fields = Internal(internalName).GetFields();
            Assert.That(
                fields.Select(field => field.Name.ToLowerInvariant()),
                Is.EqualTo(members.Select(member => member.Groups[2].Value.Replace("_", ""))));
            for (var index = 0; index < fields.Length; index++)
            {
                Check(members[index].Groups[1].Value, fields[index].FieldType, fields[index].Name);
            }
        }
    }
}
