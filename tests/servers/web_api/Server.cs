// Serves the requests for queued jobs with ASP.NET Web API on Mono's HttpListener. The framework
// formats every value, error and header. The actions only select one by the job's id.
//
// Arguments: the table of names (names.tsv) and the file for the request log. Prints its port.
// Exits when its standard input ends.
using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Http;
using System.Net.Http.Formatting;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Reflection;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using System.Web.Http;
using System.Web.Http.ModelBinding;

public static class Program
{
    public static void Main(string[] arguments)
    {
        Names.Read(arguments[0]);
        // A body without end occupies a thread, and the pool grows slowly.
        ThreadPool.SetMinThreads(64, 64);
        var log = new RequestLog(arguments[1]);
        var configuration = new HttpConfiguration();
        configuration.IncludeErrorDetailPolicy = IncludeErrorDetailPolicy.Always;
        configuration.MessageHandlers.Add(new RequireToken());
        var routes = configuration.Routes;
        routes.MapHttpRoute("token", "{site}/api/token", new { controller = "Token" });
        routes.MapHttpRoute("query only", "query-only/api/QueuedJobs/OutputFile",
            new { controller = "QueuedJobs", action = "OutputFile" });
        routes.MapHttpRoute("post only", "post-only/api/QueuedJobs/OutputFile/{id}",
            new { controller = "QueuedJobs", action = "Post", id = RouteParameter.Optional });
        routes.MapHttpRoute("small ids", "small-ids/api/QueuedJobs/OutputFile/{id}",
            new { controller = "QueuedJobs", action = "SmallId", id = RouteParameter.Optional });
        routes.MapHttpRoute("file", "rest/api/QueuedJobs/OutputFile/{id}",
            new { controller = "QueuedJobs", action = "OutputFile", id = RouteParameter.Optional });
        routes.MapHttpRoute("logs", "rest/api/QueuedJobs/{id}/Logs",
            new { controller = "QueuedJobs", action = "Logs" });
        routes.MapHttpRoute("job", "rest/api/QueuedJobs/{id}",
            new { controller = "QueuedJobs", action = "Job" });

        var client = new HttpMessageInvoker(new HttpServer(configuration));
        int port;
        var listener = Listen(out port);
        Console.WriteLine(port);
        new Thread(() => { while (Console.In.Read() >= 0) { } Environment.Exit(0); }).Start();
        while (true)
        {
            var context = listener.GetContext();
            Task.Run(() => Bridge.Serve(context, client, log));
        }
    }

    /// <summary>Starts a listener on a free port of 127.0.0.1.</summary>
    static HttpListener Listen(out int port)
    {
        while (true)
        {
            var probe = new TcpListener(IPAddress.Loopback, 0);
            probe.Start();
            port = ((IPEndPoint)probe.LocalEndpoint).Port;
            probe.Stop();
            var listener = new HttpListener();
            // Every host name, because proxies pass on the host of the URL.
            listener.Prefixes.Add("http://*:" + port + "/");
            try
            {
                listener.Start();
                return listener;
            }
            catch (SocketException)
            {
                // Another process took the port first.
            }
        }
    }
}

/// <summary>A log with a line for each request: method, path and query, client port, token.</summary>
public sealed class RequestLog
{
    readonly StreamWriter writer;

    public RequestLog(string path) { writer = new StreamWriter(path) { AutoFlush = true }; }

    public void Add(HttpListenerRequest request)
    {
        var token = (request.Headers["Authorization"] ?? "-").Replace("Bearer ", "");
        var line = string.Join(" ", request.HttpMethod, request.RawUrl, request.RemoteEndPoint.Port, token);
        lock (writer) writer.WriteLine(line);
    }
}

/// <summary>Passes the listener's requests to Web API's HttpServer, and its responses back.</summary>
static class Bridge
{
    public static async Task Serve(HttpListenerContext context, HttpMessageInvoker server, RequestLog log)
    {
        try
        {
            log.Add(context.Request);
            var request = new HttpRequestMessage(new HttpMethod(context.Request.HttpMethod), context.Request.Url);
            request.Content = new StreamContent(context.Request.InputStream);
            foreach (string name in context.Request.Headers)
            {
                var value = context.Request.Headers[name];
                if (!request.Headers.TryAddWithoutValidation(name, value))
                    request.Content.Headers.TryAddWithoutValidation(name, value);
            }
            using (var response = await server.SendAsync(request, CancellationToken.None))
                await Send(response, context.Response);
        }
        catch (Exception)
        {
            // The client closed the connection, or the action ended it on purpose.
            Break(context);
        }
    }

