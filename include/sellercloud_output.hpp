/**
 * @file
 * @brief Downloads the output file of a Sellercloud queued job, for C++17.
 *
 * @code
 * sellercloud_output::Client client("tt", "the-bearer-token");
 * auto saved = client.save_output_file(28142, "exports");
 * std::cout << saved.path << '\n';
 * @endcode
 *
 * The interface consists of this header, over the C interface: link the same library.
 *
 * - A failed call throws a sellercloud_output::Error, or one of its subclasses such as
 *   sellercloud_output::RateLimitError.
 * - Strings are UTF-8. A NUL in a string that is passed to the library ends it.
 * - If a callback throws, the call ends and throws the same exception. What
 *   ClientOptions::on_request throws is discarded.
 * - A limit (a timeout, a maximum, an interval) must be greater than zero: zero is rejected
 *   with InvalidArgumentError. The largest value of its type, such as
 *   std::chrono::milliseconds::max(), means no limit. A negative time counts as zero.
 * - A Client, OutputFile, Job or CancelToken that was moved from can only be destroyed or
 *   assigned to.
 *
 * sellercloud_output.h documents everything else, such as threads, fork and signals.
 */

#ifndef SELLERCLOUD_OUTPUT_HPP
#define SELLERCLOUD_OUTPUT_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "sellercloud_output.h"

namespace sellercloud_output {

/// The kind of an Error.
enum class ErrorKind : std::int32_t {
    /// An argument or an option cannot be used. Usually nothing was sent.
    invalid_argument = SCO_ERROR_INVALID_ARGUMENT,
    /// HTTP 401 or a redirect to a login page: the server rejected the token, or the user name
    /// and password. Also: the token provider returned no usable token.
    authentication = SCO_ERROR_AUTHENTICATION,
    /// HTTP 403: the user is not allowed to do this.
    forbidden = SCO_ERROR_FORBIDDEN,
    /// HTTP 404: the server does not know the URL. Also: no server of the team was found.
    not_found = SCO_ERROR_NOT_FOUND,
    /// HTTP 429, or a response with "Too many requests": too many calls from this IP address.
    rate_limited = SCO_ERROR_RATE_LIMITED,
    /// HTTP 500 to 599: the server failed, or it does not know the job (yet).
    server = SCO_ERROR_SERVER,
    /// Any other HTTP status except 200.
    unexpected_status = SCO_ERROR_UNEXPECTED_STATUS,
    /// The connection failed, or it was lost before the response was complete.
    connection = SCO_ERROR_CONNECTION,
    /// The TLS handshake failed, such as for an untrusted certificate.
    tls = SCO_ERROR_TLS,
    /// The call or one of its steps timed out.
    timeout = SCO_ERROR_TIMEOUT,
    /// The caller cancelled the call.
    cancelled = SCO_ERROR_CANCELLED,
    /// The response is not a file in the expected encoding, or not a job.
    malformed_body = SCO_ERROR_MALFORMED_BODY,
    /// The file is larger than the limit.
    too_large = SCO_ERROR_TOO_LARGE,
    /// The file cannot be stored: disk, memory or permissions.
    io = SCO_ERROR_IO,
    /// A bug in the library; please report it. The client can still be used.
    internal = SCO_ERROR_INTERNAL,
    /// The job ended without success: it failed, was cancelled or aborted, or is on hold.
    job_failed = SCO_ERROR_JOB_FAILED,
};

/// The status of a job.
enum class JobStatus : std::int32_t {
    /// A status that this version does not know. Job::status_name() returns its text.
    unknown = SCO_JOB_STATUS_UNKNOWN,
    /// The job is waiting to start.
    submitted = SCO_JOB_STATUS_SUBMITTED,
    /// The job is running.
    processing = SCO_JOB_STATUS_PROCESSING,
    /// The job ended with success.
    completed = SCO_JOB_STATUS_COMPLETED,
    /// The job ended without success.
    failed = SCO_JOB_STATUS_FAILED,
    /// The job ended with success for some of its records. It has an output file.
    partial_success = SCO_JOB_STATUS_PARTIAL_SUCCESS,
    /// The job is on hold until a user releases it.
    on_hold = SCO_JOB_STATUS_ON_HOLD,
    /// A user cancelled the job before it started.
    cancelled = SCO_JOB_STATUS_CANCELLED,
    /// The job was cancelled because the server restarted.
    cancelled_service_restarted = SCO_JOB_STATUS_CANCELLED_SERVICE_RESTARTED,
    /// The server aborted the job because it took too long.
    aborted_too_much_time_consumed = SCO_JOB_STATUS_ABORTED_TOO_MUCH_TIME_CONSUMED,
    /// A user cancelled the job while it was running.
    cancelled_while_running = SCO_JOB_STATUS_CANCELLED_WHILE_RUNNING,
};

namespace detail {

inline std::string string_of(const char *text)
{
    return text == nullptr ? std::string() : std::string(text);
}

inline std::optional<std::string> optional_string(const char *text)
{
    return text == nullptr ? std::nullopt : std::optional<std::string>(text);
}

/// Returns an empty view for NULL.
inline std::string_view view_of(const char *text) noexcept
{
    return text == nullptr ? std::string_view() : std::string_view(text);
}

inline std::optional<std::string_view> optional_view(const char *text) noexcept
{
    return text == nullptr ? std::nullopt : std::optional<std::string_view>(text);
}

/// Converts a time to the C interface's milliseconds.
inline std::uint64_t milliseconds_of(std::chrono::milliseconds time) noexcept
{
    if (time == (std::chrono::milliseconds::max)())
        return UINT64_MAX;
    return static_cast<std::uint64_t>(time.count() < 0 ? 0 : time.count());
}

/// Converts a path to the C interface's UTF-8.
inline std::string utf8(const std::filesystem::path &path)
{
    const auto text = path.u8string(); // in C++20 not a std::string
    return std::string(text.begin(), text.end());
}

inline std::filesystem::path path_of(std::string_view utf8)
{
#ifdef __cpp_char8_t
    return std::filesystem::path(std::u8string(utf8.begin(), utf8.end()));
#else
    return std::filesystem::u8path(utf8.begin(), utf8.end());
#endif
}

template <auto free>
struct Deleter {
    template <typename T>
    void operator()(T *handle) const noexcept
    {
        free(handle);
    }
};

template <typename T, auto free>
using Handle = std::unique_ptr<T, Deleter<free>>;

using ClientOptionsHandle = Handle<sco_client_options, sco_client_options_free>;
using CallOptionsHandle = Handle<sco_call_options, sco_call_options_free>;
using FileHandle = Handle<sco_output_file, sco_output_file_free>;
using InfoHandle = Handle<sco_file_info, sco_file_info_free>;
using JobHandle = Handle<sco_job, sco_job_free>;
using ClientHandle = Handle<sco_client, sco_client_free>;

/// An out parameter for a handle. The handle is owned even if the call then throws.
template <typename Handle>
class Out {
public:
    explicit Out(Handle &owner) noexcept : owner_(owner) {}
    Out(const Out &) = delete;
    Out &operator=(const Out &) = delete;
    ~Out() { owner_.reset(handle_); }

