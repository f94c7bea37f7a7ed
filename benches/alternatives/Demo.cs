// Measures a download in .NET: with the API's published C# example, which reads the body as
// a string and decodes that, or with this library.
//
//     demo example|ours URL JOB CALLS
//
// Makes one call that is not measured, and then CALLS calls. Prints their duration in
// seconds, their processor time in seconds, and the increase of peak memory over the idle
// process in bytes.

using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Net.Http;
using SellercloudOutput;

static class Demo
{
    static long ReadMemory(string figure)
    {
        foreach (var line in File.ReadAllLines("/proc/self/status"))
            if (line.StartsWith(figure))
                return 1024 * long.Parse(line.Split(new[] { ' ', '\t' }, StringSplitOptions.RemoveEmptyEntries)[1]);
        throw new InvalidOperationException("/proc/self/status has no line " + figure);
    }

    static Action Example(string server, long job)
    {
        var url = server + "/api/QueuedJobs/OutputFile/" + job;
        var client = new HttpClient();
        client.DefaultRequestHeaders.Add("Authorization", "Bearer token");
        return () =>
        {
            var response = client.GetAsync(url).GetAwaiter().GetResult();
            var text = response.Content.ReadAsStringAsync().GetAwaiter().GetResult();
            GC.KeepAlive(Convert.FromBase64String(text));
        };
    }

    static Action Ours(string server, long job)
    {
        var client = new SellercloudClient(server, "token");
        return () => client.GetOutputFile(job).Dispose();
    }

    static void Main(string[] arguments)
    {
        var job = long.Parse(arguments[2]);
        var calls = int.Parse(arguments[3]);
        var call = arguments[0] == "ours" ? Ours(arguments[1], job) : Example(arguments[1], job);
        var idle = ReadMemory("VmRSS:");
        call();
        var process = Process.GetCurrentProcess();
        var cpu = process.TotalProcessorTime;
        var watch = Stopwatch.StartNew();
        for (var i = 0; i < calls; i++)
            call();
        var wall = watch.Elapsed;
        process.Refresh();
        cpu = process.TotalProcessorTime - cpu;
        Console.WriteLine(string.Format(CultureInfo.InvariantCulture, "{0} {1} {2}",
            wall.TotalSeconds, cpu.TotalSeconds, ReadMemory("VmHWM:") - idle));
    }
}
