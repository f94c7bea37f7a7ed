/**
 * @file
 * @brief Downloads the output file of a Sellercloud queued job, for C++17.
 *
 * @code
 * sellercloud_output::Client client("tt", "the-bearer-token");
 * const auto saved = client.save_output_file(28142, "exports");
 * std::cout << saved.path << '\n';
 * @endcode
 *
 * The interface consists of this header, over the C interface: link the same library.
 *
 * - A failed call throws a sellercloud_output::Error, or one of its subclasses such as
 *   sellercloud_output::RateLimitError. If the standard library has std::expected (C++23), each
 *   call has a twin whose name begins with try_ and that returns the error.
 * - Strings are UTF-8. A string that contains a NUL character is rejected with
 *   InvalidArgumentError. So is NULL where a string is required: the result of std::getenv
 *   can be passed as it is.
 * - If a callback throws, the call ends and throws the same exception. What
 *   ClientOptions::on_request throws is discarded. A call that has succeeded throws nothing.
 * - A limit (a timeout, a maximum, an interval) must be greater than zero: zero is rejected
 *   with InvalidArgumentError. The largest value of its type, such as
 *   std::chrono::milliseconds::max(), means no limit. A negative time counts as zero.
 * - A Client, OutputFile, OutputFileDownload or JobWait that was moved from is empty: its calls
 *   throw InvalidArgumentError, and an empty file has neither a name nor bytes.
 * - The layout of the types is the same in all versions of C++. Code that is compiled as C++17
 *   can exchange them with code that is compiled as C++20.
 *
 * sellercloud_output.h documents everything else, such as threads, fork and signals.
 */

#ifndef SELLERCLOUD_OUTPUT_HPP
#define SELLERCLOUD_OUTPUT_HPP

// MSVC defines __cplusplus as 199711L unless it is called with /Zc:__cplusplus.
#if (defined(_MSVC_LANG) && _MSVC_LANG < 201703L) || (!defined(_MSVC_LANG) && __cplusplus < 201703L)
#error "sellercloud_output.hpp requires C++17 or later"
#else

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <streambuf>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#if __cplusplus >= 202002L || (defined(_MSVC_LANG) && _MSVC_LANG >= 202002L)
#include <version>
#endif
#ifdef __cpp_lib_span
#include <span>
#endif
#ifdef __cpp_lib_expected
#include <expected>
#endif
#if defined(_WIN32) && !defined(__cpp_char8_t)
#include <filesystem>
#endif

#include "sellercloud_output.h"

static_assert(SCO_VERSION_MAJOR == 0 && SCO_VERSION_MINOR == 1,
              "sellercloud_output.h and sellercloud_output.hpp are of different versions");