    operator typename Handle::pointer *() noexcept { return &handle_; }

private:
    Handle &owner_;
    typename Handle::pointer handle_ = nullptr;
};

/// The exception of a callback of the call that runs on this thread.
inline thread_local std::exception_ptr *callback_exception = nullptr;

/// Runs the body of a callback. Stores its exception, which must not reach C, and returns 1
/// for it.
template <typename Body>
std::int32_t guarded(Body &&body) noexcept
{
    try {
        return body();
    } catch (...) {
        if (callback_exception != nullptr && *callback_exception == nullptr)
            *callback_exception = std::current_exception();
        return 1;
    }
}

} // namespace detail

/// A queued job, as the server described it. Copies refer to the same job. Any number of
/// threads may read it at the same time.
class Job {
public:
    /// Takes ownership of a handle of the C interface.
    ///
    /// @param handle The handle.
    explicit Job(std::shared_ptr<const sco_job> handle) : handle_(std::move(handle)) {}

    /// @return The job's id.
    std::int64_t id() const noexcept { return sco_job_id(handle_.get()); }

    /// @return The status; JobStatus::unknown for one that this version does not know.
    JobStatus status() const noexcept { return static_cast<JobStatus>(sco_job_status(handle_.get())); }

    /// @return The server's text for the status, such as "PartialSuccess". It is valid while
    /// a copy of this job exists.
    std::string_view status_name() const & noexcept
    {
        return detail::view_of(sco_job_status_name(handle_.get()));
    }
    /// Not available: the view could outlive the temporary job.
    std::string_view status_name() const && = delete;

    /// @return Whether the job has ended, with or without success.
    bool is_final() const noexcept { return sco_job_is_final(handle_.get()) != 0; }

    /// Returns a text field of the job.
    ///
    /// @param field The field.
    /// @return The text, valid while a copy of this job exists; nothing if the server did not
    /// send the field.
    std::optional<std::string_view> text(sco_job_text_field field) const & noexcept
    {
        return detail::optional_view(sco_job_text(handle_.get(), field));
    }
    /// Not available: the view could outlive the temporary job.
    ///
    /// @param field The field.
    std::optional<std::string_view> text(sco_job_text_field field) const && = delete;

    /// Returns a number field of the job.
    ///
    /// @param field The field.
    /// @return The number; nothing if the server did not send the field.
    std::optional<std::int64_t> number(sco_job_number_field field) const noexcept
    {
        const std::int64_t number = sco_job_number(handle_.get(), field);
        return number == -1 ? std::nullopt : std::optional<std::int64_t>(number);
    }

private:
    std::shared_ptr<const sco_job> handle_;
};

/// A failed call. what() returns one line that says what failed, where, why, and what to do,
/// and never contains a token or a password.
class Error : public std::runtime_error {
public:
    /// Takes ownership of a handle of the C interface.
    ///
    /// @param handle The handle.
    explicit Error(std::shared_ptr<const sco_error> handle)
        : std::runtime_error(detail::string_of(sco_error_message(handle.get()))),
          handle_(std::move(handle))
    {
    }

    /// @return The kind of the error.
    ErrorKind kind() const noexcept { return static_cast<ErrorKind>(sco_error_kind(handle_.get())); }

    /// @return The HTTP status code of the response that the call failed with; nothing if it
    /// failed for another reason.
    std::optional<int> http_status() const noexcept
    {
        const int status = sco_error_http_status(handle_.get());
        return status == 0 ? std::nullopt : std::optional<int>(status);
    }

    /// @return How long to wait before the next call: the time that the server asks for, or the
    /// backoff for which the call had no time left; nothing if there is none.
    std::optional<std::chrono::milliseconds> retry_after() const noexcept
    {
        const std::int64_t time = sco_error_retry_after_ms(handle_.get());
        if (time < 0)
            return std::nullopt;
        return std::chrono::milliseconds(time);
    }

    /// @return How many times the call attempted its last request; 0 if nothing was sent, and
    /// for a JobFailedError.
    unsigned attempts() const noexcept { return sco_error_attempts(handle_.get()); }

    /// @return Whether the same call may succeed later without any change.
    bool is_retryable() const noexcept { return sco_error_is_retryable(handle_.get()) != 0; }

    /// Returns the operating system's error of a StorageError.
    ///
    /// It is comparable with std::errc::file_exists, for example, which means that a file of
    /// that name exists.
    ///
    /// @return The error code; one that is false if there is none.
    std::error_code os_error() const noexcept
    {
        return std::error_code(sco_error_os_error(handle_.get()), std::system_category());
    }

