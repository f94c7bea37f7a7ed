// Serves the requests for queued jobs with ASP.NET Core on Kestrel. The framework formats every
// value, error and header. The actions only select one by the job's id.
//
// Arguments: the table of names (names.tsv) and the file for the request log. Prints its port.
// Exits when its standard input ends.
using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.ComponentModel.DataAnnotations;
using System.IO;
using System.Linq;
using System.Net;
using System.Runtime.Serialization.Json;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.Filters;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Net.Http.Headers;


public static class Program
{
    public static async Task Main(string[] arguments)
    {
        Names.Read(arguments[0]);
        // A slow action occupies a thread, and the pool grows slowly.
        ThreadPool.SetMinThreads(64, 64);
        var log = new StreamWriter(arguments[1]) { AutoFlush = true };
        var host = new WebHostBuilder()
            .UseKestrel(options => options.Listen(IPAddress.Loopback, 0))
            .ConfigureServices(services => services.AddControllers().AddApplicationPart(typeof(Program).Assembly))
            .Configure(app =>
            {
                app.Use(next => context =>
                {
                    var request = context.Request;
                    var token = ((string)request.Headers["Authorization"] ?? "-").Replace("Bearer ", "");
                    var line = string.Join(" ", request.Method, request.Path + request.QueryString,
                        context.Connection.RemotePort, token);
                    lock (log) log.WriteLine(line);
                    return next(context);
                });
                app.UseWhen(context => context.Request.Path.StartsWithSegments("/developer"),
                    branch => branch.UseDeveloperExceptionPage());
                app.UseRouting();
                app.UseEndpoints(endpoints => endpoints.MapControllers());
            })
            .Build();
        await host.StartAsync();
        var address = host.ServerFeatures.Get<IServerAddressesFeature>().Addresses.Single();
        Console.WriteLine(new Uri(address).Port);
        while (Console.In.Read() >= 0) { }
        Environment.Exit(0);
    }
}

/// <summary>The issued tokens, and the number of calls for which each is still valid.</summary>
sealed class RequireTokenAttribute : Attribute, IAuthorizationFilter
{
    static readonly ConcurrentDictionary<string, int> Left = new ConcurrentDictionary<string, int>();
    static int issued;

    public static string Issue(string user, int calls)
    {
        var token = "issued-" + user + "-" + Interlocked.Increment(ref issued);
        Left[token] = calls;
        return token;
    }

    public void OnAuthorization(AuthorizationFilterContext context)
    {
        var token = ((string)context.HttpContext.Request.Headers["Authorization"] ?? "").Replace("Bearer ", "");
        // Tests choose tokens that begin with "valid".
        var isValid = token.StartsWith("valid")
            || Left.ContainsKey(token) && Left.AddOrUpdate(token, 0, (_, left) => left - 1) >= 0;
        if (!isValid) context.Result = new UnauthorizedResult();
    }
}

public class LoginModel
{
    [Required]
    public string Username { get; set; }
    [Required]
    public string Password { get; set; }
}