namespace sellercloud_output {

/// The version of the interface. It is a part of the linker's names, so that two versions can
/// be used in one program.
inline namespace v0_1 {

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

/// A text field of a job, for Job::text().
enum class JobTextField : std::int32_t {
    /// The type of the job, in the server's words.
    type = SCO_JOB_TEXT_TYPE,
    /// The name of the company that the job is for.
    company_name = SCO_JOB_TEXT_COMPANY_NAME,
    /// Why the job failed, in the server's words.
    error_message = SCO_JOB_TEXT_ERROR_MESSAGE,
    /// When the job was submitted, as the server's text, which may lack a time zone.
    submitted_on = SCO_JOB_TEXT_SUBMITTED_ON,
    /// When the job started, as the server's text, which may lack a time zone.
    started_on = SCO_JOB_TEXT_STARTED_ON,
    /// When the job ended, as the server's text, which may lack a time zone.
    completed_on = SCO_JOB_TEXT_COMPLETED_ON,
    /// The name of the job's output file, once it exists.
    output_file = SCO_JOB_TEXT_OUTPUT_FILE,
    /// The name of the job's input file.
    input_file = SCO_JOB_TEXT_INPUT_FILE,
};

/// A number field of a job, for Job::number().
enum class JobNumberField : std::int32_t {
    /// The id of the company that the job is for.
    company_id = SCO_JOB_NUMBER_COMPANY_ID,
    /// The priority of the job, 0 to 3.
    priority = SCO_JOB_NUMBER_PRIORITY,
    /// The number of records that the job has to process.
    total_records = SCO_JOB_NUMBER_TOTAL_RECORDS,
    /// The number of records processed so far.
    total_processed = SCO_JOB_NUMBER_TOTAL_PROCESSED,
    /// The number of records processed with success so far.
    total_succeeded = SCO_JOB_NUMBER_TOTAL_SUCCEEDED,
    /// The number of records processed without success so far.
    total_failed = SCO_JOB_NUMBER_TOTAL_FAILED,
    /// The number of phases of the job.
    total_phases = SCO_JOB_NUMBER_TOTAL_PHASES,
    /// The number of the phase that the job is in.
    current_phase = SCO_JOB_NUMBER_CURRENT_PHASE,
    /// The number of items of the current phase.
    total_items_in_phase = SCO_JOB_NUMBER_TOTAL_ITEMS_IN_PHASE,
    /// The number of items of the current phase processed so far.
    total_processed_in_phase = SCO_JOB_NUMBER_TOTAL_PROCESSED_IN_PHASE,
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

/// Converts a std::filesystem::path, or a type like it, to text of the C interface. The type is a
/// parameter because \<filesystem> takes long to compile.
#ifdef _WIN32
template <typename FilesystemPath>
auto text_of_path(const FilesystemPath &path) -> decltype(path.u8string(), std::string())
{
    const auto text = path.u8string(); // in C++20 not a std::string
    return std::string(text.begin(), text.end());
}
#else
template <typename FilesystemPath>
auto text_of_path(const FilesystemPath &path) -> decltype(std::string(path.native()))
{
    return path.native();
}
#endif

/// Converts text of the C interface to a std::filesystem::path.
template <typename FilesystemPath>
FilesystemPath path_of_text(const std::string &text)
{
#ifndef _WIN32
    return FilesystemPath(text);
#elif defined(__cpp_char8_t)
    return FilesystemPath(std::u8string(text.begin(), text.end()));
#else
    return std::filesystem::u8path(text);
#endif
}

/// Owns a handle of the C interface, or nothing.
template <typename T, void (*free)(T *)>
class Handle {
public:
    Handle() = default;
    explicit Handle(T *handle) noexcept : handle_(handle) {}
    Handle(Handle &&other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    Handle &operator=(Handle &&other) noexcept
    {
        Handle before(std::move(other));
        std::swap(handle_, before.handle_);
        return *this;
    }
    Handle(const Handle &) = delete;
    Handle &operator=(const Handle &) = delete;
    ~Handle() { free(handle_); }

    const T *get() const noexcept { return handle_; }
    T *get() noexcept { return handle_; }
    /// Returns the address of the handle, which must be nothing, as an out parameter.
    T **out() noexcept { return &handle_; }
    T *release() noexcept { return std::exchange(handle_, nullptr); }

private:
    T *handle_ = nullptr;
};

using ClientOptionsHandle = Handle<sco_client_options, sco_client_options_free>;
using CallOptionsHandle = Handle<sco_call_options, sco_call_options_free>;
using FileHandle = Handle<sco_output_file, sco_output_file_free>;
using InfoHandle = Handle<sco_file_info, sco_file_info_free>;
using JobHandle = Handle<sco_job, sco_job_free>;
using ClientHandle = Handle<sco_client, sco_client_free>;
using DownloadHandle = Handle<sco_output_file_download, sco_output_file_download_free>;
using WaitHandle = Handle<sco_job_wait, sco_job_wait_free>;

/// The exception of a callback of the call that runs on this thread.
inline thread_local std::exception_ptr *callback_exception = nullptr;

/// Runs the body of a callback. Stores its exception, which must not reach C, and returns
/// `failure` for it.
template <typename Result, typename Body>
Result guarded(Result failure, Body &&body) noexcept
{
    try {
        return body();
    } catch (...) {
        if (callback_exception != nullptr && *callback_exception == nullptr)
            *callback_exception = std::current_exception();
        return failure;
    }
}

} // namespace detail

template <typename Signature>
class Function;

/// A function, a lambda, a std::function or another function object, or nothing. Copies refer to
/// the same object.
///
/// It is used instead of std::function because \<functional> takes long to compile.
template <typename Result, typename... Arguments>
class Function<Result(Arguments...)> {
public:
    /// Creates nothing.
    Function() = default;
    /// Creates nothing.
    Function(std::nullptr_t) noexcept {}
    /// Stores a function object. A function pointer or std::function that is null is nothing.
    ///
    /// @param callable The function object.
    template <typename Callable,
              typename Actual = decltype(std::declval<Callable &>()(std::declval<Arguments>()...)),
              typename = std::enable_if_t<
                  !std::is_same_v<Callable, Function> &&
                  (std::is_void_v<Result> || std::is_convertible_v<Actual, Result>)>>
    Function(Callable callable)
    {
        if constexpr (std::is_constructible_v<Callable, std::nullptr_t>) {
            if (callable == nullptr)
                return;
        }
        object_ = std::make_shared<Callable>(std::move(callable));
        call_ = [](void *object, Arguments... arguments) -> Result {
            return static_cast<Result>(
                (*static_cast<Callable *>(object))(std::forward<Arguments>(arguments)...));
        };
    }

    /// @return Whether there is a function.
    [[nodiscard]] explicit operator bool() const noexcept { return object_ != nullptr; }

    /// Calls the function, which must exist.
    ///
    /// @param arguments The arguments.
    /// @return What the function returns.
    Result operator()(Arguments... arguments) const
    {
        return call_(object_.get(), std::forward<Arguments>(arguments)...);
    }

private:
    std::shared_ptr<void> object_ = nullptr;
    Result (*call_)(void *, Arguments...) = nullptr;
};

/// A string, or nothing. NULL is nothing, so that the result of std::getenv can be used as it is.
class Text {
public:
    /// Creates nothing.
    Text() = default;
    /// Creates nothing.
    Text(std::nullptr_t) noexcept {}
    /// Creates nothing.
    Text(std::nullopt_t) noexcept {}
    /// Copies a string.
    ///
    /// @param value A string that ends with NUL, or NULL for nothing.
    Text(const char *value) : value_(detail::optional_string(value)) {}
    /// Stores a string.
    ///
    /// @param value The string.
    Text(std::string value) noexcept : value_(std::move(value)) {}
    /// Copies a string.
    ///
    /// @param value The string.
    Text(std::string_view value) : value_(value) {}
    /// Stores a string or nothing.
    ///
    /// @param value The string, or nothing.
    Text(std::optional<std::string> value) noexcept : value_(std::move(value)) {}

    /// @return Whether there is a string.
    [[nodiscard]] bool has_value() const noexcept { return value_.has_value(); }
    /// @return The string. Throws std::bad_optional_access if there is none.
    [[nodiscard]] const std::string &value() const & { return value_.value(); }
    /// Not available: the reference could outlive the temporary.
    const std::string &value() const && = delete;

private:
    std::optional<std::string> value_ = std::nullopt;
};

/// The path of a file or directory. It converts from and to std::filesystem::path.
class Path {
public:
    /// Copies a path.
    ///
    /// @param path A path that ends with NUL: in UTF-8 on Windows, and bytes elsewhere. NULL is
    /// an empty path, which calls reject.
    Path(const char *path) : text_(detail::string_of(path)) {}
    /// Stores a path.
    ///
    /// @param path The path: in UTF-8 on Windows, and bytes elsewhere.
    Path(std::string path) noexcept : text_(std::move(path)) {}
    /// Copies a path.
    ///
    /// @param path The path: in UTF-8 on Windows, and bytes elsewhere.
    Path(std::string_view path) : text_(path) {}
    /// Converts a path of the standard library.
    ///
    /// @param path The std::filesystem::path.
    template <typename FilesystemPath,
              typename = decltype(detail::text_of_path(std::declval<const FilesystemPath &>()))>
    Path(const FilesystemPath &path) : text_(detail::text_of_path(path))
    {
    }

    /// @return The path: in UTF-8 on Windows, and bytes elsewhere.
    [[nodiscard]] const std::string &text() const & noexcept { return text_; }
    /// Not available: the reference could outlive the temporary path.
    const std::string &text() const && = delete;

    /// @return The path as a std::filesystem::path.
    template <typename FilesystemPath,
              typename = decltype(detail::text_of_path(std::declval<const FilesystemPath &>()))>
    [[nodiscard]] operator FilesystemPath() const
    {
        return detail::path_of_text<FilesystemPath>(text_);
    }

    /// Writes a path to a stream, without quotation marks.
    ///
    /// @param stream The stream.
    /// @param path The path.
    /// @return The stream.
    template <typename Traits>
    friend std::basic_ostream<char, Traits> &operator<<(std::basic_ostream<char, Traits> &stream,
                                                        const Path &path)
    {
        return stream << path.text_;
    }

    // Templates, so that a comparison with a std::filesystem::path is one of that type.

    /// Compares two paths as text.
    ///
    /// @param one A path.
    /// @param other Another path.
    /// @return Whether they are equal.
    template <typename Same, typename = std::enable_if_t<std::is_same_v<Same, Path>>>
    [[nodiscard]] friend bool operator==(const Same &one, const Same &other) noexcept
    {
        return one.text_ == other.text_;
    }
    /// Compares two paths as text.
    ///
    /// @param one A path.
    /// @param other Another path.
    /// @return Whether they differ.
    template <typename Same, typename = std::enable_if_t<std::is_same_v<Same, Path>>>
    [[nodiscard]] friend bool operator!=(const Same &one, const Same &other) noexcept
    {
        return one.text_ != other.text_;
    }

private:
    std::string text_;
};

/// A queued job, as the server described it. Copies refer to the same job. Any number of
/// threads may read it at the same time.
class Job {
public:
    /// Takes ownership of a handle of the C interface.
    ///
    /// @param handle The handle.
    [[nodiscard]] explicit Job(sco_job *handle) : handle_(handle, sco_job_free) {}
    // There is no move: it would leave a job empty.
    /// Refers to the job of another object.
    ///
    /// @param other The other object.
    Job(const Job &other) = default;
    /// Refers to the job of another object.
    ///
    /// @param other The other object.
    /// @return This object.
    Job &operator=(const Job &other) = default;
    ~Job() = default;

    /// @return The job's id.
    [[nodiscard]] std::int64_t id() const noexcept { return sco_job_id(handle_.get()); }

    /// @return The status; JobStatus::unknown for one that this version does not know.
    [[nodiscard]] JobStatus status() const noexcept
    {
        return static_cast<JobStatus>(sco_job_status(handle_.get()));
    }

    /// @return The server's text for the status, such as "PartialSuccess". It is valid while
    /// a copy of this job exists.
    [[nodiscard]] std::string_view status_name() const & noexcept
    {
        return detail::view_of(sco_job_status_name(handle_.get()));
    }
    /// Not available: the view could outlive the temporary job.
    std::string_view status_name() const && = delete;

    /// @return Whether the job has ended, with or without success.
    [[nodiscard]] bool is_final() const noexcept { return sco_job_is_final(handle_.get()) != 0; }

    /// Returns a text field of the job.
    ///
    /// @param field The field.
    /// @return The text, valid while a copy of this job exists; nothing if the server did not
    /// send the field.
    [[nodiscard]] std::optional<std::string_view> text(JobTextField field) const & noexcept
    {
        return detail::optional_view(
            sco_job_text(handle_.get(), static_cast<sco_job_text_field>(field)));
    }
    /// Not available: the view could outlive the temporary job.
    ///
    /// @param field The field.
    std::optional<std::string_view> text(JobTextField field) const && = delete;

    /// Returns a number field of the job.
    ///
    /// @param field The field.
    /// @return The number; nothing if the server did not send the field.
    [[nodiscard]] std::optional<std::int64_t> number(JobNumberField field) const noexcept
    {
        const auto number =
            sco_job_number(handle_.get(), static_cast<sco_job_number_field>(field));
        return number == -1 ? std::nullopt : std::optional<std::int64_t>(number);
    }

private:
    friend class Error;

    explicit Job(std::shared_ptr<const sco_job> handle) noexcept : handle_(std::move(handle)) {}

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
          kind_(static_cast<ErrorKind>(sco_error_kind(handle.get()))), handle_(std::move(handle))
    {
    }

    /// Creates an error without any details.
    ///
    /// @param kind The kind of the error.
    /// @param message What what() returns.
    Error(ErrorKind kind, const std::string &message) : std::runtime_error(message), kind_(kind) {}

    /// @return The kind of the error.
    [[nodiscard]] ErrorKind kind() const noexcept { return kind_; }

    /// @return The HTTP status code of the response that the call failed with; nothing if it
    /// failed for another reason.
    [[nodiscard]] std::optional<int> http_status() const noexcept
    {
        const int status = sco_error_http_status(handle_.get());
        return status == 0 ? std::nullopt : std::optional<int>(status);
    }

    /// @return How long to wait before the next call: the time that the server asks for, or the
    /// backoff for which the call had no time left; nothing if there is none.
    [[nodiscard]] std::optional<std::chrono::milliseconds> retry_after() const noexcept
    {
        const std::int64_t time = sco_error_retry_after_ms(handle_.get());
        if (time < 0)
            return std::nullopt;
        return std::chrono::milliseconds(time);
    }

    /// @return How many times the call attempted its last request; 0 if nothing was sent, and
    /// for a JobFailedError.
    [[nodiscard]] unsigned attempts() const noexcept { return sco_error_attempts(handle_.get()); }

    /// @return Whether the same call may succeed later without any change.
    [[nodiscard]] bool is_retryable() const noexcept
    {
        return sco_error_is_retryable(handle_.get()) != 0;
    }

    /// Returns the operating system's error of a StorageError.
    ///
    /// It is comparable with std::errc::file_exists, for example, which means that a file of
    /// that name exists.
    ///
    /// @return The error code; one that is false if there is none.
    [[nodiscard]] std::error_code os_error() const noexcept
    {
        return std::error_code(sco_error_os_error(handle_.get()), std::system_category());
    }

    /// @return The path of the file or directory that a StorageError concerns; nothing if
    /// there is none.
    [[nodiscard]] std::optional<Path> path() const
    {
        const char *path = sco_error_path(handle_.get());
        return path == nullptr ? std::nullopt : std::optional<Path>(path);
    }

    /// @return The id of the job that the failed call was about; nothing if there is none.
    [[nodiscard]] std::optional<std::int64_t> job_id() const noexcept
    {
        const std::int64_t id = sco_error_job_id(handle_.get());
        return id == 0 ? std::nullopt : std::optional<std::int64_t>(id);
    }

    /// @return The job that ended without success, for a JobFailedError; otherwise nothing.
    [[nodiscard]] std::optional<Job> job() const
    {
        const sco_job *job = sco_error_job(handle_.get());
        if (job == nullptr)
            return std::nullopt;
        return Job(std::shared_ptr<const sco_job>(handle_, job));
    }

    /// @return The first error lines of the log of a job that ended without success, if the
    /// server returned them.
    [[nodiscard]] std::vector<std::string> job_log() const
    {
        std::vector<std::string> lines;
        while (const char *line = sco_error_job_log_line(handle_.get(), lines.size()))
            lines.emplace_back(line);
        return lines;
    }

private:
    ErrorKind kind_;
    std::shared_ptr<const sco_error> handle_ = nullptr;
};

/// An error of one kind, to be caught by its type.
template <ErrorKind Kind>
class ErrorOf : public Error {
public:
    /// Takes ownership of a handle of the C interface.
    ///
    /// @param handle The handle.
    explicit ErrorOf(std::shared_ptr<const sco_error> handle) : Error(std::move(handle)) {}

    /// Creates an error without any details.
    ///
    /// @param message What what() returns.
    explicit ErrorOf(const std::string &message) : Error(Kind, message) {}
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
    if (status == SCO_OK)
        return;
    if (exception != nullptr) {
        sco_error_free(error);
        std::rethrow_exception(exception);
    }
    throw_error(status, error);
}

/// Returns a string for the C interface, which would read it up to the first NUL character only.
///
/// @param name What the string is, for the message of an error.
inline const char *c_string(const char *name, const std::string &text)
{
    if (text.find('\0') != std::string::npos)
        throw InvalidArgumentError(std::string(name) + " contains a NUL character");
    return text.c_str();
}

/// Returns a text for the C interface; NULL for nothing.
inline const char *c_string(const char *name, const Text &text)
{
    return text.has_value() ? c_string(name, text.value()) : nullptr;
}

#ifdef __cpp_lib_expected
/// Returns the result of a function, or the error that it throws.
template <typename Function>
auto attempt(Function &&function) -> std::expected<decltype(function()), Error>
{
    try {
        return function();
    } catch (const Error &error) {
        return std::unexpected(error);
    }
}
#endif

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
    [[nodiscard]] const std::uint8_t *data() const noexcept { return data_; }
    /// @return The number of bytes.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    /// @return Whether there are no bytes.
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    /// @return An iterator to the first byte.
    [[nodiscard]] const std::uint8_t *begin() const noexcept { return data_; }
    /// @return An iterator past the last byte.
    [[nodiscard]] const std::uint8_t *end() const noexcept { return data_ + size_; }

    /// Returns a byte. The index is not checked.
    ///
    /// @param index The index of the byte, less than size().
    /// @return The byte.
    [[nodiscard]] const std::uint8_t &operator[](std::size_t index) const noexcept
    {
        return data_[index];
    }

#ifdef __cpp_lib_span
    /// @return The bytes as a std::span.
    operator std::span<const std::byte>() const noexcept
    {
        return std::as_bytes(std::span(data_, size_));
    }
#endif

    /// @return The bytes as text, in whatever encoding they are.
    [[nodiscard]] std::string_view text() const noexcept
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
    Text file_name = {};
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
    [[nodiscard]] CancelToken() : handle_(sco_cancel_token_new(), sco_cancel_token_free) {}
    // There is no move: it would leave a token empty.
    /// Refers to the token of another object.
    ///
    /// @param other The other object.
    CancelToken(const CancelToken &other) = default;
    /// Refers to the token of another object.
    ///
    /// @param other The other object.
    /// @return This object.
    CancelToken &operator=(const CancelToken &other) = default;
    ~CancelToken() = default;

    /// Cancels every call that has this token, now and later. The calls throw
    /// CallCancelledError. A token stays cancelled.
    void cancel() const noexcept { sco_cancel_token_cancel(handle_.get()); }

    /// @return Whether the token is cancelled.
    [[nodiscard]] bool is_cancelled() const noexcept
    {
        return sco_cancel_token_is_cancelled(handle_.get()) != 0;
    }

    /// @return The handle of the C interface. It belongs to the token.
    [[nodiscard]] const sco_cancel_token *handle() const & noexcept { return handle_.get(); }
    /// Not available: the handle could outlive the temporary token.
    const sco_cancel_token *handle() const && = delete;

private:
    std::shared_ptr<sco_cancel_token> handle_;
};

/// A std::stop_token, or any other type with a const stop_requested() that threads may call at
/// the same time. No class template of the standard library is needed, so that C++17 has it too.
class StopToken {
public:
    /// Creates a token that never requests a stop.
    StopToken() = default;

    /// Stores a token.
    ///
    /// @param token The token.
    template <typename Token,
              typename = std::enable_if_t<std::is_same_v<
                  bool, decltype(std::declval<const Token &>().stop_requested())>>>
    StopToken(Token token)
        : stop_requested_([token = std::move(token)] { return token.stop_requested(); })
    {
    }

    /// @return Whether a stop was requested.
    [[nodiscard]] bool stop_requested() const { return stop_requested_ && stop_requested_(); }
    /// @return Whether a token is stored.
    [[nodiscard]] bool has_value() const noexcept { return static_cast<bool>(stop_requested_); }

private:
    Function<bool()> stop_requested_ = nullptr;
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
    /// How long the whole call may take in total. Unlike timeout, it includes the time between
    /// the reads of an open download. Default: no limit. Zero is rejected.
    std::optional<std::chrono::milliseconds> total_timeout = std::nullopt;
    /// A token that cancels the call. Default: none.
    std::optional<CancelToken> cancel_token = std::nullopt;
    /// A std::stop_token that cancels the call, such as that of the std::jthread that makes it.
    /// The call throws CallCancelledError within a quarter of a second after the request. A
    /// cancel token and an interrupt function may be set as well: the first one cancels.
    /// Default: none.
    StopToken stop_token = {};
    /// A function that the call invokes on its own thread several times a second, whatever it
    /// waits for. Return false to cancel the call. Default: none.
    Function<bool()> interrupt = nullptr;
    /// A function that the call invokes on its own thread with the progress of the download.
    /// Return false to cancel the call. Default: none.
    Function<bool(const Progress &)> on_progress = nullptr;
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
    if (options.total_timeout)
        call(sco_call_options_set_total_timeout_ms, raw, milliseconds_of(*options.total_timeout));
    if (options.cancel_token)
        call(sco_call_options_set_cancel_token, raw, options.cancel_token->handle());
    void *own_context = const_cast<CallOptions *>(&options);
    if (options.interrupt || options.stop_token.has_value()) {
        const sco_interrupt_callback callback = [](void *context) {
            return guarded(std::int32_t{1}, [&]() -> std::int32_t {
                const auto &now = *static_cast<const CallOptions *>(context);
                if (now.stop_token.stop_requested())
                    return 1;
                return now.interrupt && !now.interrupt() ? 1 : 0;
            });
        };
        call(sco_call_options_set_interrupt, raw, callback, own_context);
    }
    if (options.on_progress) {
        const sco_progress_callback callback = [](void *context, const sco_progress *progress) {
            return guarded(std::int32_t{1}, [&]() -> std::int32_t {
                Progress now{progress->bytes_received, std::nullopt, progress->attempt};
                if (progress->has_total_bytes != 0)
                    now.total_bytes = progress->total_bytes;
                return static_cast<const CallOptions *>(context)->on_progress(now) ? 0 : 1;
            });
        };
        call(sco_call_options_set_on_progress, raw, callback, own_context);
    }
    call(sco_call_options_set_file_name, raw, c_string("file_name", options.save.file_name));
    call(sco_call_options_set_if_exists, raw, static_cast<sco_if_exists>(options.save.if_exists));
    call(sco_call_options_set_flush_to_disk, raw, std::int32_t{options.save.flush_to_disk});
    call(sco_call_options_set_wait_initial_interval_ms, raw,
         milliseconds_of(options.wait.initial_interval));
    call(sco_call_options_set_wait_max_interval_ms, raw, milliseconds_of(options.wait.max_interval));
    call(sco_call_options_set_wait_grace_ms, raw, milliseconds_of(options.wait.grace));
    call(sco_call_options_set_fail_on_hold, raw, std::int32_t{options.wait.fail_on_hold});
    return handle;
}

/// A handle that outlives the call that created it, with the callbacks that it refers to. The
/// handle is the last member, so that it is freed first.
template <typename Handle>
struct OpenCall {
    CallOptions options;
    std::shared_ptr<const void> client_callbacks;
    Handle handle = {};
};

/// Resizes a container for a reserve callback.
template <typename Container>
std::uint8_t *resize(void *context, std::size_t /* used */, std::size_t capacity) noexcept
{
    return guarded(static_cast<std::uint8_t *>(nullptr), [&] {
        auto &container = *static_cast<Container *>(context);
        container.resize(capacity);
        return reinterpret_cast<std::uint8_t *>(container.data());
    });
}

} // namespace detail

/// The properties of an output file that was passed to a function.
struct WrittenFile {
    /// Copies the properties from a handle of the C interface.
    ///
    /// @param info The handle.
    explicit WrittenFile(const sco_file_info *info)
        : name(detail::string_of(sco_file_info_name(info))),
          is_fallback_name(sco_file_info_is_fallback_name(info) != 0),
          size(sco_file_info_size(info)),
          content_type(detail::optional_string(sco_file_info_content_type(info)))
    {
    }