    /// @return The path of the file or directory that a StorageError concerns; nothing if
    /// there is none.
    std::optional<std::filesystem::path> path() const
    {
        const char *path = sco_error_path(handle_.get());
        if (path == nullptr)
            return std::nullopt;
        return detail::path_of(path);
    }

    /// @return The id of the job that the failed call was about; nothing if there is none.
    std::optional<std::int64_t> job_id() const noexcept
    {
        const std::int64_t id = sco_error_job_id(handle_.get());
        return id == 0 ? std::nullopt : std::optional<std::int64_t>(id);
    }

    /// @return The job that ended without success, for a JobFailedError; otherwise nothing.
    std::optional<Job> job() const
    {
        const sco_job *job = sco_error_job(handle_.get());
        if (job == nullptr)
            return std::nullopt;
        return Job(std::shared_ptr<const sco_job>(handle_, job));
    }

    /// @return The first error lines of the log of a job that ended without success, if the
    /// server returned them.
    std::vector<std::string> job_log() const
    {
        std::vector<std::string> lines;
        while (const char *line = sco_error_job_log_line(handle_.get(), lines.size()))
            lines.emplace_back(line);
        return lines;
    }

private:
    std::shared_ptr<const sco_error> handle_;
};

/// An error of one kind, to be caught by its type.
template <ErrorKind Kind>
class ErrorOf : public Error {
public:
    using Error::Error;
};

/// ErrorKind::invalid_argument.
using InvalidArgumentError = ErrorOf<ErrorKind::invalid_argument>;
/// ErrorKind::authentication.
using AuthenticationError = ErrorOf<ErrorKind::authentication>;
/// ErrorKind::forbidden.
using ForbiddenError = ErrorOf<ErrorKind::forbidden>;
/// ErrorKind::not_found.
using NotFoundError = ErrorOf<ErrorKind::not_found>;
/// ErrorKind::rate_limited.
using RateLimitError = ErrorOf<ErrorKind::rate_limited>;
/// ErrorKind::server.
using ServerError = ErrorOf<ErrorKind::server>;
/// ErrorKind::unexpected_status.
using UnexpectedStatusError = ErrorOf<ErrorKind::unexpected_status>;
/// ErrorKind::connection.
using ConnectionFailedError = ErrorOf<ErrorKind::connection>;
/// ErrorKind::tls.
using TlsError = ErrorOf<ErrorKind::tls>;
/// ErrorKind::timeout.
using TimedOutError = ErrorOf<ErrorKind::timeout>;
/// ErrorKind::cancelled.
using CallCancelledError = ErrorOf<ErrorKind::cancelled>;
/// ErrorKind::malformed_body.
using MalformedBodyError = ErrorOf<ErrorKind::malformed_body>;
/// ErrorKind::too_large.
using TooLargeError = ErrorOf<ErrorKind::too_large>;
/// ErrorKind::io.
using StorageError = ErrorOf<ErrorKind::io>;
/// ErrorKind::internal.
using InternalError = ErrorOf<ErrorKind::internal>;
/// ErrorKind::job_failed.
using JobFailedError = ErrorOf<ErrorKind::job_failed>;

namespace detail {

[[noreturn]] inline void throw_error(sco_status status, sco_error *error)
{
    std::shared_ptr<const sco_error> handle(error, [](const sco_error *owned) {
        sco_error_free(const_cast<sco_error *>(owned));
    });
    // A newer library may return a status that this header does not have.
    switch (static_cast<std::int32_t>(status)) {
    case SCO_ERROR_INVALID_ARGUMENT: throw InvalidArgumentError(handle);
    case SCO_ERROR_AUTHENTICATION: throw AuthenticationError(handle);
    case SCO_ERROR_FORBIDDEN: throw ForbiddenError(handle);
    case SCO_ERROR_NOT_FOUND: throw NotFoundError(handle);
    case SCO_ERROR_RATE_LIMITED: throw RateLimitError(handle);
    case SCO_ERROR_SERVER: throw ServerError(handle);
    case SCO_ERROR_UNEXPECTED_STATUS: throw UnexpectedStatusError(handle);
    case SCO_ERROR_CONNECTION: throw ConnectionFailedError(handle);
    case SCO_ERROR_TLS: throw TlsError(handle);
    case SCO_ERROR_TIMEOUT: throw TimedOutError(handle);
    case SCO_ERROR_CANCELLED: throw CallCancelledError(handle);
    case SCO_ERROR_MALFORMED_BODY: throw MalformedBodyError(handle);
    case SCO_ERROR_TOO_LARGE: throw TooLargeError(handle);
    case SCO_ERROR_IO: throw StorageError(handle);
    case SCO_ERROR_INTERNAL: throw InternalError(handle);
    case SCO_ERROR_JOB_FAILED: throw JobFailedError(handle);
    default: throw Error(handle);
    }
}

/// Calls a function of the C interface whose last parameter is the error, and turns its
/// status into an exception.
template <typename Function, typename... Arguments>
void call(Function function, Arguments &&...arguments)
{
    // A callback may make a call itself, so the outer call's place is restored.
    std::exception_ptr exception;
    struct Entered {
        std::exception_ptr *before;
        explicit Entered(std::exception_ptr *now) : before(std::exchange(callback_exception, now)) {}
        Entered(const Entered &) = delete;
        Entered &operator=(const Entered &) = delete;
        ~Entered() { callback_exception = before; }
    };
    sco_error *error = nullptr;
    sco_status status = SCO_OK;
    {
        Entered entered(&exception);
        status = function(arguments..., &error);
    }
    if (exception != nullptr) {
        sco_error_free(error);
        std::rethrow_exception(exception);
    }
    if (status != SCO_OK)
        throw_error(status, error);
}

} // namespace detail

/// A view of bytes that belong to another object.
class ByteView {
public:
    /// Creates an empty view.
    ByteView() = default;

