// HttpError and PushStreamContent of version 2. Mono's Web API is a snapshot of 2012, which lacks
// them.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Threading.Tasks;
using System.Web.Http.ModelBinding;

public class HttpError : Dictionary<string, object>
{
    public HttpError(string message) { Add("Message", message); }

    public HttpError(Exception exception) : this("An error has occurred.")
    {
        Add("ExceptionMessage", exception.Message);
        Add("ExceptionType", exception.GetType().FullName);
        Add("StackTrace", exception.StackTrace);
        if (exception.InnerException != null) Add("InnerException", new HttpError(exception.InnerException));
    }

    public HttpError(ModelStateDictionary state) : this("The request is invalid.")
    {
        var fields = state.Where(field => field.Value.Errors.Count > 0);
        Add("ModelState", fields.ToDictionary(
            field => field.Key, field => field.Value.Errors.Select(error => error.ErrorMessage).ToArray()));
    }
}

public static class HttpErrorExtensions
{
    public static HttpResponseMessage CreateErrorResponse(
        this HttpRequestMessage request, HttpStatusCode status, string message)
    {
        return request.CreateResponse(status, new HttpError(message));
    }

    public static HttpResponseMessage CreateErrorResponse(
        this HttpRequestMessage request, HttpStatusCode status, Exception exception)
    {
        return request.CreateResponse(status, new HttpError(exception));
    }

    public static HttpResponseMessage CreateErrorResponse(
        this HttpRequestMessage request, HttpStatusCode status, ModelStateDictionary state)
    {
        return request.CreateResponse(status, new HttpError(state));
    }
}

public class PushStreamContent : HttpContent
{
    readonly Action<Stream> write;

    public PushStreamContent(Action<Stream> write, string mediaType)
    {
        this.write = write;
        Headers.ContentType = new MediaTypeHeaderValue(mediaType);
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext context)
    {
        return Task.Run(() => write(stream));
    }

    protected override bool TryComputeLength(out long length)
    {
        length = -1;
        return false;
    }
}
