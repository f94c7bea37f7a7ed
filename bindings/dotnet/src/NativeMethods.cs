using System;
using System.Runtime.InteropServices;

// The current directory is left out: any user may have put a library of that name there.
[assembly: DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory | DllImportSearchPath.SafeDirectories)]

namespace SellercloudOutput
{
#pragma warning disable 649 // The native library assigns the fields.
    /// <summary>The C structure sco_progress.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct NativeProgress
    {
        public UIntPtr Size;
        public ulong BytesReceived;
        public ulong TotalBytes;
        public int HasTotalBytes;
        public uint Attempt;
    }

    /// <summary>The C structure sco_request_record.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct NativeRequestRecord
    {
        public UIntPtr Size;
        public IntPtr Method;
        public IntPtr Url;
        public IntPtr Error;
        public ulong BytesReceived;
        public double DurationSeconds;
        public int HttpStatus;
        public uint Attempt;
    }
#pragma warning restore 649

    /// <summary>The C type sco_token_callback.</summary>
    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate int TokenCallback(IntPtr context, int renew, IntPtr result);

    /// <summary>The C type sco_request_callback.</summary>
    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal unsafe delegate void RequestCallback(IntPtr context, NativeRequestRecord* record);

    /// <summary>The C type sco_write_callback.</summary>
    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate int WriteCallback(IntPtr context, IntPtr data, UIntPtr size);

    /// <summary>The C type sco_progress_callback.</summary>
    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal unsafe delegate int ProgressCallback(IntPtr context, NativeProgress* progress);