    /// Creates a view of bytes.
    ///
    /// @param data The first byte.
    /// @param size The number of bytes.
    ByteView(const std::uint8_t *data, std::size_t size) noexcept : data_(data), size_(size) {}

    /// @return The first byte.
    const std::uint8_t *data() const noexcept { return data_; }
    /// @return The number of bytes.
    std::size_t size() const noexcept { return size_; }
    /// @return Whether there are no bytes.
    bool empty() const noexcept { return size_ == 0; }
    /// @return An iterator to the first byte.
    const std::uint8_t *begin() const noexcept { return data_; }
    /// @return An iterator past the last byte.
    const std::uint8_t *end() const noexcept { return data_ + size_; }

    /// Returns a byte. The index is not checked.
    ///
    /// @param index The index of the byte, less than size().
    /// @return The byte.
    const std::uint8_t &operator[](std::size_t index) const noexcept { return data_[index]; }

    /// @return The bytes as text, in whatever encoding they are.
    std::string_view text() const noexcept
    {
        return std::string_view(reinterpret_cast<const char *>(data_), size_);
    }

private:
    const std::uint8_t *data_ = nullptr;
    std::size_t size_ = 0;
};

/// What happens if a file of the same name exists in the directory. Each is free of races
/// between threads and processes, except on file systems that sco_if_exists names.
enum class IfExists : std::int32_t {
    /// The call throws StorageError. The existing file is unchanged.
    fail = SCO_IF_EXISTS_FAIL,
    /// The new file replaces the existing one and gets its permissions. A program that has the
    /// old file open continues to read it. A symbolic link is replaced itself. A directory,
    /// device, pipe or socket is not replaced: the call throws StorageError.
    replace = SCO_IF_EXISTS_REPLACE,
    /// Both files are kept. The new one gets the first unused name of "report (1).csv",
    /// "report (2).csv", and so on.
    keep_both = SCO_IF_EXISTS_KEEP_BOTH,
};

/// How a file is saved.
struct SaveOptions {
    /// The file's name: a single name of at most 255 bytes, not a path. Default: the server's
    /// name.
    std::optional<std::string> file_name = std::nullopt;
    /// What happens if a file of the same name exists. Default: IfExists::fail.
    IfExists if_exists = IfExists::fail;
    /// Whether the call waits until the file is on the disk, so that not even a power failure
    /// loses it. Default: true.
    bool flush_to_disk = true;
};

/// How calls wait for a job.
struct WaitOptions {
    /// The time before the job is polled for the second time. Default: 1 s. Every later
    /// interval is the one before multiplied by 1.5. Zero is rejected. Less than 100 ms count
    /// as 100 ms.
    std::chrono::milliseconds initial_interval{1000};
    /// The maximum interval between two polls. Default: 30 s. Zero is rejected. Less than
    /// 100 ms count as 100 ms.
    std::chrono::milliseconds max_interval{30000};
    /// How long failures may last before they end the wait, such as a job that the server
    /// does not find yet. sco_call_options_set_wait_grace_ms lists them. Default: 120 s. Zero
    /// means that the first failure ends the wait; std::chrono::milliseconds::max() means no
    /// limit except the call's timeout.
    std::chrono::milliseconds grace{120000};
    /// Whether a job on hold ends the wait with JobFailedError. Default: true. With false the
    /// wait goes on until a user releases the job or the call times out.
    bool fail_on_hold = true;
};

/// A token that cancels calls, from any thread. Copies are the same token.
class CancelToken {
public:
    /// Creates a token that is not cancelled.
    CancelToken() : handle_(sco_cancel_token_new(), sco_cancel_token_free) {}

    /// Cancels every call that has this token, now and later. The calls throw
    /// CallCancelledError. A token stays cancelled.
    void cancel() const noexcept { sco_cancel_token_cancel(handle_.get()); }

    /// @return Whether the token is cancelled.
    bool is_cancelled() const noexcept { return sco_cancel_token_is_cancelled(handle_.get()) != 0; }