    /// <summary>Ends the connection before Abort(), which would write the end of a chunked body.</summary>
    static void Break(HttpListenerContext context)
    {
        const BindingFlags Hidden = BindingFlags.Instance | BindingFlags.NonPublic;
        try
        {
            var connection = typeof(HttpListenerContext).GetField("cnc", Hidden).GetValue(context);
            var socket = (Socket)connection.GetType().GetField("sock", Hidden).GetValue(connection);
            // Not closed: the listener still uses the descriptor, which would belong to another
            // connection.
            if (socket != null) socket.Shutdown(SocketShutdown.Both);
            context.Response.Abort();
        }
        catch (Exception)
        {
            // The connection has ended already.
        }
    }

    static async Task Send(HttpResponseMessage message, HttpListenerResponse response)
    {
        response.StatusCode = (int)message.StatusCode;
        response.StatusDescription = message.ReasonPhrase;
        IEnumerable<KeyValuePair<string, IEnumerable<string>>> headers = message.Headers;
        long? length = 0;
        if (message.Content != null)
        {
            length = message.Headers.TransferEncodingChunked == true ? null : message.Content.Headers.ContentLength;
            headers = headers.Concat(message.Content.Headers);
        }
        foreach (var header in headers)
        {
            if (header.Key == "Content-Length" || header.Key == "Transfer-Encoding") continue;
            foreach (var value in header.Value) response.Headers.Add(header.Key, value);
        }
        if (length.HasValue) response.ContentLength64 = length.Value;
        else response.SendChunked = true;
        if (message.Content != null) await message.Content.CopyToAsync(response.OutputStream);
        response.OutputStream.Close();
    }
}

/// <summary>The issued tokens, and the number of calls for which each is still valid.</summary>
static class Tokens
{
    static readonly ConcurrentDictionary<string, int> Left = new ConcurrentDictionary<string, int>();
    static int issued;

    public static string Issue(string user, int calls)
    {
        var token = "issued-" + user + "-" + Interlocked.Increment(ref issued);
        Left[token] = calls;
        return token;
    }

    /// <summary>Tests choose tokens that begin with "valid".</summary>
    public static bool Accept(string token)
    {
        if (token == null) return false;
        if (token.StartsWith("valid")) return true;
        return Left.ContainsKey(token) && Left.AddOrUpdate(token, 0, (_, left) => left - 1) >= 0;
    }
}

class RequireToken : DelegatingHandler
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancel)
    {
        var authorization = request.Headers.Authorization;
        var isLogin = request.RequestUri.AbsolutePath.EndsWith("/api/token");
        // Slower than nginx's timeout.
        if (request.RequestUri.AbsolutePath.EndsWith("/317")) await Task.Delay(10000);
        if (isLogin || Tokens.Accept(authorization == null ? null : authorization.Parameter))
            return await base.SendAsync(request, cancel);
        return request.CreateResponse(HttpStatusCode.Unauthorized, "Not Valid Token");
    }
}

public class LoginModel
{
    public string Username { get; set; }
    public string Password { get; set; }
}

public class TokenController : ApiController
{
    public HttpResponseMessage Post(LoginModel login)
    {
        if (login == null || login.Username == null)
        {
            ModelState.AddModelError("Username", "The Username field is required.");
            return Request.CreateErrorResponse(HttpStatusCode.BadRequest, ModelState);
        }
        if (login.Password != "correct horse")
            return Request.CreateErrorResponse(HttpStatusCode.Unauthorized, "Invalid username or password.");
        var calls = login.Username == "one-call" ? 1 : 1000000;
        return Request.CreateResponse(HttpStatusCode.OK, new Dictionary<string, object> {
            { "access_token", Tokens.Issue(login.Username, calls) },
            { "token_type", "Bearer" },
            { "username", login.Username },
            { "expires_in", 3599.9999 },
            { ".issued", DateTime.UtcNow },
            { ".expires", DateTime.UtcNow.AddHours(1) },
        });
    }
}

public class FileResponse
{
    public string FileName { get; set; }
    public byte[] Content { get; set; }
}

public class TextFileResponse
{
    public string FileName { get; set; }
    public string Content { get; set; }
}

public class RateLimit
{
    public string Error { get { return "Too many requests."; } }
    public DateTime RateLimitResetTime { get; set; }
}

public class QueuedJobsController : ApiController
{
    static readonly ConcurrentDictionary<string, bool> Seen = new ConcurrentDictionary<string, bool>();

