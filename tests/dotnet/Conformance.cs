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
    /// Answers the questions of the list that all languages answer: its records, each with its questions as they are
    /// and the answers that were observed.
    /// </summary>
    internal static class Conformance
    {
        private static void Main(string[] arguments)
        {
            var records = new List<string>();
            foreach (var record in File.ReadAllText(arguments[0]).Trim('\n').Split(
                new[] { "\n\n" }, StringSplitOptions.RemoveEmptyEntries))
            {
                records.Add(new Record(record.Split('\n')).Answer());
            }
            using (var output = Console.OpenStandardOutput())
            {
                var bytes = new UTF8Encoding(false).GetBytes(string.Join("\n", records));
                output.Write(bytes, 0, bytes.Length);
            }
        }

        private sealed class Record
        {
            private readonly Dictionary<string, string> questions = new Dictionary<string, string>();
            private readonly StringBuilder answer = new StringBuilder();

            public Record(string[] lines)
            {
                foreach (var line in lines)
                {
                    if (line.StartsWith(">", StringComparison.Ordinal))
                    {
                        continue;
                    }
                    answer.Append(line).Append('\n');
                    var colon = line.IndexOf(':');
                    questions.Add(line.Substring(0, colon), line.Substring(colon + 1).TrimStart(' '));
                }
            }

            public string Answer()
            {
                try
                {
                    Ask();
                }
                catch (SellercloudException exception)
                {
                    Tell(exception);
                }
                catch (OperationCanceledException exception)
                {
                    Tell((SellercloudException)exception.InnerException);
                }
                return answer.ToString();
            }

            private void Ask()
            {
                var call = Asked("call");
                if (call == "job_id")
                {
                    Tell("id", SellercloudClient.ParseJobId(Asked("job")));
                    return;
                }
                var job = Number("job").Value;
                var directory = Asked("directory");
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
                                Tell(file);
                            }
                            break;
                        case "save_output_file":
                            Tell(client.SaveOutputFile(job, directory, options, token), null);
                            break;
                        case "write_output_file":
                            using (var copy = new MemoryStream())
                            {
                                Tell(client.WriteOutputFile(job, copy, options, token), copy.ToArray());
                            }
                            break;
                        case "output_file_save":
                            using (var file = client.GetOutputFile(job, options, token))
                            {
                                Tell(file.Save(directory, options), null);
                            }
                            break;
                        case "get_job":
                            Tell(client.GetJob(job, options, token));
                            break;
                        case "wait_for_job":
                            Tell(client.WaitForJob(job, options, token));
                            break;
                        case "wait_for_output_file":
                            using (var output = client.WaitForOutputFile(job, options, token))
                            {
                                Tell(output.Job);
                                Tell(output.File);
                            }
                            break;
                        case "wait_and_save_output_file":
                            var saved = client.WaitAndSaveOutputFile(job, directory, options, token);
                            Tell(saved.Job);
                            Tell(saved.File, null);
                            break;
                        case "wait_and_write_output_file":
                            using (var copy = new MemoryStream())
                            {
                                var copied = client.WaitAndWriteOutputFile(job, copy, options, token);
                                Tell(copied.Job);
                                Tell(copied.File, copy.ToArray());
                            }
                            break;
                        default:
                            throw new InvalidDataException("no such call: " + call);
                    }
                }
            }

            private SellercloudClientOptions ClientOptions()
            {
                // A team is in place of a server.
                var server = Asked("team") == null ? Environment.GetEnvironmentVariable("STAND_IN") : null;
                var options = new SellercloudClientOptions
                {
                    Server = Asked("server") ?? server,
                    Token = Asked("token"),
                    UserName = Asked("user"),
                    Password = Asked("password"),
                    Team = Asked("team"),
                    TeamLookupUrl = Asked("team_directory"),
                    BodyEncoding = (BodyEncoding)(Number("body_encoding") ?? 0),
                    MaxFileSize = Number("max_size"),
                    Attempts = (int)(Number("attempts") ?? 1),
                    AllowPlainHttp = Number("allow_plain_http") == 1,
                    RetryServerErrors = Number("retry_server_errors") == 1,
                    Proxy = Asked("proxy"),
                    InitialBackoff = TimeSpan.FromMilliseconds(1),
                    MaxBackoff = TimeSpan.FromMilliseconds(10),
                };
                if (options.Token == null && options.UserName == null && Number("no_token") != 1)
                {
                    options.Token = Environment.GetEnvironmentVariable("STAND_IN_TOKEN");
                }
                if (Asked("ca") != null)
                {
                    options.CaCertificates = File.ReadAllText(Asked("ca"));
                }
                return options;
            }

            private CallOptions CallOptions()
            {
                var options = new CallOptions
                {
                    FileName = Asked("file_name"),
                    IfExists = (IfExists)(Number("if_exists") ?? 0),
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

            private string Asked(string key)
            {
                return questions.TryGetValue(key, out var value) ? value : null;
            }

            private long? Number(string key)
            {
                var value = Asked(key);
                return value == null ? (long?)null : long.Parse(value, CultureInfo.InvariantCulture);
            }

            private void Tell(string key, object value)
            {
                if (value is bool)
                {
                    value = (bool)value ? 1 : 0;
                }
                if (value != null)
                {
                    var text = Convert.ToString(value, CultureInfo.InvariantCulture);
                    text = text.Replace("\r", "\\r").Replace("\n", "\\n");
                    answer.Append("> ").Append(key).Append(": ").Append(text).Append('\n');
                }
            }

            private void Tell(OutputFile file)
            {
                Tell("name", file.Name);
                Tell("name_is_made_up", file.IsFallbackName);
                Tell("content_type", file.ContentType);
                Tell("length", file.Length);
                TellBytes(file.ToArray());
            }

            /// <summary>Reads the bytes back where there are none.</summary>
            private void Tell(OutputFileInfo info, byte[] bytes)
            {
                Tell("name", info.Name);
                Tell("name_is_made_up", info.IsFallbackName);
                Tell("content_type", info.ContentType);
                Tell("length", info.Length);
                TellBytes(bytes ?? File.ReadAllBytes(info.Path));
                Tell("path", info.Path);
            }

            private void TellBytes(byte[] bytes)
            {
                var sample = Asked("sample");
                if (sample != null)
                {
                    var isEqual = bytes.AsSpan().SequenceEqual(File.ReadAllBytes(sample));
                    Tell("bytes", isEqual ? "equal" : "different");
                }
            }

            private void Tell(QueuedJob job)
            {
                Tell("id", job.Id);
                Tell("status", (int)job.Status);
                Tell("status_name", job.StatusName);
                Tell("is_final", job.IsFinal);
                var texts = new[]
                {
                    job.JobType, job.CompanyName, job.ErrorMessage, job.SubmittedOn, job.StartedOn, job.CompletedOn,
                    job.OutputFileName, job.InputFileName,
                };
                for (var field = 0; field < texts.Length; field++)
                {
                    Tell("text " + field, texts[field]);
                }
                var numbers = new[]
                {
                    job.CompanyId, job.Priority, job.TotalRecords, job.TotalProcessed, job.TotalSucceeded,
                    job.TotalFailed, job.TotalPhases, job.CurrentPhase, job.TotalItemsInPhase,
                    job.TotalProcessedInPhase,
                };
                for (var field = 0; field < numbers.Length; field++)
                {
                    Tell("number " + field, numbers[field]);
                }
            }

            private void Tell(SellercloudException error)
            {
                Tell("kind", (int)error.Kind);
                Tell("message", error.Message);
                Tell("http_status", error.HttpStatus);
                Tell("attempts", error.Attempts);
                Tell("retry_may_help", error.IsRetryable);
                Tell("retry_after_ms", (long?)error.RetryAfter?.TotalMilliseconds);
                Tell("os_error", error.OSErrorCode);
                if (error.Job != null)
                {
                    Tell(error.Job);
                }
                foreach (var line in error.JobLog)
                {
                    Tell("log_line", line);
                }
            }
        }
    }
}