    /// @return The handle of the C interface. It belongs to the token.
    const sco_cancel_token *handle() const noexcept { return handle_.get(); }

private:
    std::shared_ptr<sco_cancel_token> handle_;
};

/// The progress of a download.
struct Progress {
    /// The number of bytes of the response body that this attempt has received, as they are
    /// sent: encoded and possibly compressed.
    std::uint64_t bytes_received;
    /// The size of the whole response body, in the same bytes; nothing if the server did not
    /// send it.
    std::optional<std::uint64_t> total_bytes;
    /// The number of this attempt within the call; the first is 1. bytes_received starts at 0
    /// in each attempt.
    unsigned attempt;
};

/// Options of one call. Several calls may use them at the same time; then their functions are
/// called on several threads at the same time.
struct CallOptions {
    /// How long the whole call may take, including the login, all retries and all waits.
    /// Default: ClientOptions::call_timeout, and 24 hours for calls that wait for a job. Zero
    /// is rejected; std::chrono::milliseconds::max() means no limit.
    std::optional<std::chrono::milliseconds> timeout = std::nullopt;
    /// A token that cancels the call. Default: none.
    std::optional<CancelToken> cancel_token = std::nullopt;
    /// A function that the call invokes on its own thread several times a second, whatever it
    /// waits for. Return false to cancel the call. Default: none.
    std::function<bool()> interrupt = nullptr;
    /// A function that the call invokes on its own thread with the progress of the download.
    /// Return false to cancel the call. Default: none.
    std::function<bool(const Progress &)> on_progress = nullptr;
    /// How the file is saved.
    SaveOptions save = {};
    /// How the call waits for a job.
    WaitOptions wait = {};
};

namespace detail {

/// Converts options for the C interface. The result refers to the callbacks of `options`.
inline CallOptionsHandle options_of(const CallOptions &options)
{
    CallOptionsHandle handle(sco_call_options_new());
    sco_call_options *raw = handle.get();
    if (options.timeout)
        call(sco_call_options_set_timeout_ms, raw, milliseconds_of(*options.timeout));
    if (options.cancel_token)
        call(sco_call_options_set_cancel_token, raw, options.cancel_token->handle());
    void *own_context = const_cast<CallOptions *>(&options);
    if (options.interrupt) {
        const sco_interrupt_callback callback = [](void *context) {
            return guarded([&]() -> std::int32_t {
                return static_cast<const CallOptions *>(context)->interrupt() ? 0 : 1;
            });
        };
        call(sco_call_options_set_interrupt, raw, callback, own_context);
    }
    if (options.on_progress) {
        const sco_progress_callback callback = [](void *context, const sco_progress *progress) {
            return guarded([&]() -> std::int32_t {
                Progress now{progress->bytes_received, std::nullopt, progress->attempt};
                if (progress->has_total_bytes != 0)
                    now.total_bytes = progress->total_bytes;
                return static_cast<const CallOptions *>(context)->on_progress(now) ? 0 : 1;
            });
        };
        call(sco_call_options_set_on_progress, raw, callback, own_context);
    }
    if (options.save.file_name)
        call(sco_call_options_set_file_name, raw, options.save.file_name->c_str());
    call(sco_call_options_set_if_exists, raw, static_cast<sco_if_exists>(options.save.if_exists));
    call(sco_call_options_set_flush_to_disk, raw, std::int32_t{options.save.flush_to_disk});
    call(sco_call_options_set_wait_initial_interval_ms, raw,
         milliseconds_of(options.wait.initial_interval));
    call(sco_call_options_set_wait_max_interval_ms, raw, milliseconds_of(options.wait.max_interval));
    call(sco_call_options_set_wait_grace_ms, raw, milliseconds_of(options.wait.grace));
    call(sco_call_options_set_fail_on_hold, raw, std::int32_t{options.wait.fail_on_hold});
    return handle;
}

} // namespace detail

/// The properties of an output file that was saved or written.
struct FileInfo {
    /// Copies the properties from a handle of the C interface.
    ///
    /// @param info The handle.
    explicit FileInfo(const sco_file_info *info)
        : name(detail::string_of(sco_file_info_name(info))),
          is_fallback_name(sco_file_info_is_fallback_name(info) != 0),
          size(sco_file_info_size(info)),
          content_type(detail::optional_string(sco_file_info_content_type(info))),
          path(detail::path_of(detail::string_of(sco_file_info_path(info))))
    {
    }

    /// The server's name for the file, safe on Windows and Unix. The path may end in another
    /// name, if the options say so.
    std::string name;
    /// Whether the server sent no usable name, so that the name is "output-{job id}" with the
    /// extension of the content type, if that is known.
    bool is_fallback_name;
    /// The size in bytes.
    std::uint64_t size;
    /// The Content-Type of the response; nothing if it had none.
    std::optional<std::string> content_type;
    /// The path of the saved file; empty if the file was passed to a function.
    std::filesystem::path path;
};

/// A job's output file, in memory. The views that its functions return are valid while it
/// exists, and cannot be obtained from a temporary. Any number of threads may read it at the same time.
class OutputFile {
public:
    /// Takes ownership of a handle of the C interface.
    ///
    /// @param handle The handle.
    explicit OutputFile(detail::FileHandle handle) noexcept : handle_(std::move(handle)) {}

    /// @return The file's name, safe on Windows and Unix: never a path, never empty, at most
    /// 255 bytes.
    std::string_view name() const & noexcept
    {
        return detail::view_of(sco_output_file_name(handle_.get()));
    }
    /// Not available: the view could outlive the temporary file.
    std::string_view name() const && = delete;

    /// @return Whether the server sent no usable name, so that the name is "output-{job id}"
    /// with the extension of the content type, if that is known.
    bool is_fallback_name() const noexcept
    {
        return sco_output_file_is_fallback_name(handle_.get()) != 0;
    }

    /// @return The bytes of the file.
    ByteView bytes() const & noexcept
    {
        return ByteView(sco_output_file_data(handle_.get()), sco_output_file_size(handle_.get()));
    }
    /// Not available: the view could outlive the temporary file.
    ByteView bytes() const && = delete;

    /// @return The size in bytes.
    std::size_t size() const noexcept { return sco_output_file_size(handle_.get()); }

    /// @return The Content-Type of the response; nothing if it had none.
    std::optional<std::string_view> content_type() const & noexcept
    {
        return detail::optional_view(sco_output_file_content_type(handle_.get()));
    }
    /// Not available: the view could outlive the temporary file.
    std::optional<std::string_view> content_type() const && = delete;