    bool IsFirst(int id) { return Seen.TryAdd(Request.Headers.Authorization.Parameter + " " + id, true); }

    [HttpGet]
    public HttpResponseMessage OutputFile(int id)
    {
        var file = TestFile.Bytes;
        var base64 = Convert.ToBase64String(file);
        if (id >= Names.FirstId) return Named(Text(base64), id);
        switch (id)
        {
            // Files
            case 101: return WithName(Text(base64));
            case 102: return WithName(Text(Convert.ToBase64String(file, Base64FormattingOptions.InsertLineBreaks)));
            case 103: return WithName(Request.CreateResponse(HttpStatusCode.OK, base64));
            case 104: return WithName(Request.CreateResponse(HttpStatusCode.OK, base64, EscapingFormatter()));
            case 105: return Request.CreateResponse(HttpStatusCode.OK,
                new FileResponse { FileName = "orders.csv", Content = file });
            case 106: return Request.CreateResponse(HttpStatusCode.OK,
                new TextFileResponse { FileName = "orders.csv", Content = base64 }, EscapingFormatter());
            case 107: return WithName(Request.CreateResponse(HttpStatusCode.OK, file));
            case 108: return WithName(Bytes(file));
            case 109: return WithName(Pushed(stream => stream.Write(file, 0, file.Length)));
            case 110: return WithName(Text(""));
            case 111: return WithName(Pushed(stream =>
            {
                using (var writer = new StreamWriter(stream, new UTF8Encoding(true))) writer.Write(base64);
            }));
            case 112: return WithName(Bytes(new byte[0]));
            case 113: return Request.CreateResponse(HttpStatusCode.OK,
                new FileResponse { FileName = "orders.csv", Content = new byte[0] });
            // Responses without a file
            case 120: return Request.CreateResponse<string>(HttpStatusCode.OK, null);
            case 121: return Request.CreateResponse(HttpStatusCode.NoContent);
            case 122: return Request.CreateResponse(HttpStatusCode.OK, new FileResponse { FileName = "orders.csv" });
            case 123: return Request.CreateResponse(HttpStatusCode.OK, base64, new XmlMediaTypeFormatter());
            case 124: return Text("Job is still processing");
            case 125: return Request.CreateResponse(HttpStatusCode.OK, false);
            case 126: return Text("");
            case 127: return Request.CreateResponse(HttpStatusCode.OK, "File not found");
            case 128: return Request.CreateResponse(HttpStatusCode.OK, new string[0]);
            case 129: return WithName(Text(TestFile.Customers));
            // Large files
            case 201: return WithName(Pushed(stream => stream.Write(TestFile.LargeBase64, 0, TestFile.LargeBase64.Length)));
            case 202: return WithName(Bytes(TestFile.LargeBase64));
            // Truncated responses
            case 203: return WithName(Pushed(BreakOff));
            case 204: return WithName(Pushed(BreakOff, 1000000));
            case 205: return WithName(Pushed(WithoutEnd));
            case 206: return WithName(Pushed(WithoutEnd, 1000000000));
            // Errors
            case 301: return Failed(new InvalidOperationException("Could not find or load record with ID 301!"));
            case 302: return Request.CreateErrorResponse(HttpStatusCode.InternalServerError, "An error has occurred.");
            case 303: return Request.CreateErrorResponse(HttpStatusCode.NotFound, "The job has no output file.");
            case 304: return Request.CreateErrorResponse(HttpStatusCode.Forbidden, "Access to queued jobs is denied.");
            case 305:
                ModelState.AddModelError("id", "The value '305' is not valid.");
                return Request.CreateErrorResponse(HttpStatusCode.BadRequest, ModelState);
            case 306: return Failed(new InvalidOperationException("The export failed.", new TimeoutException("The query timed out.")));
            case 307: throw new HttpResponseException(Request.CreateResponse(HttpStatusCode.Unauthorized, "Not Valid Token"));
            case 308: throw new HttpResponseException(new HttpResponseMessage(HttpStatusCode.NotImplemented));
            case 309:
                Request.Headers.Accept.Clear();
                Request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/xml"));
                throw new InvalidOperationException("The export failed.");
            case 310: return TooMany((HttpStatusCode)409, TimeSpan.FromHours(1));
            case 311: return TooMany((HttpStatusCode)429, TimeSpan.FromHours(1));
            case 312: return IsFirst(id) ? TooMany((HttpStatusCode)429, TimeSpan.FromSeconds(1.5)) : WithName(Text(base64));
            case 313:
                if (!IsFirst(id)) return WithName(Text(base64));
                var busy = Request.CreateErrorResponse(HttpStatusCode.ServiceUnavailable, "The server is busy.");
                busy.Headers.Add("Retry-After", "1");
                return busy;
            case 314: return Failed(new InvalidOperationException("Refused: " + Request.Headers.Authorization));
            case 315: return Request.CreateErrorResponse(HttpStatusCode.BadRequest, "Line 1\r\nline 2\tend");
            case 316: throw new InvalidOperationException("The export failed.");
            case 317: return WithName(Text(base64));
        }
        return Request.CreateErrorResponse(HttpStatusCode.NotFound, "No case has the id " + id + ".");
    }

