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
    /// <summary>Compares the binding's declarations with the C header.</summary>
    [TestFixture]
    public class HeaderTests
    {
        // The binding does not need the first four functions. A CancellationToken, which any thread may cancel,
        // replaces the interrupt callback, and a call returns its error's kind as its status. It has no methods yet
        // for the others, which open downloads, wait by steps, or decode into memory of the caller.
        private static readonly string[] UnboundFunctions =
        {
            "sco_call_options_set_interrupt", "sco_cancel_token_is_cancelled", "sco_error_kind", "sco_status_string",
            "sco_call_options_set_total_timeout_ms", "sco_get_output_file_into", "sco_wait_for_output_file_into",
            "sco_open_output_file", "sco_wait_and_open_output_file", "sco_output_file_download_name",
            "sco_output_file_download_is_fallback_name", "sco_output_file_download_content_type",
            "sco_output_file_download_size", "sco_output_file_download_read", "sco_output_file_download_free",
            "sco_start_job_wait", "sco_job_wait_step", "sco_job_wait_free",
        };

        private static readonly Dictionary<string, Type> ManagedTypes = new Dictionary<string, Type>
        {
            { "int32_t", typeof(int) },
            { "uint32_t", typeof(uint) },
            { "int64_t", typeof(long) },
            { "uint64_t", typeof(ulong) },
            { "size_t", typeof(UIntPtr) },
            { "double", typeof(double) },
            { "void", typeof(void) },
            // Enumerations have 4 bytes in C.
            { "sco_status", typeof(int) },
            { "sco_job_status_code", typeof(int) },
            { "sco_job_text_field", typeof(int) },
            { "sco_job_number_field", typeof(int) },
            { "sco_body_encoding", typeof(int) },
            { "sco_if_exists", typeof(int) },
        };

        private static readonly Dictionary<string, string> Callbacks = new Dictionary<string, string>
        {
            { "sco_token_callback", "TokenCallback" },
            { "sco_request_callback", "RequestCallback" },
            { "sco_write_callback", "WriteCallback" },
            { "sco_progress_callback", "ProgressCallback" },
        };

        private string header;

        [SetUp]
        public void SetUp()
        {
            var text = File.ReadAllText(Support.Variable("HEADER"));
            header = Regex.Replace(text, @"/\*.*?\*/|//[^\n]*", "", RegexOptions.Singleline);
        }

        [Test]
        public void Enumerations_EachMember_HasTheNumberOfTheHeader()
        {
            CheckEnumeration("SCO_ERROR_", typeof(SellercloudErrorKind), 16);
            CheckEnumeration("SCO_JOB_STATUS_", typeof(JobStatus), 11);
            CheckEnumeration("SCO_JOB_TEXT_", Internal("JobTextField"), 8);
            CheckEnumeration("SCO_JOB_NUMBER_", Internal("JobNumberField"), 10);
            CheckEnumeration("SCO_BODY_", typeof(BodyEncoding), 3);
            CheckEnumeration("SCO_IF_EXISTS_", typeof(IfExists), 3);
        }

        [Test]
        public void Functions_EachSignature_MatchesTheHeader()
        {
            var functions = new Dictionary<string, Match>();
            var pattern = @"^(?<result>[\w ]+?\**)\s*\b(?<name>sco_\w+)\((?<parameters>[^)]*)\)[^;{}()]*;";
            foreach (Match match in Regex.Matches(header, pattern, RegexOptions.Multiline))
            {
                functions.Add(match.Groups["name"].Value, match);
            }
            var methods = Internal("NativeMethods").GetMethods(BindingFlags.Static | BindingFlags.Public);
            Assert.That(
                methods.Select(method => method.Name).Concat(UnboundFunctions), Is.EquivalentTo(functions.Keys));
            foreach (var method in methods)
            {
                CheckSignature(functions[method.Name], method, method.Name);
            }
        }

        [Test]
        public void Callbacks_EachSignature_MatchesTheHeader()
        {
            foreach (var callback in Callbacks)
            {
                var pattern = @"typedef (?<result>[\w ]+?\**)\s*\(\*" + callback.Key + @"\)\((?<parameters>[^)]*)\);";
                var match = Regex.Match(header, pattern);
                Assert.That(match.Success, callback.Key);
                CheckSignature(match, Internal(callback.Value).GetMethod("Invoke"), callback.Key);
            }
        }

        [Test]
        public void Structures_EachField_MatchesTheHeader()
        {
            CheckStructure("sco_progress", "NativeProgress");
            CheckStructure("sco_request_record", "NativeRequestRecord");
        }

        [Test]
        public void Assembly_PublicTypes_AreExactlyTheIntended()
        {
            var names = typeof(SellercloudClient).Assembly.GetExportedTypes().Select(type => type.Name);
            Assert.That(names, Is.EquivalentTo(new[]
            {
                "BodyEncoding", "CallOptions", "IfExists", "JobOutput", "JobOutputInfo", "JobStatus", "OutputFile",
                "OutputFileInfo", "QueuedJob", "RequestRecord", "SellercloudClient", "SellercloudClientOptions",
                "SellercloudErrorKind", "SellercloudException", "TransferProgress",
            }));
        }

        private static Type Internal(string name)
        {
            return typeof(SellercloudClient).Assembly.GetType("SellercloudOutput." + name, throwOnError: true);
        }

        private static void CheckSignature(Match declaration, MethodInfo method, string name)
        {
            CheckType(declaration.Groups["result"].Value, method.ReturnType, name);
            var declared = declaration.Groups["parameters"].Value.Split(',').Select(text => text.Trim()).ToList();
            declared.Remove("void");
            var parameters = method.GetParameters();
            Assert.That(parameters.Length, Is.EqualTo(declared.Count), name);
            for (var index = 0; index < parameters.Length; index++)
            {
                var type = Regex.Replace(declared[index], @"\w+$", "");
                CheckType(type, parameters[index].ParameterType, name + ", " + declared[index]);
            }
        }

        private static void CheckType(string declared, Type type, string where)
        {
            // Attribute macros such as SCO_API, and keywords that do not change the size.
            declared = Regex.Replace(declared, @"\b(SCO_[A-Z0-9_]+|const|enum|struct|extern)\b", "").Trim();
            if (ManagedTypes.TryGetValue(declared, out var managed))
            {
                Assert.That(type, Is.EqualTo(managed), where);
                return;
            }
            if (Callbacks.TryGetValue(declared, out var callback))
            {
                Assert.That(type, Is.EqualTo(Internal(callback)), where);
                return;
            }
            Assert.That(declared.EndsWith("*", StringComparison.Ordinal), where + ": unknown type " + declared);
            var target = declared.Substring(0, declared.Length - 1).Trim();
            if (type.IsByRef)
            {
                // An out parameter: a handle or a number.
                var element = type.GetElementType();
                var isHandle = target.EndsWith("*", StringComparison.Ordinal)
                    && typeof(SafeHandle).IsAssignableFrom(element);
                Assert.That(isHandle || (ManagedTypes.TryGetValue(target, out var number) && number == element), where);
                return;
            }
            Assert.That(
                type == typeof(IntPtr) || type.IsPointer || typeof(SafeHandle).IsAssignableFrom(type), where);
        }

        private void CheckEnumeration(string prefix, Type type, int count)
        {
            var constants = new SortedDictionary<string, int>();
            foreach (Match match in Regex.Matches(header, @"\b" + prefix + @"(\w+)\s*=\s*(-?\d+)"))
            {
                // .NET spells "canceled", and C "cancelled".
                var name = match.Groups[1].Value.Replace("CANCELLED", "CANCELED");
                constants.Add(name, int.Parse(match.Groups[2].Value, CultureInfo.InvariantCulture));
            }
            var members = new SortedDictionary<string, int>();
            foreach (var value in Enum.GetValues(type))
            {
                var name = Regex.Replace(value.ToString(), "(?<=[a-z])(?=[A-Z])", "_");
                members.Add(name.ToUpperInvariant(), (int)value);
            }
            Assert.That(constants.Count, Is.EqualTo(count), prefix);
            Assert.That(members, Is.EqualTo(constants), prefix);
        }

        private void CheckStructure(string name, string managedName)
        {
            var body = Regex.Match(header, @"typedef struct(?: \w+)? \{([^}]*)\} " + name + ";").Groups[1].Value;
            var members = Regex.Matches(body, @"([\w ]+?\**)\s*(\w+);").Cast<Match>().ToList();
            Assert.That(members, Is.Not.Empty, name);
            var fields = Internal(managedName).GetFields();
            Assert.That(
                fields.Select(field => field.Name.ToLowerInvariant()),
                Is.EqualTo(members.Select(member => member.Groups[2].Value.Replace("_", ""))));
            for (var index = 0; index < fields.Length; index++)
            {
                CheckType(members[index].Groups[1].Value, fields[index].FieldType, name + ", " + fields[index].Name);
            }
        }
    }
}