    /// Saves the file in a directory, under its name unless the options have another. The file
    /// appears whole or not at all.
    ///
    /// @param directory The path of an existing directory; "." for the current one.
    /// @param options How the file is saved.
    /// @return The path and the properties of the saved file.
    /// @throws StorageError if the file cannot be written, or if a file of that name exists and
    /// the options have IfExists::fail, the default.
    /// @throws InvalidArgumentError if directory is empty or the options' file name is not a
    /// file name.
    FileInfo save(const std::filesystem::path &directory, const SaveOptions &options = {}) const
    {
        CallOptions call_options;
        call_options.save = options;
        const auto handle = detail::options_of(call_options);
        detail::InfoHandle info;
        detail::call(sco_output_file_save, static_cast<const sco_output_file *>(handle_.get()),
                     detail::utf8(directory).c_str(),
                     static_cast<const sco_call_options *>(handle.get()), detail::Out(info));
        return FileInfo(info.get());
    }

private:
    detail::FileHandle handle_;
};

/// A record of one HTTP request. It contains no token, password or body. Its views are valid
/// until the function that receives it returns.
struct RequestRecord {
    /// The HTTP method: "GET" or "POST".
    std::string_view method;
    /// The URL of the request.
    std::string_view url;
    /// Why there was no response or only a part of it; nothing if the response was complete.
    std::optional<std::string_view> error;
    /// The number of bytes of the response body that were received, as they were sent.
    std::uint64_t bytes_received;
    /// The time from the start of the request to the end of the response body.
    std::chrono::duration<double> duration;
    /// The HTTP status code; nothing if there was no response.
    std::optional<int> http_status;
    /// The number of this attempt within the call; the first is 1.
    unsigned attempt;
};

/// How the server encodes files in response bodies.
enum class BodyEncoding : std::int32_t {
    /// The body is base64 text, a JSON string of it, or a JSON object whose Content is that
    /// string.
    base64 = SCO_BODY_BASE64,
    /// The body is the file, byte for byte. Nothing is checked.
    raw = SCO_BODY_RAW,
    /// base64 if the first 64 KiB of the body can be that, otherwise raw. This is a guess.
    automatic = SCO_BODY_AUTO,
};

/// Options of a client. A client needs a server or a team. It also needs a token, a user name
/// and password, or a token provider.
struct ClientOptions {
    /// A server id, such as "tt" for https://tt.api.sellercloud.com/rest, or a base URL. Not
    /// used if team is set.
    std::string server = {};
    /// The team whose server the client looks up with its first call. Default: none.
    std::optional<std::string> team = std::nullopt;
    /// The URL of the service that knows the servers of teams. Default:
    /// "https://api.sellercloud.com".
    std::optional<std::string> team_lookup_url = std::nullopt;

    /// The bearer token, without "Bearer". It takes precedence over a user name and password
    /// and over a token provider.
    std::optional<std::string> token = std::nullopt;
    /// The user name that the client logs in with. It requires a password.
    std::optional<std::string> user_name = std::nullopt;
    /// The password that the client logs in with. It requires a user name.
    std::optional<std::string> password = std::nullopt;
    /// A function that returns the token for each request. It takes precedence over a user name
    /// and password. The argument is true if the server
    /// has just rejected the last token. It is called on the threads that make calls, by
    /// several of them at the same time, and must not make a call with the same client.
    std::function<std::string(bool)> token_provider = nullptr;

    /// How the server encodes files. Default: BodyEncoding::base64.
    BodyEncoding body_encoding = BodyEncoding::base64;
    /// The maximum size of a file in bytes, after decoding. Default: 2 GiB for files in memory,
    /// and no limit for files that are saved or written. A larger file fails with TooLargeError.
    /// Zero is rejected; UINT64_MAX means no limit.
    std::optional<std::uint64_t> max_file_size = std::nullopt;
    /// Whether the client may use http:// for hosts other than loopback. Then the token, the
    /// password and the files are sent unencrypted. Default: false.
    bool allow_plain_http = false;

    /// How long to wait for a connection: name lookup, proxy and TLS together. Default: 30 s.
    /// Zero is rejected; std::chrono::milliseconds::max() means no limit.
    std::chrono::milliseconds connect_timeout{30000};
    /// How long to wait for the next byte of a response, or until the next byte of a request
    /// can be sent. Default: 60 s. Zero is rejected; std::chrono::milliseconds::max() means no
    /// limit.
    std::chrono::milliseconds stall_timeout{60000};
    /// How long a whole call may take, including the login and all retries. Default: 1 hour. It
    /// does not apply to calls that wait for a job. CallOptions::timeout takes precedence. Zero
    /// is rejected; std::chrono::milliseconds::max() means no limit.
    std::chrono::milliseconds call_timeout{3600000};

    /// How many times a request is sent at most, including the first time. Only transient
    /// failures are retried. Default: 5. 1 means no retry. Zero is rejected; UINT_MAX means no
    /// limit except the call's timeout.
    unsigned max_attempts = 5;
    /// The maximum time to wait before the second attempt; it doubles with each later attempt.
    /// Default: 1 s. Zero means to retry at once.
    std::chrono::milliseconds initial_backoff{1000};
    /// The maximum time to wait before any later attempt. Default: 30 s. Zero means to retry at once.
    std::chrono::milliseconds max_backoff{30000};
    /// Whether responses with status 500 are retried. Default: false.
    bool retry_server_errors = false;

    /// The http:// or https:// URL of the proxy for all servers that are not on loopback; an
    /// empty string for none. Default: the proxy that the environment variables name.
    std::optional<std::string> proxy = std::nullopt;
    /// CA certificates that the client trusts, besides those that the system trusts: one or
    /// more in PEM, or one in DER. Default: none.
    std::string ca_certificates = {};
    /// The certificate that the client shows to servers that ask for one, and its intermediate
    /// certificates, in PEM. Default: none.
    std::string client_certificate = {};
    /// The private key of client_certificate, in PEM.
    std::string client_key = {};

    /// Text that is appended to the User-Agent header of every request after a space, such as
    /// "nightly-export/2.1": 1 to 128 visible ASCII characters and spaces, with no space at the
    /// beginning or the end. Default: none.
    std::optional<std::string> user_agent_suffix = std::nullopt;

    /// A function that receives a record of each request when the request has ended. It is
    /// called on the threads that make calls, by several of them at the same time. It cannot
    /// change the outcome of a call: its exceptions are discarded. Default: none.
    std::function<void(const RequestRecord &)> on_request = nullptr;
};

/// A client for one Sellercloud server and one user. Any number of threads may use it at the
/// same time. Do not move or destroy it while a call is using it.
class Client {
public:
    /// Creates a client with a token. Nothing is sent until the first call.
    ///
    /// @param server A server id, such as "tt", or a base URL.
    /// @param token The bearer token, without "Bearer".
    /// @throws InvalidArgumentError if the server or the token cannot be used.
    Client(std::string server, std::string token)
        : Client([&] {
              ClientOptions options;
              options.server = std::move(server);
              options.token = std::move(token);
              return options;
          }())
    {
    }