    /// The server's name for the file, safe on Windows and Unix.
    std::string name;
    /// Whether the server sent no usable name, so that the name is "output-{job id}" with the
    /// extension of the content type, if that is known.
    bool is_fallback_name;
    /// The size in bytes.
    std::uint64_t size;
    /// The Content-Type of the response; nothing if it had none.
    std::optional<std::string> content_type;
};

/// The path and the properties of an output file that was saved.
struct SavedFile : WrittenFile {
    /// Copies the path and the properties from a handle of the C interface.
    ///
    /// @param info The handle.
    explicit SavedFile(const sco_file_info *info)
        : WrittenFile(info), path(sco_file_info_path(info))
    {
    }

    /// The path of the file. It may end in another name than the server's, if the options say so.
    Path path;
};

/// A job's output file, in memory. The views that its functions return are valid while it
/// exists, and cannot be obtained from a temporary. Any number of threads may read it at the same
/// time.
class OutputFile {
public:
    /// Takes ownership of a handle of the C interface.
    ///
    /// @param handle The handle.
    [[nodiscard]] explicit OutputFile(sco_output_file *handle) noexcept : handle_(handle) {}

    /// @return The file's name, safe on Windows and Unix: never a path, never empty, at most
    /// 255 bytes.
    [[nodiscard]] std::string_view name() const & noexcept
    {
        return detail::view_of(sco_output_file_name(handle_.get()));
    }
    /// Not available: the view could outlive the temporary file.
    std::string_view name() const && = delete;