    /// <summary>
    /// The functions of the C interface under their own names. include/sellercloud_output.h documents them.
    /// </summary>
    internal static class NativeMethods
    {
        public const string Library = "sellercloud_output";

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern IntPtr sco_version();

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern IntPtr sco_error_message(ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_error_http_status(ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_error_is_retryable(ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern uint sco_error_attempts(ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern long sco_error_retry_after_ms(ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_error_os_error(ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern IntPtr sco_error_path(ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern long sco_error_job_id(ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern IntPtr sco_error_job(ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern IntPtr sco_error_job_log_line(ErrorHandle error, UIntPtr index);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern void sco_error_free(IntPtr error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern ClientOptionsHandle sco_client_options_new();

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_client_options_set_team(
            ClientOptionsHandle options, NativeText team, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_client_options_set_team_lookup_url(
            ClientOptionsHandle options, NativeText url, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_client_options_set_credentials(
            ClientOptionsHandle options, NativeText userName, NativeText password, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_client_options_set_token_provider(
            ClientOptionsHandle options, TokenCallback callback, IntPtr context, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_client_options_set_body_encoding(
            ClientOptionsHandle options, int encoding, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_client_options_set_max_file_size_bytes(
            ClientOptionsHandle options, ulong bytes, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_client_options_set_allow_plain_http(
            ClientOptionsHandle options, int allow, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_client_options_set_connect_timeout_ms(
            ClientOptionsHandle options, ulong milliseconds, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_client_options_set_stall_timeout_ms(
            ClientOptionsHandle options, ulong milliseconds, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_client_options_set_call_timeout_ms(
            ClientOptionsHandle options, ulong milliseconds, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_client_options_set_max_attempts(
            ClientOptionsHandle options, uint attempts, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_client_options_set_initial_backoff_ms(
            ClientOptionsHandle options, ulong milliseconds, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_client_options_set_max_backoff_ms(
            ClientOptionsHandle options, ulong milliseconds, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_client_options_set_retry_server_errors(
            ClientOptionsHandle options, int enabled, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_client_options_set_proxy(
            ClientOptionsHandle options, NativeText url, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_client_options_add_ca_certificates(
            ClientOptionsHandle options, NativeText pem, UIntPtr size, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_client_options_set_client_certificate(
            ClientOptionsHandle options, NativeText chain, UIntPtr chainSize, NativeText key, UIntPtr keySize,
            out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_client_options_set_user_agent_suffix(
            ClientOptionsHandle options, NativeText suffix, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_client_options_set_on_request(
            ClientOptionsHandle options, RequestCallback callback, IntPtr context, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern void sco_client_options_free(IntPtr options);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_token_result_set(IntPtr result, NativeText token, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_client_new(
            NativeText server, NativeText token, ClientOptionsHandle options, out ClientHandle client,
            out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern void sco_client_free(IntPtr client);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_parse_job_id(NativeText text, out long jobId, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_get_output_file(
            ClientHandle client, long jobId, CallOptionsHandle options, out OutputFileHandle file,
            out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_save_output_file(
            ClientHandle client, long jobId, NativeText directory, CallOptionsHandle options, out FileInfoHandle info,
            out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_write_output_file(
            ClientHandle client, long jobId, WriteCallback callback, IntPtr context, CallOptionsHandle options,
            out FileInfoHandle info, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_get_job(
            ClientHandle client, long jobId, CallOptionsHandle options, out JobHandle queuedJob, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_wait_for_job(
            ClientHandle client, long jobId, CallOptionsHandle options, out JobHandle queuedJob, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_wait_for_output_file(
            ClientHandle client, long jobId, CallOptionsHandle options, out JobHandle queuedJob,
            out OutputFileHandle file, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_wait_and_save_output_file(
            ClientHandle client, long jobId, NativeText directory, CallOptionsHandle options, out JobHandle queuedJob,
            out FileInfoHandle info, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_wait_and_write_output_file(
            ClientHandle client, long jobId, WriteCallback callback, IntPtr context, CallOptionsHandle options,
            out JobHandle queuedJob, out FileInfoHandle info, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern IntPtr sco_output_file_data(OutputFileHandle file);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern UIntPtr sco_output_file_size(OutputFileHandle file);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern IntPtr sco_output_file_name(OutputFileHandle file);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_output_file_is_fallback_name(OutputFileHandle file);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern IntPtr sco_output_file_content_type(OutputFileHandle file);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_output_file_save(
            OutputFileHandle file, NativeText directory, CallOptionsHandle options, out FileInfoHandle info,
            out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern void sco_output_file_free(IntPtr file);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern IntPtr sco_file_info_name(FileInfoHandle info);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_file_info_is_fallback_name(FileInfoHandle info);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern ulong sco_file_info_size(FileInfoHandle info);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern IntPtr sco_file_info_content_type(FileInfoHandle info);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern IntPtr sco_file_info_path(FileInfoHandle info);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern void sco_file_info_free(IntPtr info);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern long sco_job_id(IntPtr job);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_job_status(IntPtr job);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern IntPtr sco_job_status_name(IntPtr job);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_job_is_final(IntPtr job);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern IntPtr sco_job_text(IntPtr job, int field);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern long sco_job_number(IntPtr job, int field);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern void sco_job_free(IntPtr job);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern CancelTokenHandle sco_cancel_token_new();

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern void sco_cancel_token_cancel(CancelTokenHandle token);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern void sco_cancel_token_free(IntPtr token);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern CallOptionsHandle sco_call_options_new();

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_call_options_set_cancel_token(
            CallOptionsHandle options, CancelTokenHandle token, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_call_options_set_timeout_ms(
            CallOptionsHandle options, ulong milliseconds, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_call_options_set_on_progress(
            CallOptionsHandle options, ProgressCallback callback, IntPtr context, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_call_options_set_file_name(
            CallOptionsHandle options, NativeText name, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_call_options_set_if_exists(
            CallOptionsHandle options, int ifExists, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_call_options_set_flush_to_disk(
            CallOptionsHandle options, int enabled, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_call_options_set_wait_initial_interval_ms(
            CallOptionsHandle options, ulong milliseconds, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_call_options_set_wait_max_interval_ms(
            CallOptionsHandle options, ulong milliseconds, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_call_options_set_wait_grace_ms(
            CallOptionsHandle options, ulong milliseconds, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_call_options_set_fail_on_hold(
            CallOptionsHandle options, int enabled, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern void sco_call_options_free(IntPtr options);
    }
}