    /// Creates a client with options. Nothing is sent until the first call.
    ///
    /// @param options The options. The client copies them.
    /// @throws InvalidArgumentError if an option is missing or cannot be used.
    explicit Client(const ClientOptions &options)
        : callbacks_(new Callbacks{options.token_provider, options.on_request}), handle_()
    {
        const detail::ClientOptionsHandle handle(sco_client_options_new());
        configure(handle.get(), options);
        const char *server = options.team ? nullptr : options.server.c_str();
        const char *token = options.token ? options.token->c_str() : nullptr;
        detail::call(sco_client_new, server, token,
                     static_cast<const sco_client_options *>(handle.get()), detail::Out(handle_));
    }

    /// Reads a job id from text: the id itself, or the QueuedJobLink that the server returned
    /// when the job was created.
    ///
    /// @param text The text.
    /// @return The job's id.
    /// @throws InvalidArgumentError if the text contains no job id.
    static std::int64_t parse_job_id(const std::string &text)
    {
        std::int64_t job_id = 0;
        detail::call(sco_parse_job_id, text.c_str(), &job_id);
        return job_id;
    }

    /// Downloads a job's output file into memory.
    ///
    /// @param job_id The job's id, 1 to 2147483647.
    /// @param options The options of this call.
    /// @return The file.
    /// @throws Error if the call fails.
    OutputFile get_output_file(std::int64_t job_id, const CallOptions &options = {}) const
    {
        const auto handle = detail::options_of(options);
        detail::FileHandle file;
        detail::call(sco_get_output_file, client(), job_id, raw(handle), detail::Out(file));
        return OutputFile(std::move(file));
    }

    /// Downloads a job's output file into a directory. The file appears whole or not at all.
    ///
    /// @param job_id The job's id, 1 to 2147483647.
    /// @param directory The path of an existing directory; "." for the current one.
    /// @param options The options of this call.
    /// @return The path and the properties of the saved file.
    /// @throws Error if the call fails.
    FileInfo save_output_file(std::int64_t job_id, const std::filesystem::path &directory,
                              const CallOptions &options = {}) const
    {
        const auto handle = detail::options_of(options);
        detail::InfoHandle info;
        detail::call(sco_save_output_file, client(), job_id, detail::utf8(directory).c_str(),
                     raw(handle), detail::Out(info));
        return FileInfo(info.get());
    }

    /// Downloads a job's output file and passes it to a function, chunk by chunk.
    ///
    /// If the call fails, the function may have received a part of the file: use the file only
    /// if the call succeeds.
    ///
    /// @param job_id The job's id, 1 to 2147483647.
    /// @param write The function. The bytes are valid until it returns.
    /// @param options The options of this call.
    /// @return The properties of the file.
    /// @throws Error if the call fails.
    FileInfo write_output_file(std::int64_t job_id, const std::function<void(ByteView)> &write,
                               const CallOptions &options = {}) const
    {
        const auto handle = detail::options_of(options);
        void *context = const_cast<std::function<void(ByteView)> *>(&write);
        detail::InfoHandle info;
        detail::call(sco_write_output_file, client(), job_id, sco_write_callback{write_bytes},
                     context, raw(handle), detail::Out(info));
        return FileInfo(info.get());
    }

    /// Gets the state of a job. A job that has failed or was cancelled is not an error.
    ///
    /// @param job_id The job's id, 1 to 2147483647.
    /// @param options The options of this call.
    /// @return The job.
    /// @throws Error if the call fails.
    Job get_job(std::int64_t job_id, const CallOptions &options = {}) const
    {
        const auto handle = detail::options_of(options);
        detail::JobHandle job;
        detail::call(sco_get_job, client(), job_id, raw(handle), detail::Out(job));
        return Job(std::move(job));
    }

    /// Waits until a job has ended with success, at least for some of its records. The call
    /// times out after 24 hours unless the options set another timeout.
    ///
    /// @param job_id The job's id, 1 to 2147483647.
    /// @param options The options of this call.
    /// @return The job.
    /// @throws JobFailedError if the job ended without success or is on hold.
    /// @throws Error if the call fails otherwise.
    Job wait_for_job(std::int64_t job_id, const CallOptions &options = {}) const
    {
        const auto handle = detail::options_of(options);
        detail::JobHandle job;
        detail::call(sco_wait_for_job, client(), job_id, raw(handle), detail::Out(job));
        return Job(std::move(job));
    }

    /// Waits for a job as wait_for_job() does, and downloads its output file into memory.
    ///
    /// @param job_id The job's id, 1 to 2147483647.
    /// @param options The options of this call.
    /// @return The job and the file.
    /// @throws JobFailedError if the job ended without success or is on hold.
    /// @throws Error if the call fails otherwise.
    std::pair<Job, OutputFile> wait_for_output_file(std::int64_t job_id,
                                                    const CallOptions &options = {}) const
    {
        const auto handle = detail::options_of(options);
        detail::JobHandle job;
        detail::FileHandle file;
        detail::call(sco_wait_for_output_file, client(), job_id, raw(handle), detail::Out(job),
                     detail::Out(file));
        return {Job(std::move(job)), OutputFile(std::move(file))};
    }

    /// Waits for a job as wait_for_job() does, and downloads its output file into a directory
    /// as save_output_file() does. The directory, and the file name if the options have one,
    /// are checked before the wait begins.
    ///
    /// @param job_id The job's id, 1 to 2147483647.
    /// @param directory The path of an existing directory; "." for the current one.
    /// @param options The options of this call.
    /// @return The job, and the path and the properties of the saved file.
    /// @throws JobFailedError if the job ended without success or is on hold.
    /// @throws Error if the call fails otherwise.
    std::pair<Job, FileInfo> wait_and_save_output_file(std::int64_t job_id,
                                                       const std::filesystem::path &directory,
                                                       const CallOptions &options = {}) const
    {
        const auto handle = detail::options_of(options);
        detail::JobHandle job;
        detail::InfoHandle info;
        detail::call(sco_wait_and_save_output_file, client(), job_id,
                     detail::utf8(directory).c_str(), raw(handle), detail::Out(job),
                     detail::Out(info));
        return {Job(std::move(job)), FileInfo(info.get())};
    }