    /// @return Whether the server sent no usable name, so that the name is "output-{job id}"
    /// with the extension of the content type, if that is known.
    [[nodiscard]] bool is_fallback_name() const noexcept
    {
        return sco_output_file_is_fallback_name(handle_.get()) != 0;
    }

    /// @return The bytes of the file.
    [[nodiscard]] ByteView bytes() const & noexcept
    {
        return ByteView(sco_output_file_data(handle_.get()), sco_output_file_size(handle_.get()));
    }
    /// Not available: the view could outlive the temporary file.
    ByteView bytes() const && = delete;

    /// @return The size in bytes.
    [[nodiscard]] std::size_t size() const noexcept { return sco_output_file_size(handle_.get()); }

    /// @return The Content-Type of the response; nothing if it had none.
    [[nodiscard]] std::optional<std::string_view> content_type() const & noexcept
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
    SavedFile save(const Path &directory, const SaveOptions &options = {}) const
    {
        CallOptions call_options;
        call_options.save = options;
        const auto handle = detail::options_of(call_options);
        detail::InfoHandle info;
        detail::call(sco_output_file_save, handle_.get(),
                     detail::c_string("directory", directory.text()),
                     handle.get(), info.out());
        return SavedFile(info.get());
    }

#ifdef __cpp_lib_expected
    /// Does what save() does, and returns an Error instead of throwing it.
    ///
    /// @param directory The path of an existing directory; "." for the current one.
    /// @param options How the file is saved.
    /// @return The path and the properties of the saved file, or the error.
    [[nodiscard]] std::expected<SavedFile, Error> try_save(const Path &directory,
                                                           const SaveOptions &options = {}) const
    {
        return detail::attempt([&] { return save(directory, options); });
    }
#endif

private:
    detail::FileHandle handle_;
};

/// An open download of a job's output file: its name is known, and its bytes are downloaded as they
/// are read. Client::open_output_file() and Client::wait_and_open_output_file() create it. It may
/// outlive its client. Any thread may use it, but only one at a time may read. Its destructor closes
/// the connection if the end was not read.
class OutputFileDownload {
public:
    /// @return The file's name, as OutputFile::name(). The FileName of a JSON response is used only
    /// if it stands before the file's content.
    [[nodiscard]] std::string_view name() const & noexcept
    {
        return detail::view_of(sco_output_file_download_name(handle()));
    }
    /// Not available: the view could outlive the temporary download.
    std::string_view name() const && = delete;

