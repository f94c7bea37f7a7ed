using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Xml.Linq;
using NUnit.Framework;
using SellercloudOutput;

namespace SellercloudOutputTests
{
    /// <summary>
    /// Checks the documentation file beside the assembly. The compiler reports members without any documentation;
    /// these tests also find empty and missing parts.
    /// </summary>
    [TestFixture]
    public class DocumentationTests
    {
        private const BindingFlags PublicMembers =
            BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

        private Dictionary<string, XElement> documentation;

        [SetUp]
        public void SetUp()
        {
            var path = Path.ChangeExtension(typeof(SellercloudClient).Assembly.Location, ".xml");
            documentation = XDocument.Load(path).Descendants("member").ToDictionary(
                member => member.Attribute("name").Value);
        }

        [Test]
        public void Types_EachPublicType_HasASummary()
        {
            foreach (var type in typeof(SellercloudClient).Assembly.GetExportedTypes())
            {
                CheckText("T:" + type.FullName, "summary");
                foreach (var field in type.GetFields(PublicMembers).Where(field => !field.IsSpecialName))
                {
                    CheckText("F:" + type.FullName + "." + field.Name, "summary");
                }
                foreach (var property in type.GetProperties(PublicMembers))
                {
                    var id = "P:" + type.FullName + "." + property.Name;
                    var summary = CheckText(id, "summary");
                    var start = property.GetSetMethod() != null ? "Gets or sets " : "Gets ";
                    Assert.That(summary.StartsWith(start, StringComparison.Ordinal), id);
                }
            }
        }

        [Test]
        public void Methods_EachPublicMethod_DocumentsParametersAndResult()
        {
            var count = 0;
            foreach (var type in typeof(SellercloudClient).Assembly.GetExportedTypes())
            {
                var methods = type.GetMethods(PublicMembers).Where(method => !method.IsSpecialName);
                foreach (var method in methods.Cast<MethodBase>().Concat(type.GetConstructors(PublicMembers)))
                {
                    var parameters = method.GetParameters();
                    var id = "M:" + type.FullName + "." + method.Name.Replace('.', '#');
                    if (parameters.Length > 0)
                    {
                        var types = parameters.Select(parameter => parameter.ParameterType.FullName);
                        id += "(" + string.Join(",", types) + ")";
                    }
                    CheckText(id, "summary");
                    var names = documentation[id].Elements("param").Where(HasText).Select(
                        element => element.Attribute("name").Value);
                    Assert.That(names, Is.EqualTo(parameters.Select(parameter => parameter.Name)), id);
                    if (method is MethodInfo function && function.ReturnType != typeof(void))
                    {
                        CheckText(id, "returns");
                    }
                    count++;
                }
            }
            Assert.That(count, Is.GreaterThan(20));
        }

        private static bool HasText(XElement element)
        {
            return element != null && element.Value.Trim().Length > 0;
        }

        private string CheckText(string id, string tag)
        {
            Assert.That(documentation.ContainsKey(id), id + " has no documentation.");
            var element = documentation[id].Element(tag);
            Assert.That(HasText(element), id + " has no " + tag + ".");
            return element.Value.Trim();
        }
    }
}