    [HttpPost]
    public string Post() { return ""; }

    [HttpGet]
    public string SmallId(byte id) { return ""; }

    [HttpGet]
    public HttpResponseMessage Job(int id)
    {
        var isFailed = id == 402;
        return Request.CreateResponse(HttpStatusCode.OK, new
        {
            Basic = new
            {
                ID = id,
                JobType = "Export",
                Status = isFailed ? 4 : id == 403 ? 1 : 3,
                ErrorMessage = isFailed ? "Amazon SP-API: Too many requests" : null,
                SubmittedOn = DateTime.UtcNow,
                CompletedOn = (DateTime?)null,
            },
            OutputFile = "orders.csv",
            TotalRecords = (int?)12,
        });
    }

    [HttpGet]
    public HttpResponseMessage Logs(int id)
    {
        return Request.CreateResponse(HttpStatusCode.OK, new
        {
            Items = new[] { new { LogTime = DateTime.UtcNow, IsError = true, Message = "Line 7: Too many requests" } },
            TotalResults = 1,
        });
    }

    static HttpResponseMessage Text(string text)
    {
        return new HttpResponseMessage { Content = new StringContent(text) };
    }

    static HttpResponseMessage Bytes(byte[] bytes)
    {
        var content = new ByteArrayContent(bytes);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        return new HttpResponseMessage { Content = content };
    }

    static HttpResponseMessage Pushed(Action<Stream> write, long? length = null)
    {
        var content = new PushStreamContent(write, "text/plain");
        content.Headers.ContentLength = length;
        return new HttpResponseMessage { Content = content };
    }

    static HttpResponseMessage WithName(HttpResponseMessage response)
    {
        response.Content.Headers.ContentDisposition =
            new ContentDispositionHeaderValue("attachment") { FileName = "orders.csv" };
        return response;
    }

    static HttpResponseMessage Named(HttpResponseMessage response, int id)
    {
        var name = Names.All[id - Names.FirstId];
        var headers = response.Content.Headers;
        if (name.Way == "raw")
        {
            headers.TryAddWithoutValidation("Content-Disposition", name.Text);
            return response;
        }
        var disposition = new ContentDispositionHeaderValue("attachment");
        // FileName rejects a name with quotation marks unless the caller quotes it.
        if (name.Way == "quoted")
            disposition.FileName = '"' + name.Text.Replace("\\", "\\\\").Replace("\"", "\\\"") + '"';
        else if (name.Way != "star") disposition.FileName = name.Text;
        if (name.Way == "star" || name.Way == "both") disposition.FileNameStar = name.Text;
        headers.ContentDisposition = disposition;
        return response;
    }

    /// <summary>The response to an exception of an action, with the texts of version 2.</summary>
    HttpResponseMessage Failed(Exception exception)
    {
        try { throw exception; }
        catch (Exception thrown)
        {
            return Request.CreateErrorResponse(HttpStatusCode.InternalServerError, thrown);
        }
    }

    HttpResponseMessage TooMany(HttpStatusCode status, TimeSpan wait)
    {
        return Request.CreateResponse(status, new RateLimit { RateLimitResetTime = DateTime.UtcNow + wait });
    }

    /// <summary>The formatter of older Web API projects, which writes "/" as "\/".</summary>
    static JsonMediaTypeFormatter EscapingFormatter()
    {
        return new JsonMediaTypeFormatter { UseDataContractJsonSerializer = true };
    }

    static void BreakOff(Stream stream)
    {
        stream.Write(TestFile.BrokenBase64, 0, TestFile.BrokenBase64.Length);
        stream.Flush();
        throw new IOException("broken off");
    }

    static void WithoutEnd(Stream stream)
    {
        while (true)
        {
            stream.Write(TestFile.BrokenBase64, 0, 4096);
            Thread.Sleep(10);
        }
    }
}