    /// @return Whether the server sent no usable name, so that the name is "output-{job id}"
    /// with the extension of the content type, if that is known.
    [[nodiscard]] bool is_fallback_name() const noexcept
    {
        return sco_output_file_download_is_fallback_name(handle()) != 0;
    }

    /// @return The Content-Type of the response; nothing if it had none.
    [[nodiscard]] std::optional<std::string_view> content_type() const & noexcept
    {
        return detail::optional_view(sco_output_file_download_content_type(handle()));
    }
    /// Not available: the view could outlive the temporary download.
    std::optional<std::string_view> content_type() const && = delete;

    /// @return The size in bytes, if it is known before the end of the file: the response's body is
    /// the file itself (BodyEncoding::raw), is not compressed, and has a Content-Length.
    [[nodiscard]] std::optional<std::uint64_t> size() const noexcept
    {
        const std::int64_t size = sco_output_file_download_size(handle());
        return size < 0 ? std::nullopt
                        : std::optional<std::uint64_t>(static_cast<std::uint64_t>(size));
    }

    /// Reads the next bytes of the file. The call blocks until at least one byte has arrived. It is
    /// not retried. The bytes that were read before an error are a part of the file at best.
    ///
    /// @param buffer The memory to write the bytes to.
    /// @param capacity The size of the memory in bytes; 64 KiB or more avoid a copy. Zero is
    /// rejected.
    /// @return The number of bytes that were read; 0 at the end of the file, and only there.
    /// @throws Error if the read fails, also if the body is cut short. Every later read then fails
    /// with the same error.
    [[nodiscard]] std::size_t read(void *buffer, std::size_t capacity)
    {
        std::size_t size = 0;
        detail::call(sco_output_file_download_read, handle(), static_cast<std::uint8_t *>(buffer),
                     capacity, &size);
        return size;
    }

#ifdef __cpp_lib_span
    /// Reads the next bytes of the file, as the other function of this name.
    ///
    /// @param buffer The memory to write the bytes to. An empty one is rejected.
    /// @return The number of bytes that were read; 0 at the end of the file, and only there.
    /// @throws Error if the read fails.
    [[nodiscard]] std::size_t read(std::span<std::byte> buffer)
    {
        return read(buffer.data(), buffer.size());
    }
#endif

#ifdef __cpp_lib_expected
    /// Does what read() does, and returns an Error instead of throwing it.
    ///
    /// @param buffer The memory to write the bytes to.
    /// @param capacity The size of the memory in bytes.
    /// @return The number of bytes that were read, or the error.
    [[nodiscard]] std::expected<std::size_t, Error> try_read(void *buffer, std::size_t capacity)
    {
        return detail::attempt([&] { return read(buffer, capacity); });
    }
#endif

private:
    friend class Client;
    using OpenCall = detail::OpenCall<detail::DownloadHandle>;

    explicit OutputFileDownload(std::unique_ptr<OpenCall> open_call) noexcept
        : call_(std::move(open_call))
    {
    }

    sco_output_file_download *handle() const noexcept
    {
        return call_ == nullptr ? nullptr : call_->handle.get();
    }

    std::unique_ptr<OpenCall> call_;
};

/// A buffer from which a std::istream reads an open download.
///
/// A failed read throws its Error. A std::istream catches it and becomes bad(), which ends a loop
/// just as the end of the file does. Call `stream.exceptions(std::ios::badbit)`, so that the stream
/// throws the Error again.
class OutputFileStreamBuffer final : public std::streambuf {
public:
    /// Takes a download, whose bytes have not been read.
    ///
    /// @param download The download.
    explicit OutputFileStreamBuffer(OutputFileDownload &&download)
        : download_(std::move(download)), buffer_(std::size_t{64} * 1024)
    {
    }

    /// @return The download, for the file's name and properties.
    [[nodiscard]] const OutputFileDownload &download() const & noexcept { return download_; }
    /// Not available: the reference could outlive the temporary buffer.
    const OutputFileDownload &download() const && = delete;

protected:
    /// Reads the next bytes if there are none in the buffer.
    ///
    /// @return The next byte, or the end of the file.
    int_type underflow() override
    {
        if (gptr() == egptr()) {
            const std::size_t size = download_.read(buffer_.data(), buffer_.size());
            if (size == 0)
                return traits_type::eof();
            setg(buffer_.data(), buffer_.data(), buffer_.data() + size);
        }
        return traits_type::to_int_type(*gptr());
    }

private:
    OutputFileDownload download_;
    std::vector<char> buffer_;
};

/// What a step of a JobWait has learned.
struct JobWaitStep {
    /// The job, if it has ended with success; otherwise nothing. Its views are valid while this
    /// step or a copy of the job exists, so do not take one from a temporary step.
    std::optional<Job> job;
    /// The time after which the next step is due, which may be 0; 0 if the job has ended.
    std::chrono::milliseconds again_after;
};

/// A wait for a job that the program steps, so that it can wait for many jobs without a thread for
/// each. Client::start_job_wait() creates it. It may outlive its client. Any thread may step it, but
/// only one at a time.
class JobWait {
public:
    /// Makes one attempt to learn whether the job has ended, with a login if that is needed. It never
    /// sleeps: the intervals between polls, the backoff after a failure, the time that the server
    /// asks for, and a login that another thread is making are times until the next step. A step
    /// before that time sends nothing. A step blocks while its requests run, which the timeouts of
    /// the client and of the call limit.
    ///
    /// @return The job, or when the next step is due.
    /// @throws JobFailedError if the job ended without success or is on hold.
    /// @throws Error if the wait fails otherwise. Any error ends the wait.
    [[nodiscard]] JobWaitStep step()
    {
        std::uint64_t again_after = 0;
        detail::JobHandle job;
        detail::call(sco_job_wait_step, call_ == nullptr ? nullptr : call_->handle.get(),
                     &again_after, job.out());
        const auto time = std::chrono::milliseconds(static_cast<std::int64_t>(again_after));
        if (job.get() == nullptr)
            return {std::nullopt, time};
        return {Job(job.release()), time};
    }

#ifdef __cpp_lib_expected
    /// Does what step() does, and returns an Error instead of throwing it.
    ///
    /// @return The job, or when the next step is due; or the error.
    [[nodiscard]] std::expected<JobWaitStep, Error> try_step()
    {
        return detail::attempt([&] { return step(); });
    }
#endif

private:
    friend class Client;
    using OpenCall = detail::OpenCall<detail::WaitHandle>;

    explicit JobWait(std::unique_ptr<OpenCall> open_call) noexcept : call_(std::move(open_call)) {}

