using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Text;
using System.Threading;
using SellercloudOutput;

namespace SellercloudOutputTests
{
    /// <summary>
    /// Makes the calls of the list that all languages share, and prints the list with the observed results. See
    /// tests/conformance/README.md.
    /// </summary>
    internal static class Conformance
    {
        private static void Main(string[] arguments)
        {
            var records = new List<string>();
            foreach (var record in File.ReadAllText(arguments[0]).Trim('\n').Split(
                new[] { "\n\n" }, StringSplitOptions.RemoveEmptyEntries))
            {
                records.Add(new Record(record.Split('\n')).Run());
            }
            using (var output = Console.OpenStandardOutput())
            {
                var bytes = new UTF8Encoding(false).GetBytes(string.Join("\n", records));
                output.Write(bytes, 0, bytes.Length);
            }
        }

        private sealed class Record
        {
            private readonly Dictionary<string, string> inputs = new Dictionary<string, string>();
            private readonly StringBuilder output = new StringBuilder();

            public Record(string[] lines)
            {
                foreach (var line in lines)
                {
                    if (line.StartsWith(">", StringComparison.Ordinal))
                    {
                        continue;
                    }
                    output.Append(line).Append('\n');
                    var colon = line.IndexOf(':');
                    inputs.Add(line.Substring(0, colon), line.Substring(colon + 1).TrimStart(' '));
                }
            }

            public string Run()
            {
                try
                {
                    MakeCall();
                }
                catch (SellercloudException exception)
                {
                    Print(exception);
                }
                catch (OperationCanceledException exception)
                {
                    Print((SellercloudException)exception.InnerException);
                }
                return output.ToString();
            }

            private void MakeCall()
            {
                var call = Input("call");
                if (call == "parse_job_id")
                {
                    Print("id", SellercloudClient.ParseJobId(Input("job")));
                    return;
                }
                var job = Number("job").Value;
                var directory = Input("directory");
                var options = CallOptions();
                using (var cancellation = new CancellationTokenSource())
                using (var client = new SellercloudClient(ClientOptions()))
                {
                    if (Number("cancelled") == 1)
                    {
                        cancellation.Cancel();
                    }
                    var token = cancellation.Token;
                    switch (call)
                    {
                        case "get_output_file":
                            using (var file = client.GetOutputFile(job, options, token))
                            {
                                Print(file);
                            }
                            break;
                        case "save_output_file":
                            Print(client.SaveOutputFile(job, directory, options, token), null);
                            break;
                        case "write_output_file":
                            using (var copy = new MemoryStream())
                            {
                                Print(client.WriteOutputFile(job, copy, options, token), copy.ToArray());
                            }
                            break;
                        case "output_file_save":
                            using (var file = client.GetOutputFile(job, options, token))
                            {
                                Print(file.Save(directory, options), null);
                            }
                            break;
                        case "get_job":
                            Print(client.GetJob(job, options, token));
                            break;
                        case "wait_for_job":
                            Print(client.WaitForJob(job, options, token));
                            break;
                        case "wait_for_output_file":
                            using (var result = client.WaitForOutputFile(job, options, token))
                            {
                                Print(result.Job);
                                Print(result.File);
                            }
                            break;
                        case "wait_and_save_output_file":
                            var saved = client.WaitAndSaveOutputFile(job, directory, options, token);
                            Print(saved.Job);
                            Print(saved.File, null);
                            break;
                        case "wait_and_write_output_file":
                            using (var copy = new MemoryStream())
                            {
                                var copied = client.WaitAndWriteOutputFile(job, copy, options, token);
                                Print(copied.Job);
                                Print(copied.File, copy.ToArray());
                            }
                            break;
                        default:
                            throw new InvalidDataException("The list contains an unknown call: " + call);
                    }
                }
            }

            private SellercloudClientOptions ClientOptions()
            {
                // A team replaces the server.
                var server = Input("team") == null ? Environment.GetEnvironmentVariable("MOCK_SERVER") : null;
                var options = new SellercloudClientOptions
                {
                    Server = Input("server") ?? server,
                    Token = Input("token"),
                    UserName = Input("user_name"),
                    Password = Input("password"),
                    Team = Input("team"),
                    TeamLookupUrl = Input("team_lookup_url"),
                    BodyEncoding = (BodyEncoding)(Number("body_encoding") ?? (long)BodyEncoding.Base64),
                    MaxFileSize = Number("max_file_size"),
                    MaxAttempts = (int)(Number("max_attempts") ?? 1),
                    AllowPlainHttp = Number("allow_plain_http") == 1,
                    RetryServerErrors = Number("retry_server_errors") == 1,
                    Proxy = Input("proxy"),
                    UserAgentSuffix = Input("user_agent_suffix"),
                    InitialBackoff = TimeSpan.FromMilliseconds(1),
                    MaxBackoff = TimeSpan.FromMilliseconds(10),
                };
                if (options.Token == null && options.UserName == null && Number("no_token") != 1)
                {
                    options.Token = Environment.GetEnvironmentVariable("MOCK_SERVER_TOKEN");
                }
                if (Input("ca") != null)
                {
                    options.CaCertificates = File.ReadAllText(Input("ca"));
                }
                return options;
            }