    /// Waits for a job as wait_for_job() does, and passes its output file to a function as
    /// write_output_file() does.
    ///
    /// @param job_id The job's id, 1 to 2147483647.
    /// @param write The function. The bytes are valid until it returns.
    /// @param options The options of this call.
    /// @return The job and the properties of the file.
    /// @throws JobFailedError if the job ended without success or is on hold.
    /// @throws Error if the call fails otherwise.
    std::pair<Job, FileInfo> wait_and_write_output_file(std::int64_t job_id,
                                                        const std::function<void(ByteView)> &write,
                                                        const CallOptions &options = {}) const
    {
        const auto handle = detail::options_of(options);
        void *context = const_cast<std::function<void(ByteView)> *>(&write);
        detail::JobHandle job;
        detail::InfoHandle info;
        detail::call(sco_wait_and_write_output_file, client(), job_id,
                     sco_write_callback{write_bytes}, context, raw(handle), detail::Out(job),
                     detail::Out(info));
        return {Job(std::move(job)), FileInfo(info.get())};
    }

private:
    // On the heap, because the C interface keeps their address when the client is moved.
    struct Callbacks {
        std::function<std::string(bool)> token_provider;
        std::function<void(const RequestRecord &)> on_request;
    };

    void configure(sco_client_options *handle, const ClientOptions &options)
    {
        using detail::call;
        using detail::milliseconds_of;
        const auto bytes = [](const std::string &text) {
            return reinterpret_cast<const std::uint8_t *>(text.data());
        };
        if (options.team)
            call(sco_client_options_set_team, handle, options.team->c_str());
        if (options.team_lookup_url)
            call(sco_client_options_set_team_lookup_url, handle, options.team_lookup_url->c_str());
        if (options.user_name || options.password)
            call(sco_client_options_set_credentials, handle, options.user_name.value_or("").c_str(),
                 options.password.value_or("").c_str());
        if (options.token_provider)
            call(sco_client_options_set_token_provider, handle, sco_token_callback{provide_token},
                 static_cast<void *>(callbacks_.get()));
        call(sco_client_options_set_body_encoding, handle,
             static_cast<sco_body_encoding>(options.body_encoding));
        if (options.max_file_size)
            call(sco_client_options_set_max_file_size_bytes, handle, *options.max_file_size);
        call(sco_client_options_set_allow_plain_http, handle,
             std::int32_t{options.allow_plain_http});
        call(sco_client_options_set_connect_timeout_ms, handle,
             milliseconds_of(options.connect_timeout));
        call(sco_client_options_set_stall_timeout_ms, handle, milliseconds_of(options.stall_timeout));
        call(sco_client_options_set_call_timeout_ms, handle, milliseconds_of(options.call_timeout));
        call(sco_client_options_set_max_attempts, handle, std::uint32_t{options.max_attempts});
        call(sco_client_options_set_initial_backoff_ms, handle,
             milliseconds_of(options.initial_backoff));
        call(sco_client_options_set_max_backoff_ms, handle, milliseconds_of(options.max_backoff));
        call(sco_client_options_set_retry_server_errors, handle,
             std::int32_t{options.retry_server_errors});
        if (options.proxy)
            call(sco_client_options_set_proxy, handle, options.proxy->c_str());
        if (!options.ca_certificates.empty())
            call(sco_client_options_add_ca_certificates, handle, bytes(options.ca_certificates),
                 options.ca_certificates.size());
        if (!options.client_certificate.empty())
            call(sco_client_options_set_client_certificate, handle,
                 bytes(options.client_certificate), options.client_certificate.size(),
                 bytes(options.client_key), options.client_key.size());
        if (options.user_agent_suffix)
            call(sco_client_options_set_user_agent_suffix, handle,
                 options.user_agent_suffix->c_str());
        if (options.on_request)
            call(sco_client_options_set_on_request, handle, sco_request_callback{report_request},
                 static_cast<void *>(callbacks_.get()));
    }

    static std::int32_t provide_token(void *context, std::int32_t renew, sco_token_result *result)
    {
        return detail::guarded([&]() -> std::int32_t {
            const auto &provider = static_cast<const Callbacks *>(context)->token_provider;
            detail::call(sco_token_result_set, result, provider(renew != 0).c_str());
            return 0;
        });
    }

    static void report_request(void *context, const sco_request_record *raw) noexcept
    {
        RequestRecord record{raw->method,
                             raw->url,
                             std::nullopt,
                             raw->bytes_received,
                             std::chrono::duration<double>(raw->duration_seconds),
                             std::nullopt,
                             raw->attempt};
        if (raw->error != nullptr)
            record.error = raw->error;
        if (raw->http_status != 0)
            record.http_status = raw->http_status;
        try {
            static_cast<const Callbacks *>(context)->on_request(record);
        } catch (...) {
            // The function cannot change the outcome of a call, and there is no other place
            // to report the exception.
        }
    }

    static std::int32_t write_bytes(void *context, const std::uint8_t *data, std::size_t size)
    {
        return detail::guarded([&]() -> std::int32_t {
            (*static_cast<const std::function<void(ByteView)> *>(context))({data, size});
            return 0;
        });
    }

    static const sco_call_options *raw(const detail::CallOptionsHandle &options)
    {
        return options.get();
    }

    const sco_client *client() const noexcept { return handle_.get(); }

    std::unique_ptr<Callbacks> callbacks_;
    detail::ClientHandle handle_;
};

} // namespace sellercloud_output

#endif