    std::unique_ptr<OpenCall> call_;
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
    /// used if team is set. Default: none.
    Text server = {};
    /// The team whose server the client looks up with its first call. Default: none.
    Text team = {};
    /// The URL of the service that knows the servers of teams. Default:
    /// "https://api.sellercloud.com".
    Text team_lookup_url = {};

    /// The bearer token, without "Bearer". It takes precedence over a user name and password
    /// and over a token provider.
    Text token = {};
    /// The user name that the client logs in with. It requires a password.
    Text user_name = {};
    /// The password that the client logs in with. It requires a user name.
    Text password = {};
    /// A function that returns the token for each request. It takes precedence over a user name
    /// and password. The argument is true if the server has just rejected the last token. It is
    /// called on the threads that make calls, by several of them at the same time, and must not
    /// make a call with the same client.
    Function<Text(bool)> token_provider = nullptr;

    /// How the server encodes files. Default: BodyEncoding::base64.
    BodyEncoding body_encoding = BodyEncoding::base64;
    /// The maximum size of a file in bytes, after decoding. Default: 2 GiB for files in memory,
    /// which may be the program's, and no limit for files that are saved, written or read from an
    /// open download. A larger file fails with TooLargeError. Zero is rejected; UINT64_MAX means
    /// no limit.
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
    Text proxy = {};
    /// CA certificates that the client trusts, besides those that the system trusts: one or
    /// more in PEM, or one in DER. Default: none.
    Text ca_certificates = {};
    /// The certificate that the client shows to servers that ask for one, and its intermediate
    /// certificates, in PEM. Default: none.
    Text client_certificate = {};
    /// The private key of client_certificate, in PEM. Default: none.
    Text client_key = {};

    /// Text that is appended to the User-Agent header of every request after a space, such as
    /// "nightly-export/2.1": 1 to 128 visible ASCII characters and spaces, with no space at the
    /// beginning or the end. Default: none.
    Text user_agent_suffix = {};

    /// A function that receives a record of each request when the request has ended. It is
    /// called on the threads that make calls, by several of them at the same time. It cannot
    /// change the outcome of a call: its exceptions are discarded. Default: none.
    Function<void(const RequestRecord &)> on_request = nullptr;
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
    [[nodiscard]] Client(Text server, Text token)
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
    [[nodiscard]] explicit Client(const ClientOptions &options)
        : callbacks_(std::make_shared<const Callbacks>(
              Callbacks{options.token_provider, options.on_request}))
    {
        detail::ClientOptionsHandle handle(sco_client_options_new());
        configure(handle.get(), options);
        const Text server = options.team.has_value() ? Text() : options.server;
        detail::call(sco_client_new, detail::c_string("server", server),
                     detail::c_string("token", options.token),
                     handle.get(), handle_.out());
    }

    /// Reads a job id from text: the id itself, or the QueuedJobLink that the server returned
    /// when the job was created.
    ///
    /// @param text The text.
    /// @return The job's id.
    /// @throws InvalidArgumentError if the text contains no job id.
    [[nodiscard]] static std::int64_t parse_job_id(const Text &text)
    {
        std::int64_t job_id = 0;
        detail::call(sco_parse_job_id, detail::c_string("text", text), &job_id);
        return job_id;
    }

    /// Downloads a job's output file into memory.
    ///
    /// @param job_id The job's id, 1 to 2147483647.
    /// @param options The options of this call.
    /// @return The file.
    /// @throws Error if the call fails.
    [[nodiscard]] OutputFile get_output_file(std::int64_t job_id,
                                             const CallOptions &options = {}) const
    {
        const auto handle = detail::options_of(options);
        detail::FileHandle file;
        detail::call(sco_get_output_file, client(), job_id, handle.get(), file.out());
        return OutputFile(file.release());
    }

