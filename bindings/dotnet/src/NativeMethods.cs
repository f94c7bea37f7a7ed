using System;
using System.Runtime.InteropServices;

// Not the current folder, where anybody may have put a library of that name.
[assembly: DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory | DllImportSearchPath.SafeDirectories)]

namespace SellercloudOutput
{
#pragma warning disable 649 // It is the library that assigns the fields.
    /// <summary>sco_progress.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct NativeProgress
    {
        public UIntPtr Size;
        public ulong Received;
        public ulong Total;
        public int TotalIsKnown;
        public uint Attempt;
    }

    /// <summary>sco_request.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct NativeRequest
    {
        public UIntPtr Size;
        public IntPtr Method;
        public IntPtr Url;
        public IntPtr Error;
        public ulong Bytes;
        public double Seconds;
        public int Status;
        public uint Attempt;
    }
#pragma warning restore 649

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate int TokenCallback(IntPtr context, int renew, IntPtr token);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal unsafe delegate void LogCallback(IntPtr context, NativeRequest* request);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate int WriteCallback(IntPtr context, IntPtr data, UIntPtr length);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal unsafe delegate int ProgressCallback(IntPtr context, NativeProgress* progress);

    /// <summary>The C interface, name for name: include/sellercloud_output.h is its manual.</summary>
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
        public static extern int sco_error_retry_may_help(ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern uint sco_error_attempts(ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern long sco_error_retry_after_ms(ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_error_os_error(ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern IntPtr sco_error_path(ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern IntPtr sco_error_job(ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern IntPtr sco_error_log_line(ErrorHandle error, UIntPtr index);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern void sco_error_free(IntPtr error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern ConfigHandle sco_config_new();

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_config_set_body_encoding(ConfigHandle config, int encoding, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_config_set_max_size(ConfigHandle config, ulong bytes, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_config_set_allow_plain_http(ConfigHandle config, int allow, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_config_set_credentials(
            ConfigHandle config, NativeText user, NativeText password, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_token_set(IntPtr token, NativeText tokenText, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_config_set_token_callback(
            ConfigHandle config, TokenCallback token, IntPtr context, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_config_set_team(ConfigHandle config, NativeText team, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_config_set_team_directory(
            ConfigHandle config, NativeText url, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_config_set_timeouts(
            ConfigHandle config, ulong connect, ulong stall, ulong whole, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_config_set_retry(
            ConfigHandle config, uint attempts, ulong baseMs, ulong longestMs, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_config_set_retry_server_errors(
            ConfigHandle config, int enabled, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_config_set_proxy(ConfigHandle config, NativeText url, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_config_add_ca_certificates(
            ConfigHandle config, NativeText pem, UIntPtr length, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_config_set_client_certificate(
            ConfigHandle config, NativeText chain, UIntPtr chainLength, NativeText key, UIntPtr keyLength,
            out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_config_set_log(
            ConfigHandle config, LogCallback log, IntPtr context, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern void sco_config_free(IntPtr config);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_client_new(
            NativeText server, NativeText token, ConfigHandle config, out ClientHandle client,
            out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern void sco_client_free(IntPtr client);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_job_id_from_text(NativeText jobText, out long job, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_get_output_file(
            ClientHandle client, long job, OptionsHandle options, out OutputFileHandle file, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_save_output_file(
            ClientHandle client, long job, NativeText folder, OptionsHandle options, out FileInfoHandle info,
            out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_write_output_file(
            ClientHandle client, long job, WriteCallback write, IntPtr context, OptionsHandle options,
            out FileInfoHandle info, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_get_job(
            ClientHandle client, long job, OptionsHandle options, out JobHandle queuedJob, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_wait_for_job(
            ClientHandle client, long job, OptionsHandle options, out JobHandle queuedJob, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_wait_for_output_file(
            ClientHandle client, long job, OptionsHandle options, out JobHandle queuedJob,
            out OutputFileHandle file, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_wait_and_save_output_file(
            ClientHandle client, long job, NativeText folder, OptionsHandle options, out JobHandle queuedJob,
            out FileInfoHandle info, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_wait_and_write_output_file(
            ClientHandle client, long job, WriteCallback write, IntPtr context, OptionsHandle options,
            out JobHandle queuedJob, out FileInfoHandle info, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern IntPtr sco_output_file_data(OutputFileHandle file);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern UIntPtr sco_output_file_len(OutputFileHandle file);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern IntPtr sco_output_file_name(OutputFileHandle file);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_output_file_name_is_made_up(OutputFileHandle file);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern IntPtr sco_output_file_content_type(OutputFileHandle file);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_output_file_save(
            OutputFileHandle file, NativeText folder, OptionsHandle options, out FileInfoHandle info,
            out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern void sco_output_file_free(IntPtr file);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern IntPtr sco_file_info_name(FileInfoHandle info);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_file_info_name_is_made_up(FileInfoHandle info);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern ulong sco_file_info_len(FileInfoHandle info);

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
        public static extern CancelHandle sco_cancel_new();

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern void sco_cancel_pull(CancelHandle cancel);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern void sco_cancel_free(IntPtr cancel);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern OptionsHandle sco_options_new();

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_options_set_timeout(
            OptionsHandle options, ulong milliseconds, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_options_set_cancel(
            OptionsHandle options, CancelHandle cancel, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_options_set_progress(
            OptionsHandle options, ProgressCallback progress, IntPtr context, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_options_set_wait(
            OptionsHandle options, ulong first, ulong longest, ulong grace, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_options_set_fail_on_hold(
            OptionsHandle options, int enabled, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int sco_options_set_save(
            OptionsHandle options, NativeText name, int ifExists, int sync, out ErrorHandle error);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern void sco_options_free(IntPtr options);
    }
}