[ApiController]
public class TokenController : ControllerBase
{
    [HttpPost("{site}/api/token")]
    public IActionResult Post(LoginModel login)
    {
        if (login.Password != "correct horse")
            return Unauthorized(new { Message = "Invalid username or password." });
        var calls = login.Username == "one-call" ? 1 : 1000000;
        return Ok(new Dictionary<string, object> {
            { "access_token", RequireTokenAttribute.Issue(login.Username, calls) },
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
    public string Error => "Too many requests.";
    public DateTime RateLimitResetTime { get; set; }
}

[ApiController]
[RequireToken]
public class QueuedJobsController : ControllerBase
{
    static readonly ConcurrentDictionary<string, bool> Seen = new ConcurrentDictionary<string, bool>();

    bool IsFirst(int id) => Seen.TryAdd(Request.Headers["Authorization"] + " " + id, true);

    [HttpGet("query-only/api/QueuedJobs/OutputFile")]
    public IActionResult OutputFileOfQuery(int id) => OutputFile(id);

    [HttpPost("post-only/api/QueuedJobs/OutputFile")]
    [HttpPost("post-only/api/QueuedJobs/OutputFile/{id}")]
    public IActionResult Post() => Ok();

    [HttpGet("small-ids/api/QueuedJobs/OutputFile/{id}")]
    public IActionResult SmallId(byte id) => Ok();

    // One of the routes has the id in the path, so [ApiController] reads it from the path only: the
    // route with "?id=" responds with 404.
    [HttpGet("rest/api/QueuedJobs/OutputFile")]
    [HttpGet("rest/api/QueuedJobs/OutputFile/{id}")]
    [HttpGet("developer/api/QueuedJobs/OutputFile/{id}")]
    public IActionResult OutputFile(int id)
    {
        var file = TestFile.Bytes;
        var base64 = Convert.ToBase64String(file);
        if (id >= Names.FirstId) return Named(base64, Names.All[id - Names.FirstId]);
        switch (id)
        {
            // Files
            case 101: return WithName(Content(base64));
            case 102: return WithName(Content(Convert.ToBase64String(file, Base64FormattingOptions.InsertLineBreaks)));
            case 103: return WithName(new JsonResult(base64));
            case 104: return WithName(Content(Escaped(base64), "application/json"));
            case 105: return Ok(new FileResponse { FileName = "orders.csv", Content = file });
            case 106: return Content(Escaped(new TextFileResponse { FileName = "orders.csv", Content = base64 }), "application/json");
            case 107: return WithName(Ok(file));
            case 108: return File(file, "application/octet-stream", "orders.csv");
            case 109: return File(new NonSeekable(file), "text/plain", "orders.csv");
            case 110: return WithName(Content(""));
            case 111: return File(Encoding.UTF8.GetPreamble().Concat(Encoding.ASCII.GetBytes(base64)).ToArray(), "text/plain", "orders.csv");
            case 112: return File(new byte[0], "application/octet-stream", "orders.csv");
            case 113: return Ok(new FileResponse { FileName = "orders.csv", Content = new byte[0] });
            // Responses without a file
            case 120: return new JsonResult(null);
            case 121: return NoContent();
            case 122: return Ok(new FileResponse { FileName = "orders.csv" });
            case 124: return Content("Job is still processing");
            case 125: return Ok(false);
            case 126: return Content("");
            case 127: return new JsonResult("File not found");
            case 128: return Ok(new string[0]);
            case 129: return WithName(Content(TestFile.Customers));
            // Large files
            case 201: return File(new NonSeekable(TestFile.LargeBase64), "text/plain", "orders.csv");
            case 202: return File(TestFile.LargeBase64, "text/plain", "orders.csv");
            // Truncated responses
            case 203: return new Broken(null, breaksOff: true);
            case 204: return new Broken(1000000, breaksOff: true);
            case 205: return new Broken(null, breaksOff: false);
            case 206: return new Broken(1000000000, breaksOff: false);
            // Errors
            case 301: throw new InvalidOperationException("Could not find or load record with ID 301!");
            case 302: return StatusCode(500);
            case 303: return NotFound(new { Message = "The job has no output file." });
            case 304: return StatusCode(403, new ProblemDetails { Title = "Forbidden", Detail = "Access to queued jobs is denied." });
            case 305:
                ModelState.AddModelError("id", "The value '305' is not valid.");
                return ValidationProblem(ModelState);
            case 306: return Problem("The export failed.");
            case 307: return Unauthorized("Not Valid Token");
            case 308: return StatusCode(501);
            case 310: return TooMany(409, TimeSpan.FromHours(1));
            case 311: return TooMany(429, TimeSpan.FromHours(1));
            case 312: return IsFirst(id) ? TooMany(429, TimeSpan.FromSeconds(1.5)) : WithName(Content(base64));
            case 313:
                if (!IsFirst(id)) return WithName(Content(base64));
                Response.Headers["Retry-After"] = "1";
                return StatusCode(503);
            case 314: return Problem("Refused: " + Request.Headers["Authorization"]);
            case 315: return BadRequest("Line 1\r\nline 2\tend");
            case 316: throw new InvalidOperationException("The export failed.");
            case 317: Thread.Sleep(10000); return WithName(Content(base64));
        }
        return NotFound();
    }

    [HttpGet("rest/api/QueuedJobs/{id}")]
    public IActionResult Job(int id) => Ok(new
    {
        Basic = new
        {
            ID = id,
            JobType = "Export",
            Status = id == 402 ? 4 : id == 403 ? 1 : 3,
            ErrorMessage = id == 402 ? "Amazon SP-API: Too many requests" : null,
            SubmittedOn = DateTime.UtcNow,
            CompletedOn = (DateTime?)null,
        },
        OutputFile = "orders.csv",
        TotalRecords = (int?)12,
    });

    [HttpGet("rest/api/QueuedJobs/{id}/Logs")]
    public IActionResult Logs(int id) => Ok(new
    {
        Items = new[] { new { LogTime = DateTime.UtcNow, IsError = true, Message = "Line 7: Too many requests" } },
        TotalResults = 1,
    });

    T WithName<T>(T result) where T : IActionResult
    {
        var disposition = new ContentDispositionHeaderValue("attachment");
        disposition.SetHttpFileName("orders.csv");
        Response.Headers["Content-Disposition"] = disposition.ToString();
        return result;
    }

    IActionResult Named(string base64, Name name)
    {
        if (name.Way == "raw")
        {
            Response.Headers["Content-Disposition"] = name.Text;
            return Content(base64);
        }
        return File(Encoding.ASCII.GetBytes(base64), "text/plain", name.Text);
    }

    IActionResult TooMany(int status, TimeSpan wait) =>
        StatusCode(status, new RateLimit { RateLimitResetTime = DateTime.UtcNow + wait });

    /// <summary>JSON of the older serializer, which writes "/" as "\/".</summary>
    static string Escaped<T>(T value)
    {
        using var text = new MemoryStream();
        new DataContractJsonSerializer(typeof(T)).WriteObject(text, value);
        return Encoding.UTF8.GetString(text.ToArray());
    }
}

/// <summary>A body that stops or never ends.</summary>
sealed class Broken : IActionResult
{
    readonly long? length;
    readonly bool breaksOff;

    public Broken(long? length, bool breaksOff)
    {
        this.length = length;
        this.breaksOff = breaksOff;
    }

    public async Task ExecuteResultAsync(ActionContext context)
    {
        var http = context.HttpContext;
        http.Response.ContentType = "text/plain";
        http.Response.ContentLength = length;
        http.Response.Headers["Content-Disposition"] = "attachment; filename=orders.csv";
        if (breaksOff)
        {
            await http.Response.Body.WriteAsync(TestFile.BrokenBase64, 0, TestFile.BrokenBase64.Length);
            await http.Response.Body.FlushAsync();
            throw new IOException("broken off");
        }
        while (!http.RequestAborted.IsCancellationRequested)
        {
            await http.Response.Body.WriteAsync(TestFile.BrokenBase64, 0, 4096);
            await Task.Delay(10);
        }
    }
}

/// <summary>A stream of unknown length, which makes the response chunked.</summary>
sealed class NonSeekable : MemoryStream
{
    public NonSeekable(byte[] bytes) : base(bytes, false) { }
    public override bool CanSeek => false;
}