            private CallOptions CallOptions()
            {
                var options = new CallOptions
                {
                    FileName = Input("file_name"),
                    IfExists = (IfExists)(Number("if_exists") ?? (long)IfExists.Fail),
                    WaitInitialInterval = TimeSpan.FromMilliseconds(1),
                    WaitMaxInterval = TimeSpan.FromMilliseconds(5),
                    WaitGrace = TimeSpan.FromMilliseconds(50),
                    FailOnHold = Number("fail_on_hold") != 0,
                };
                if (Number("timeout") != null)
                {
                    options.Timeout = TimeSpan.FromMilliseconds(Number("timeout").Value);
                }
                return options;
            }

            private string Input(string key)
            {
                return inputs.TryGetValue(key, out var value) ? value : null;
            }

            private long? Number(string key)
            {
                var value = Input(key);
                return value == null ? (long?)null : long.Parse(value, CultureInfo.InvariantCulture);
            }

            private void Print(string key, object value)
            {
                if (value is bool)
                {
                    value = (bool)value ? 1 : 0;
                }
                if (value != null)
                {
                    var text = Convert.ToString(value, CultureInfo.InvariantCulture);
                    text = text.Replace("\r", "\\r").Replace("\n", "\\n");
                    output.Append("> ").Append(key).Append(": ").Append(text).Append('\n');
                }
            }

            private void Print(OutputFile file)
            {
                Print("name", file.Name);
                Print("is_fallback_name", file.IsFallbackName);
                Print("content_type", file.ContentType);
                Print("size", file.Length);
                PrintBytes(file.ToArray());
            }

            /// <summary>Reads the bytes from the saved file if they are not passed in.</summary>
            private void Print(OutputFileInfo info, byte[] bytes)
            {
                Print("name", info.Name);
                Print("is_fallback_name", info.IsFallbackName);
                Print("content_type", info.ContentType);
                Print("size", info.Length);
                PrintBytes(bytes ?? File.ReadAllBytes(info.Path));
                Print("path", info.Path);
            }

            private void PrintBytes(byte[] bytes)
            {
                var sample = Input("sample");
                if (sample != null)
                {
                    var isEqual = bytes.AsSpan().SequenceEqual(File.ReadAllBytes(sample));
                    Print("bytes", isEqual ? "equal" : "different");
                }
            }

            private void Print(QueuedJob job)
            {
                Print("id", job.Id);
                Print("status", (int)job.Status);
                Print("status_name", job.StatusName);
                Print("is_final", job.IsFinal);
                var texts = new[]
                {
                    job.JobType, job.CompanyName, job.ErrorMessage, job.SubmittedOn, job.StartedOn, job.CompletedOn,
                    job.OutputFileName, job.InputFileName,
                };
                for (var field = 0; field < texts.Length; field++)
                {
                    Print("text " + (201 + field), texts[field]);
                }
                var numbers = new[]
                {
                    job.CompanyId, job.Priority, job.TotalRecords, job.TotalProcessed, job.TotalSucceeded,
                    job.TotalFailed, job.TotalPhases, job.CurrentPhase, job.TotalItemsInPhase,
                    job.TotalProcessedInPhase,
                };
                for (var field = 0; field < numbers.Length; field++)
                {
                    Print("number " + (301 + field), numbers[field]);
                }
            }

            private void Print(SellercloudException error)
            {
                Print("kind", (int)error.Kind);
                Print("message", error.Message);
                Print("http_status", error.HttpStatus);
                Print("attempts", error.Attempts);
                Print("is_retryable", error.IsRetryable);
                Print("retry_after_ms", (long?)error.RetryAfter?.TotalMilliseconds);
                Print("os_error", error.OSErrorCode);
                Print("job_id", error.JobId);
                if (error.Job != null)
                {
                    Print(error.Job);
                }
                foreach (var line in error.JobLog)
                {
                    Print("job_log_line", line);
                }
            }
        }
    }
}