    /// Downloads a job's output file into a directory. The file appears whole or not at all.
    ///
    /// @param job_id The job's id, 1 to 2147483647.
    /// @param directory The path of an existing directory; "." for the current one.
    /// @param options The options of this call.
    /// @return The path and the properties of the saved file.
    /// @throws Error if the call fails.
    SavedFile save_output_file(std::int64_t job_id, const Path &directory,
                              const CallOptions &options = {}) const
    {
        const auto handle = detail::options_of(options);
        detail::InfoHandle info;
        detail::call(sco_save_output_file, client(), job_id,
                     detail::c_string("directory", directory.text()), handle.get(), info.out());
        return SavedFile(info.get());
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
    WrittenFile write_output_file(std::int64_t job_id, const Function<void(ByteView)> &write,
                               const CallOptions &options = {}) const
    {
        const auto handle = detail::options_of(options);
        void *context = const_cast<Function<void(ByteView)> *>(&write);
        detail::InfoHandle info;
        detail::call(sco_write_output_file, client(), job_id, write_callback(write),
                     context, handle.get(), info.out());
        return WrittenFile(info.get());
    }

    /// Gets the state of a job. A job that has failed or was cancelled is not an error.
    ///
    /// @param job_id The job's id, 1 to 2147483647.
    /// @param options The options of this call.
    /// @return The job.
    /// @throws Error if the call fails.
    [[nodiscard]] Job get_job(std::int64_t job_id, const CallOptions &options = {}) const
    {
        const auto handle = detail::options_of(options);
        detail::JobHandle job;
        detail::call(sco_get_job, client(), job_id, handle.get(), job.out());
        return Job(job.release());
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
        detail::call(sco_wait_for_job, client(), job_id, handle.get(), job.out());
        return Job(job.release());
    }

    /// Waits for a job as wait_for_job() does, and downloads its output file into memory.
    ///
    /// @param job_id The job's id, 1 to 2147483647.
    /// @param options The options of this call.
    /// @return The job and the file.
    /// @throws JobFailedError if the job ended without success or is on hold.
    /// @throws Error if the call fails otherwise.
    [[nodiscard]] std::pair<Job, OutputFile> wait_for_output_file(std::int64_t job_id,
                                                    const CallOptions &options = {}) const
    {
        const auto handle = detail::options_of(options);
        detail::JobHandle job;
        detail::FileHandle file;
        detail::call(sco_wait_for_output_file, client(), job_id, handle.get(), job.out(),
                     file.out());
        return {Job(job.release()), OutputFile(file.release())};
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
    std::pair<Job, SavedFile> wait_and_save_output_file(std::int64_t job_id,
                                                       const Path &directory,
                                                       const CallOptions &options = {}) const
    {
        const auto handle = detail::options_of(options);
        detail::JobHandle job;
        detail::InfoHandle info;
        detail::call(sco_wait_and_save_output_file, client(), job_id,
                     detail::c_string("directory", directory.text()), handle.get(), job.out(),
                     info.out());
        return {Job(job.release()), SavedFile(info.get())};
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
    std::pair<Job, WrittenFile> wait_and_write_output_file(std::int64_t job_id,
                                                        const Function<void(ByteView)> &write,
                                                        const CallOptions &options = {}) const
    {
        const auto handle = detail::options_of(options);
        void *context = const_cast<Function<void(ByteView)> *>(&write);
        detail::JobHandle job;
        detail::InfoHandle info;
        detail::call(sco_wait_and_write_output_file, client(), job_id,
                     write_callback(write), context, handle.get(), job.out(),
                     info.out());
        return {Job(job.release()), WrittenFile(info.get())};
    }

    /// Downloads a job's output file into a container of the program, without a copy.
    ///
    /// @param job_id The job's id, 1 to 2147483647.
    /// @param container A container with data() and resize() whose elements have one byte, such as
    /// std::vector<std::uint8_t> or std::string. It then has the bytes of the file alone, and is
    /// empty if the call fails.
    /// @param options The options of this call.
    /// @return The properties of the file.
    /// @throws Error if the call fails.
    template <typename Container>
    WrittenFile get_output_file_into(std::int64_t job_id, Container &container,
                                     const CallOptions &options = {}) const
    {
        const auto handle = detail::options_of(options);
        detail::InfoHandle info;
        fill(container, info, [&](sco_reserve_callback reserve, void *context) {
            detail::call(sco_get_output_file_into, client(), job_id, reserve, context, handle.get(),
                         info.out());
        });
        return WrittenFile(info.get());
    }

    /// Waits for a job as wait_for_job() does, and downloads its output file into a container as
    /// get_output_file_into() does.
    ///
    /// @param job_id The job's id, 1 to 2147483647.
    /// @param container The container, as for get_output_file_into().
    /// @param options The options of this call.
    /// @return The job and the properties of the file.
    /// @throws JobFailedError if the job ended without success or is on hold.
    /// @throws Error if the call fails otherwise.
    template <typename Container>
    std::pair<Job, WrittenFile> wait_for_output_file_into(std::int64_t job_id, Container &container,
                                                          const CallOptions &options = {}) const
    {
        const auto handle = detail::options_of(options);
        detail::JobHandle job;
        detail::InfoHandle info;
        fill(container, info, [&](sco_reserve_callback reserve, void *context) {
            detail::call(sco_wait_for_output_file_into, client(), job_id, reserve, context,
                         handle.get(), job.out(), info.out());
        });
        return {Job(job.release()), WrittenFile(info.get())};
    }

    /// Opens a download of a job's output file. The call returns when the beginning of the response
    /// shows that it is a file, and retries until then. The program reads the rest.
    ///
    /// The call's timeout counts only while a call of the library waits for the server.
    /// CallOptions::total_timeout includes the time between the reads.
    ///
    /// @param job_id The job's id, 1 to 2147483647.
    /// @param options The options of this call and of the reads. The download copies them.
    /// @return The download.
    /// @throws Error if the call fails.
    [[nodiscard]] OutputFileDownload open_output_file(std::int64_t job_id,
                                                      const CallOptions &options = {}) const
    {
        auto open = open_call<OutputFileDownload::OpenCall>(options);
        const auto handle = detail::options_of(open->options);
        detail::call(sco_open_output_file, client(), job_id, handle.get(), open->handle.out());
        return OutputFileDownload(std::move(open));
    }

    /// Waits for a job as wait_for_job() does, and opens a download of its output file as
    /// open_output_file() does.
    ///
    /// @param job_id The job's id, 1 to 2147483647.
    /// @param options The options of this call and of the reads. The download copies them.
    /// @return The job and the download.
    /// @throws JobFailedError if the job ended without success or is on hold.
    /// @throws Error if the call fails otherwise.
    [[nodiscard]] std::pair<Job, OutputFileDownload>
    wait_and_open_output_file(std::int64_t job_id, const CallOptions &options = {}) const
    {
        auto open = open_call<OutputFileDownload::OpenCall>(options);
        const auto handle = detail::options_of(open->options);
        detail::JobHandle job;
        detail::call(sco_wait_and_open_output_file, client(), job_id, handle.get(), job.out(),
                     open->handle.out());
        return {Job(job.release()), OutputFileDownload(std::move(open))};
    }

    /// Starts a wait for a job, which the program steps. Nothing is sent. wait_for_job() is a loop
    /// over the same steps. The timeout of the call begins now and includes the time between steps.
    ///
    /// @param job_id The job's id, 1 to 2147483647.
    /// @param options The options of the wait. The wait copies them.
    /// @return The wait.
    /// @throws InvalidArgumentError if the job's id or an option cannot be used.
    [[nodiscard]] JobWait start_job_wait(std::int64_t job_id, const CallOptions &options = {}) const
    {
        auto open = open_call<JobWait::OpenCall>(options);
        const auto handle = detail::options_of(open->options);
        detail::call(sco_start_job_wait, client(), job_id, handle.get(), open->handle.out());
        return JobWait(std::move(open));
    }

#ifdef __cpp_lib_expected
    /// Creates a client as the constructor does, and returns an Error instead of throwing it.
    ///
    /// @param options The options. The client copies them.
    /// @return The client, or the error.
    [[nodiscard]] static std::expected<Client, Error> try_new(const ClientOptions &options)
    {
        return detail::attempt([&] { return Client(options); });
    }

    /// Does what parse_job_id() does, and returns an Error instead of throwing it.
    ///
    /// @param text The text.
    /// @return The job's id, or the error.
    [[nodiscard]] static std::expected<std::int64_t, Error> try_parse_job_id(const Text &text)
    {
        return detail::attempt([&] { return parse_job_id(text); });
    }

    /// Does what get_output_file() does, and returns an Error instead of throwing it.
    ///
    /// @param job_id The job's id, 1 to 2147483647.
    /// @param options The options of this call.
    /// @return The file, or the error.
    [[nodiscard]] std::expected<OutputFile, Error>
    try_get_output_file(std::int64_t job_id, const CallOptions &options = {}) const
    {
        return detail::attempt([&] { return get_output_file(job_id, options); });
    }

    /// Does what save_output_file() does, and returns an Error instead of throwing it.
    ///
    /// @param job_id The job's id, 1 to 2147483647.
    /// @param directory The path of an existing directory; "." for the current one.
    /// @param options The options of this call.
    /// @return The path and the properties of the saved file, or the error.
    [[nodiscard]] std::expected<SavedFile, Error>
    try_save_output_file(std::int64_t job_id,
                         const Path &directory,
                         const CallOptions &options = {}) const
    {
        return detail::attempt([&] { return save_output_file(job_id, directory, options); });
    }

    /// Does what write_output_file() does, and returns an Error instead of throwing it.
    ///
    /// @param job_id The job's id, 1 to 2147483647.
    /// @param write The function. The bytes are valid until it returns.
    /// @param options The options of this call.
    /// @return The properties of the file, or the error.
    [[nodiscard]] std::expected<WrittenFile, Error>
    try_write_output_file(std::int64_t job_id,
                          const Function<void(ByteView)> &write,
                          const CallOptions &options = {}) const
    {
        return detail::attempt([&] { return write_output_file(job_id, write, options); });
    }

    /// Does what get_job() does, and returns an Error instead of throwing it.
    ///
    /// @param job_id The job's id, 1 to 2147483647.
    /// @param options The options of this call.
    /// @return The job, or the error.
    [[nodiscard]] std::expected<Job, Error>
    try_get_job(std::int64_t job_id, const CallOptions &options = {}) const
    {
        return detail::attempt([&] { return get_job(job_id, options); });
    }

    /// Does what wait_for_job() does, and returns an Error instead of throwing it.
    ///
    /// @param job_id The job's id, 1 to 2147483647.
    /// @param options The options of this call.
    /// @return The job, or the error.
    [[nodiscard]] std::expected<Job, Error>
    try_wait_for_job(std::int64_t job_id, const CallOptions &options = {}) const
    {
        return detail::attempt([&] { return wait_for_job(job_id, options); });
    }

    /// Does what wait_for_output_file() does, and returns an Error instead of throwing it.
    ///
    /// @param job_id The job's id, 1 to 2147483647.
    /// @param options The options of this call.
    /// @return The job and the file, or the error.
    [[nodiscard]] std::expected<std::pair<Job, OutputFile>, Error>
    try_wait_for_output_file(std::int64_t job_id, const CallOptions &options = {}) const
    {
        return detail::attempt([&] { return wait_for_output_file(job_id, options); });
    }

    /// Does what wait_and_save_output_file() does, and returns an Error instead of throwing it.
    ///
    /// @param job_id The job's id, 1 to 2147483647.
    /// @param directory The path of an existing directory; "." for the current one.
    /// @param options The options of this call.
    /// @return The job, and the path and the properties of the saved file, or the error.
    [[nodiscard]] std::expected<std::pair<Job, SavedFile>, Error>
    try_wait_and_save_output_file(std::int64_t job_id,
                                  const Path &directory,
                                  const CallOptions &options = {}) const
    {
        return detail::attempt([&] { return wait_and_save_output_file(job_id, directory, options); });
    }

    /// Does what wait_and_write_output_file() does, and returns an Error instead of throwing it.
    ///
    /// @param job_id The job's id, 1 to 2147483647.
    /// @param write The function. The bytes are valid until it returns.
    /// @param options The options of this call.
    /// @return The job and the properties of the file, or the error.
    [[nodiscard]] std::expected<std::pair<Job, WrittenFile>, Error>
    try_wait_and_write_output_file(std::int64_t job_id,
                                   const Function<void(ByteView)> &write,
                                   const CallOptions &options = {}) const
    {
        return detail::attempt([&] { return wait_and_write_output_file(job_id, write, options); });
    }

    /// Does what get_output_file_into() does, and returns an Error instead of throwing it.
    ///
    /// @param job_id The job's id, 1 to 2147483647.
    /// @param container The container.
    /// @param options The options of this call.
    /// @return The properties of the file, or the error.
    template <typename Container>
    [[nodiscard]] std::expected<WrittenFile, Error>
    try_get_output_file_into(std::int64_t job_id, Container &container,
                             const CallOptions &options = {}) const
    {
        return detail::attempt([&] { return get_output_file_into(job_id, container, options); });
    }

    /// Does what wait_for_output_file_into() does, and returns an Error instead of throwing it.
    ///
    /// @param job_id The job's id, 1 to 2147483647.
    /// @param container The container.
    /// @param options The options of this call.
    /// @return The job and the properties of the file, or the error.
    template <typename Container>
    [[nodiscard]] std::expected<std::pair<Job, WrittenFile>, Error>
    try_wait_for_output_file_into(std::int64_t job_id, Container &container,
                                  const CallOptions &options = {}) const
    {
        return detail::attempt([&] { return wait_for_output_file_into(job_id, container, options); });
    }

    /// Does what open_output_file() does, and returns an Error instead of throwing it.
    ///
    /// @param job_id The job's id, 1 to 2147483647.
    /// @param options The options of this call and of the reads.
    /// @return The download, or the error.
    [[nodiscard]] std::expected<OutputFileDownload, Error>
    try_open_output_file(std::int64_t job_id, const CallOptions &options = {}) const
    {
        return detail::attempt([&] { return open_output_file(job_id, options); });
    }

    /// Does what wait_and_open_output_file() does, and returns an Error instead of throwing it.
    ///
    /// @param job_id The job's id, 1 to 2147483647.
    /// @param options The options of this call and of the reads.
    /// @return The job and the download, or the error.
    [[nodiscard]] std::expected<std::pair<Job, OutputFileDownload>, Error>
    try_wait_and_open_output_file(std::int64_t job_id, const CallOptions &options = {}) const
    {
        return detail::attempt([&] { return wait_and_open_output_file(job_id, options); });
    }

    /// Does what start_job_wait() does, and returns an Error instead of throwing it.
    ///
    /// @param job_id The job's id, 1 to 2147483647.
    /// @param options The options of the wait.
    /// @return The wait, or the error.
    [[nodiscard]] std::expected<JobWait, Error>
    try_start_job_wait(std::int64_t job_id, const CallOptions &options = {}) const
    {
        return detail::attempt([&] { return start_job_wait(job_id, options); });
    }
#endif

private:
    // Shared with open downloads and waits, which may outlive the client.
    struct Callbacks {
        Function<Text(bool)> token_provider;
        Function<void(const RequestRecord &)> on_request;
    };

    void configure(sco_client_options *handle, const ClientOptions &options)
    {
        using detail::c_string;
        using detail::call;
        using detail::milliseconds_of;
        if (options.team.has_value())
            call(sco_client_options_set_team, handle, c_string("team", options.team));
        if (options.team_lookup_url.has_value())
            call(sco_client_options_set_team_lookup_url, handle,
                 c_string("team_lookup_url", options.team_lookup_url));
        if (options.user_name.has_value() || options.password.has_value())
            call(sco_client_options_set_credentials, handle,
                 c_string("user_name", options.user_name), c_string("password", options.password));
        if (options.token_provider)
            call(sco_client_options_set_token_provider, handle, sco_token_callback{provide_token},
                 callback_context());
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
        if (options.proxy.has_value())
            call(sco_client_options_set_proxy, handle, c_string("proxy", options.proxy));
        if (options.ca_certificates.has_value())
            call(sco_client_options_add_ca_certificates, handle, bytes(options.ca_certificates),
                 size(options.ca_certificates));
        if (options.client_certificate.has_value() || options.client_key.has_value())
            call(sco_client_options_set_client_certificate, handle,
                 bytes(options.client_certificate), size(options.client_certificate),
                 bytes(options.client_key), size(options.client_key));
        if (options.user_agent_suffix.has_value())
            call(sco_client_options_set_user_agent_suffix, handle,
                 c_string("user_agent_suffix", options.user_agent_suffix));
        if (options.on_request)
            call(sco_client_options_set_on_request, handle, sco_request_callback{report_request},
                 callback_context());
    }

    // Certificates are bytes, which may contain a NUL character.
    static const std::uint8_t *bytes(const Text &text)
    {
        return text.has_value() ? reinterpret_cast<const std::uint8_t *>(text.value().data())
                                : nullptr;
    }
    static std::size_t size(const Text &text)
    {
        return text.has_value() ? text.value().size() : 0;
    }

    static std::int32_t provide_token(void *context, std::int32_t renew, sco_token_result *result)
    {
        return detail::guarded(std::int32_t{1}, [&]() -> std::int32_t {
            const auto &provider = static_cast<const Callbacks *>(context)->token_provider;
            const Text token = provider(renew != 0);
            detail::call(sco_token_result_set, result, detail::c_string("token", token));
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
        return detail::guarded(std::int32_t{1}, [&]() -> std::int32_t {
            (*static_cast<const Function<void(ByteView)> *>(context))({data, size});
            return 0;
        });
    }

    static sco_write_callback write_callback(const Function<void(ByteView)> &write) noexcept
    {
        return write ? write_bytes : nullptr;
    }

    // The callbacks read it only.
    void *callback_context() const noexcept { return const_cast<Callbacks *>(callbacks_.get()); }

    const sco_client *client() const noexcept { return handle_.get(); }

    template <typename OpenCall>
    std::unique_ptr<OpenCall> open_call(const CallOptions &options) const
    {
        return std::unique_ptr<OpenCall>(new OpenCall{options, callbacks_});
    }

    // Makes a call that fills a container, which is empty if the call fails.
    template <typename Container, typename Call>
    static void fill(Container &container, const detail::InfoHandle &info, Call &&make_call)
    {
        using Element = std::remove_reference_t<decltype(*container.data())>;
        static_assert(sizeof(Element) == 1 && std::is_trivially_copyable_v<Element>,
                      "the elements of the container must be bytes");
        try {
            make_call(detail::resize<Container>, &container);
            container.resize(static_cast<std::size_t>(sco_file_info_size(info.get())));
        } catch (...) {
            container.resize(0);
            throw;
        }
    }

    std::shared_ptr<const Callbacks> callbacks_;
    detail::ClientHandle handle_ = {};
};

} // namespace v0_1
} // namespace sellercloud_output

#ifdef __cpp_lib_ranges
/// A view of bytes does not own them, so that its iterators outlive it.
template <>
inline constexpr bool std::ranges::enable_borrowed_range<sellercloud_output::ByteView> = true;
/// A copy of a view of bytes costs nothing.
template <>
inline constexpr bool std::ranges::enable_view<sellercloud_output::ByteView> = true;
#endif

#endif // C++17
#endif
