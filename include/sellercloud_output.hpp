/*
 * sellercloud-output for C++17: fetches the output file of a Sellercloud queued job.
 *
 *     sellercloud_output::Client client("tt", "the bearer token");
 *     auto saved = client.save_output_file(28142, "exports");
 *     std::cout << saved.path << '\n';
 *
 * Header only, over the C interface: link the same library. Whatever fails throws an
 * Error. Strings are UTF-8. An exception that a callback throws ends the call, and is
 * thrown by it, except for ClientOptions::log.
 *
 * A limit (a timeout, max_size, attempts, an interval) is greater than zero: zero is
 * rejected with InvalidArgument. The largest value of its type, such as
 * std::chrono::milliseconds::max(), means no limit. A negative time counts as zero.
 *
 * What is not said here is in sellercloud_output.h.
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

/// What went wrong; the table in the README says when.
enum class ErrorKind : std::int32_t {
    invalid_argument = SCO_INVALID_ARGUMENT,
    authentication = SCO_AUTHENTICATION,
    forbidden = SCO_FORBIDDEN,
    not_found = SCO_NOT_FOUND,
    rate_limited = SCO_RATE_LIMITED,
    server = SCO_SERVER,
    unexpected_status = SCO_UNEXPECTED_STATUS,
    connection = SCO_CONNECTION,
    tls = SCO_TLS,
    timeout = SCO_TIMEOUT,
    cancelled = SCO_CANCELLED,
    malformed_body = SCO_MALFORMED_BODY,
    too_large = SCO_TOO_LARGE,
    io = SCO_IO,
    internal = SCO_INTERNAL,
    job_failed = SCO_JOB_FAILED,
};

/// How far a job is, or how it ended.
enum class JobStatus : std::int32_t {
    /// The server gave a name that this version does not know.
    unknown = -1,
    submitted = SCO_JOB_SUBMITTED,
    processing = SCO_JOB_PROCESSING,
    completed = SCO_JOB_COMPLETED,
    failed = SCO_JOB_ENDED_AS_FAILED,
    partial_success = SCO_JOB_PARTIAL_SUCCESS,
    on_hold = SCO_JOB_ON_HOLD,
    cancelled = SCO_JOB_CANCELLED,
    cancelled_service_restarted = SCO_JOB_CANCELLED_SERVICE_RESTARTED,
    aborted_too_much_time_consumed = SCO_JOB_ABORTED_TOO_MUCH_TIME_CONSUMED,
    cancelled_while_running = SCO_JOB_CANCELLED_WHILE_RUNNING,
};

namespace detail {

inline std::string text_of(const char *text)
{
    return text == nullptr ? std::string() : std::string(text);
}

inline std::optional<std::string> optional_text(const char *text)
{
    return text == nullptr ? std::nullopt : std::optional<std::string>(text);
}

/// Nothing where there is no text.
inline std::string_view view_of(const char *text) noexcept
{
    return text == nullptr ? std::string_view() : std::string_view(text);
}

inline std::optional<std::string_view> optional_view(const char *text) noexcept
{
    return text == nullptr ? std::nullopt : std::optional<std::string_view>(text);
}

/// A time as the C interface has it.
inline std::uint64_t count_of(std::chrono::milliseconds time) noexcept
{
    if (time == (std::chrono::milliseconds::max)())
        return UINT64_MAX;
    return static_cast<std::uint64_t>(time.count() < 0 ? 0 : time.count());
}

/// A path as the C interface has it.
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

using ConfigHandle = Handle<sco_config, sco_config_free>;
using OptionsHandle = Handle<sco_options, sco_options_free>;
using FileHandle = Handle<sco_output_file, sco_output_file_free>;
using InfoHandle = Handle<sco_file_info, sco_file_info_free>;
using JobHandle = Handle<sco_job, sco_job_free>;
using ClientHandle = Handle<sco_client, sco_client_free>;

/// The place for a handle that a function of the C interface gives: it is owned even
/// if the call then throws.
template <typename Handle>
class Out {
public:
    explicit Out(Handle &owner) noexcept : owner_(owner) {}
    Out(const Out &) = delete;
    Out &operator=(const Out &) = delete;
    ~Out() { owner_.reset(given_); }

    operator typename Handle::pointer *() noexcept { return &given_; }

private:
    Handle &owner_;
    typename Handle::pointer given_ = nullptr;
};

/// What a callback threw during the call that runs on this thread.
inline thread_local std::exception_ptr *thrown = nullptr;

/// Keeps an exception from crossing the C boundary; gives 1 where there was one.
template <typename Body>
std::int32_t guarded(Body &&body) noexcept
{
    try {
        return body();
    } catch (...) {
        if (thrown != nullptr && *thrown == nullptr)
            *thrown = std::current_exception();
        return 1;
    }
}

} // namespace detail

/// What the server told of a job. Copies are the same job.
class Job {
public:
    /// Takes a handle of the C interface, or a share in one.
    explicit Job(std::shared_ptr<const sco_job> handle) : handle_(std::move(handle)) {}

    std::int64_t id() const noexcept { return sco_job_id(handle_.get()); }

    /// A number outside of the enumeration is a status that this version does not know.
    JobStatus status() const noexcept { return static_cast<JobStatus>(sco_job_status(handle_.get())); }

    /// The status in the server's words.
    std::string_view status_name() const noexcept
    {
        return detail::view_of(sco_job_status_name(handle_.get()));
    }

    /// Whether the job is over, in whatever way.
    bool is_final() const noexcept { return sco_job_is_final(handle_.get()) != 0; }

    /// A text of the job: field is one of SCO_JOB_TYPE to SCO_JOB_INPUT_FILE.
    std::optional<std::string_view> text(std::int32_t field) const noexcept
    {
        return detail::optional_view(sco_job_text(handle_.get(), field));
    }

    /// A number of the job: field is one of SCO_JOB_COMPANY_ID to
    /// SCO_JOB_TOTAL_PROCESSED_IN_PHASE.
    std::optional<std::int64_t> number(std::int32_t field) const noexcept
    {
        const std::int64_t number = sco_job_number(handle_.get(), field);
        return number == -1 ? std::nullopt : std::optional<std::int64_t>(number);
    }

private:
    std::shared_ptr<const sco_job> handle_;
};

/// Why a call failed; what() is a sentence for people, without any secret.
class Error : public std::runtime_error {
public:
    /// Takes a handle of the C interface.
    explicit Error(std::shared_ptr<const sco_error> handle)
        : std::runtime_error(detail::text_of(sco_error_message(handle.get()))),
          handle_(std::move(handle))
    {
    }

    ErrorKind kind() const noexcept { return static_cast<ErrorKind>(sco_error_kind(handle_.get())); }

    /// The HTTP status code, where the server's answer is the error.
    std::optional<int> http_status() const noexcept
    {
        const int status = sco_error_http_status(handle_.get());
        return status == 0 ? std::nullopt : std::optional<int>(status);
    }

    /// How long to wait before the next call, where the server says so.
    std::optional<std::chrono::milliseconds> retry_after() const noexcept
    {
        const std::int64_t time = sco_error_retry_after_ms(handle_.get());
        if (time < 0)
            return std::nullopt;
        return std::chrono::milliseconds(time);
    }

    /// How many times the request was tried.
    unsigned attempts() const noexcept { return sco_error_attempts(handle_.get()); }

    /// Whether the same call may succeed later as it is.
    bool retry_may_help() const noexcept { return sco_error_retry_may_help(handle_.get()) != 0; }

    /// The operating system's error for an IoError: comparable with std::errc::file_exists,
    /// for example, which says that the name is taken. No error if there is none.
    std::error_code os_error() const noexcept
    {
        return std::error_code(sco_error_os_error(handle_.get()), std::system_category());
    }

    /// The path of the file or directory that an IoError concerns, if there is one.
    std::optional<std::filesystem::path> path() const
    {
        const char *path = sco_error_path(handle_.get());
        if (path == nullptr)
            return std::nullopt;
        return detail::path_of(path);
    }

    /// The job as it ended, where that is the error.
    std::optional<Job> job() const
    {
        const sco_job *job = sco_error_job(handle_.get());
        if (job == nullptr)
            return std::nullopt;
        return Job(std::shared_ptr<const sco_job>(handle_, job));
    }

    /// The first error lines of that job's log.
    std::vector<std::string> log_lines() const
    {
        std::vector<std::string> lines;
        while (const char *line = sco_error_log_line(handle_.get(), lines.size()))
            lines.emplace_back(line);
        return lines;
    }

private:
    std::shared_ptr<const sco_error> handle_;
};

/// The error of one kind, to be caught by its type.
template <ErrorKind Kind>
class ErrorOf : public Error {
public:
    using Error::Error;
};

using InvalidArgument = ErrorOf<ErrorKind::invalid_argument>;
using AuthenticationError = ErrorOf<ErrorKind::authentication>;
using Forbidden = ErrorOf<ErrorKind::forbidden>;
using NotFound = ErrorOf<ErrorKind::not_found>;
using RateLimited = ErrorOf<ErrorKind::rate_limited>;
using ServerError = ErrorOf<ErrorKind::server>;
using UnexpectedStatus = ErrorOf<ErrorKind::unexpected_status>;
using ConnectionError = ErrorOf<ErrorKind::connection>;
using TlsError = ErrorOf<ErrorKind::tls>;
using TimeoutError = ErrorOf<ErrorKind::timeout>;
using Cancelled = ErrorOf<ErrorKind::cancelled>;
using MalformedBody = ErrorOf<ErrorKind::malformed_body>;
using TooLarge = ErrorOf<ErrorKind::too_large>;
using IoError = ErrorOf<ErrorKind::io>;
using InternalError = ErrorOf<ErrorKind::internal>;
using JobFailed = ErrorOf<ErrorKind::job_failed>;

namespace detail {

[[noreturn]] inline void throw_error(sco_status status, sco_error *error)
{
    std::shared_ptr<const sco_error> handle(error, [](const sco_error *owned) {
        sco_error_free(const_cast<sco_error *>(owned));
    });
    switch (status) {
    case SCO_INVALID_ARGUMENT: throw InvalidArgument(handle);
    case SCO_AUTHENTICATION: throw AuthenticationError(handle);
    case SCO_FORBIDDEN: throw Forbidden(handle);
    case SCO_NOT_FOUND: throw NotFound(handle);
    case SCO_RATE_LIMITED: throw RateLimited(handle);
    case SCO_SERVER: throw ServerError(handle);
    case SCO_UNEXPECTED_STATUS: throw UnexpectedStatus(handle);
    case SCO_CONNECTION: throw ConnectionError(handle);
    case SCO_TLS: throw TlsError(handle);
    case SCO_TIMEOUT: throw TimeoutError(handle);
    case SCO_CANCELLED: throw Cancelled(handle);
    case SCO_MALFORMED_BODY: throw MalformedBody(handle);
    case SCO_TOO_LARGE: throw TooLarge(handle);
    case SCO_IO: throw IoError(handle);
    case SCO_INTERNAL: throw InternalError(handle);
    case SCO_JOB_FAILED: throw JobFailed(handle);
    default: throw Error(handle);
    }
}

/// Calls a function of the C interface whose last argument is the error: the one
/// place where a status becomes an exception.
template <typename Function, typename... Arguments>
void call(Function function, Arguments &&...arguments)
{
    // A callback may make a call of its own.
    std::exception_ptr exception;
    struct Entered {
        std::exception_ptr *before;
        explicit Entered(std::exception_ptr *now) : before(std::exchange(thrown, now)) {}
        Entered(const Entered &) = delete;
        Entered &operator=(const Entered &) = delete;
        ~Entered() { thrown = before; }
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

/// Bytes that belong to something else.
class ByteView {
public:
    ByteView() = default;
    ByteView(const std::uint8_t *data, std::size_t size) noexcept : data_(data), size_(size) {}

    const std::uint8_t *data() const noexcept { return data_; }
    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }
    const std::uint8_t *begin() const noexcept { return data_; }
    const std::uint8_t *end() const noexcept { return data_ + size_; }
    const std::uint8_t &operator[](std::size_t index) const noexcept { return data_[index]; }

    std::string_view text() const noexcept
    {
        return std::string_view(reinterpret_cast<const char *>(data_), size_);
    }

private:
    const std::uint8_t *data_ = nullptr;
    std::size_t size_ = 0;
};

/// What to do where a file of the same name is there already.
enum class IfExists : std::int32_t {
    fail = SCO_IF_EXISTS_FAIL,
    replace = SCO_IF_EXISTS_REPLACE,
    /// Save as the first that is free of "report (1).csv", "report (2).csv"...
    number = SCO_IF_EXISTS_NUMBER,
};

/// How to save a file.
struct SaveOptions {
    /// The file's name; the server's unless set.
    std::optional<std::string> name = std::nullopt;
    IfExists if_exists = IfExists::fail;
    /// Whether to wait until the file is on the disk.
    bool sync = true;
};

/// How to wait for a job.
struct Wait {
    /// The interval before the second request for the job's status; every later interval is
    /// the one before multiplied by 1.5. Zero is rejected.
    std::chrono::milliseconds first{1000};
    /// The longest of these intervals. Zero is rejected.
    std::chrono::milliseconds longest{30000};
    /// For how long "could not find" is taken as "not yet"; zero means no grace.
    std::chrono::milliseconds grace{120000};
    /// Whether a job on hold ends the wait at once with JobFailed, since it stays so until
    /// a user releases it; false waits on.
    bool fail_on_hold = true;
};

/// Cancels calls, from any thread. Copies are the same token.
class CancelToken {
public:
    CancelToken() : handle_(sco_cancel_new(), sco_cancel_free) {}

    /// Cancels every call that has this token, now and later.
    void cancel() const noexcept { sco_cancel_pull(handle_.get()); }

    bool is_cancelled() const noexcept { return sco_cancel_is_pulled(handle_.get()) != 0; }

    const sco_cancel *handle() const noexcept { return handle_.get(); }

private:
    std::shared_ptr<sco_cancel> handle_;
};

/// How far a file's transfer has come.
struct Progress {
    /// Bytes of the answer's body received in this attempt, as they are sent.
    std::uint64_t received;
    /// How many there will be, where that is known.
    std::optional<std::uint64_t> total;
    /// Which attempt this is; the first is 1.
    unsigned attempt;
};

/// Options of one call.
struct CallOptions {
    /// The longest time that the whole call may take. Unless set it is
    /// ClientOptions::call_timeout, and 24 hours for calls that wait for a job. Zero is
    /// rejected; std::chrono::milliseconds::max() means no limit.
    std::optional<std::chrono::milliseconds> timeout = std::nullopt;
    std::optional<CancelToken> cancel = std::nullopt;
    /// Is asked several times a second, on the thread of the call, whether to cancel it.
    std::function<bool()> interrupt = nullptr;
    /// Is told how the transfer goes, on the thread of the call; false cancels it.
    std::function<bool(const Progress &)> progress = nullptr;
    SaveOptions save = {};
    Wait wait = {};
};

namespace detail {

/// The options as the C interface has them. The callbacks are not copied.
inline OptionsHandle options_of(const CallOptions &options)
{
    OptionsHandle handle(sco_options_new());
    sco_options *raw = handle.get();
    if (options.timeout)
        call(sco_options_set_timeout, raw, count_of(*options.timeout));
    if (options.cancel)
        call(sco_options_set_cancel, raw, options.cancel->handle());
    void *context = const_cast<CallOptions *>(&options);
    if (options.interrupt) {
        const sco_interrupt_fn asked = [](void *context) {
            return guarded([&]() -> std::int32_t {
                return static_cast<const CallOptions *>(context)->interrupt() ? 1 : 0;
            });
        };
        call(sco_options_set_interrupt, raw, asked, context);
    }
    if (options.progress) {
        const sco_progress_fn told = [](void *context, const sco_progress *progress) {
            return guarded([&]() -> std::int32_t {
                const auto &function = static_cast<const CallOptions *>(context)->progress;
                Progress now{progress->received, std::nullopt, progress->attempt};
                if (progress->total_is_known)
                    now.total = progress->total;
                return function(now) ? 0 : 1;
            });
        };
        call(sco_options_set_progress, raw, told, context);
    }
    const char *name = options.save.name ? options.save.name->c_str() : nullptr;
    call(sco_options_set_save, raw, name, static_cast<std::int32_t>(options.save.if_exists),
         std::int32_t{options.save.sync});
    call(sco_options_set_wait, raw, count_of(options.wait.first),
         count_of(options.wait.longest), count_of(options.wait.grace));
    call(sco_options_set_fail_on_hold, raw, std::int32_t{options.wait.fail_on_hold});
    return handle;
}

} // namespace detail

/// What is known of an output file that was saved or written.
struct FileInfo {
    explicit FileInfo(const sco_file_info *info)
        : name(detail::text_of(sco_file_info_name(info))),
          name_is_made_up(sco_file_info_name_is_made_up(info) != 0),
          size(sco_file_info_len(info)),
          content_type(detail::optional_text(sco_file_info_content_type(info))),
          path(detail::path_of(detail::text_of(sco_file_info_path(info))))
    {
    }

    /// The server's name for it, made safe.
    std::string name;
    /// Whether the server gave no name that could be used.
    bool name_is_made_up;
    std::uint64_t size;
    std::optional<std::string> content_type;
    /// Where it is; empty if it was not saved.
    std::filesystem::path path;
};

/// A job's output file, in memory. What its functions point to belongs to it.
class OutputFile {
public:
    /// Takes a handle of the C interface.
    explicit OutputFile(detail::FileHandle handle) noexcept : handle_(std::move(handle)) {}

    /// The file's name, safe on Windows and Unix: never a path, never empty.
    std::string_view name() const noexcept
    {
        return detail::view_of(sco_output_file_name(handle_.get()));
    }

    /// Whether the server gave no name that could be used.
    bool name_is_made_up() const noexcept
    {
        return sco_output_file_name_is_made_up(handle_.get()) != 0;
    }

    ByteView bytes() const noexcept
    {
        return ByteView(sco_output_file_data(handle_.get()), sco_output_file_len(handle_.get()));
    }

    std::size_t size() const noexcept { return sco_output_file_len(handle_.get()); }

    /// The answer's Content-Type, if it had one.
    std::optional<std::string_view> content_type() const noexcept
    {
        return detail::optional_view(sco_output_file_content_type(handle_.get()));
    }

    /// Saves the file under its name in a folder: whole or not at all. An empty path is
    /// rejected; "." is the current directory.
    FileInfo save(const std::filesystem::path &folder, const SaveOptions &how = {}) const
    {
        CallOptions options;
        options.save = how;
        const auto handle = detail::options_of(options);
        detail::InfoHandle info;
        detail::call(sco_output_file_save, static_cast<const sco_output_file *>(handle_.get()),
                     detail::utf8(folder).c_str(), static_cast<const sco_options *>(handle.get()),
                     detail::Out(info));
        return FileInfo(info.get());
    }

private:
    detail::FileHandle handle_;
};

/// One request and what came of it, for a log; without token, password or body.
struct RequestRecord {
    std::string_view method;
    std::string_view url;
    /// Why there was no answer, or not all of it.
    std::optional<std::string_view> error;
    std::uint64_t bytes;
    std::chrono::duration<double> time;
    std::optional<int> status;
    unsigned attempt;
};

/// How the server writes files into its answers.
enum class BodyEncoding : std::int32_t {
    base64 = SCO_BODY_BASE64,
    raw = SCO_BODY_RAW,
    automatic = SCO_BODY_AUTO,
};

/// Options of a client. One of token, user and password, or token_source is needed,
/// and one of server and team.
struct ClientOptions {
    /// A server id ("tt"), or a base URL.
    std::string server = {};
    /// The team whose server is to be looked up.
    std::optional<std::string> team = std::nullopt;
    std::optional<std::string> team_directory = std::nullopt;

    std::optional<std::string> token = std::nullopt;
    std::optional<std::string> user = std::nullopt;
    std::optional<std::string> password = std::nullopt;
    /// Gives the token; is told whether the one given last was refused. Called on the
    /// threads that make calls, by several at once.
    std::function<std::string(bool)> token_source = nullptr;

    BodyEncoding body_encoding = BodyEncoding::base64;
    /// The size of the largest file to accept, in bytes after decoding. Unless set it is
    /// 2 GiB for files in memory, and there is no limit for files that are saved or written.
    /// Zero is rejected; UINT64_MAX means no limit.
    std::optional<std::uint64_t> max_size = std::nullopt;
    bool allow_plain_http = false;

    /// For a connection: name lookup, proxy and TLS together. Zero is rejected;
    /// std::chrono::milliseconds::max() means no limit.
    std::chrono::milliseconds connect_timeout{30000};
    /// How long the server may be silent. Zero is rejected;
    /// std::chrono::milliseconds::max() means no limit.
    std::chrono::milliseconds stall_timeout{60000};
    /// For a whole call, unless it waits for a job or has a timeout of its own. Zero is
    /// rejected; std::chrono::milliseconds::max() means no limit.
    std::chrono::milliseconds call_timeout{3600000};

    /// How many times to try, the first one included; 1 means no retry. Zero is rejected.
    unsigned attempts = 5;
    /// The longest wait before the second attempt, doubled for each later one. Zero means to
    /// retry at once.
    std::chrono::milliseconds retry_base{1000};
    /// The longest wait before any attempt.
    std::chrono::milliseconds retry_longest{30000};
    /// Whether a response with status 500 is retried as well.
    bool retry_server_errors = false;

    /// The URL of a proxy; empty for none, and the environment's unless set. A server on
    /// loopback is never reached through a proxy.
    std::optional<std::string> proxy = std::nullopt;
    /// CA certificates to trust besides those of the system: one or more in PEM, or one in
    /// DER.
    std::string ca_certificates = {};
    /// PEM, with the chain; and its key.
    std::string client_certificate = {};
    std::string client_key = {};

    /// Called with a record of every request, on the threads that make calls, by several at
    /// once. It never decides a call's outcome: what it throws is swallowed.
    std::function<void(const RequestRecord &)> log = nullptr;
};

/// Fetches output files from one server, for one user. Any number of threads may use
/// it at once; it may be moved while none does.
class Client {
public:
    Client(std::string server, std::string token)
        : Client([&] {
              ClientOptions options;
              options.server = std::move(server);
              options.token = std::move(token);
              return options;
          }())
    {
    }

    explicit Client(const ClientOptions &options)
        : callbacks_(new Callbacks{options.token_source, options.log})
    {
        const detail::ConfigHandle config(sco_config_new());
        configure(config.get(), options);
        const auto text = [](const std::optional<std::string> &text) {
            return text ? text->c_str() : nullptr;
        };
        const char *server = options.team ? nullptr : options.server.c_str();
        detail::call(sco_client_new, server, text(options.token),
                     static_cast<const sco_config *>(config.get()), detail::Out(handle_));
    }

    /// The id in text: the id itself, or a QueuedJobLink.
    static std::int64_t job_id(const std::string &text)
    {
        std::int64_t job = 0;
        detail::call(sco_job_id_from_text, text.c_str(), &job);
        return job;
    }

    /// Fetches a job's output file into memory.
    OutputFile output_file(std::int64_t job, const CallOptions &options = {}) const
    {
        const auto how = detail::options_of(options);
        detail::FileHandle file;
        detail::call(sco_get_output_file, client(), job, raw(how), detail::Out(file));
        return OutputFile(std::move(file));
    }

    /// Saves a job's output file in a folder: whole or not at all. An empty path is
    /// rejected; "." is the current directory.
    FileInfo save_output_file(std::int64_t job, const std::filesystem::path &folder,
                              const CallOptions &options = {}) const
    {
        const auto how = detail::options_of(options);
        detail::InfoHandle info;
        detail::call(sco_save_output_file, client(), job, detail::utf8(folder).c_str(), raw(how),
                     detail::Out(info));
        return FileInfo(info.get());
    }

    /// Hands a job's output file to a function as it arrives. On an error it may have
    /// been given a part.
    FileInfo write_output_file(std::int64_t job, const std::function<void(ByteView)> &write,
                               const CallOptions &options = {}) const
    {
        const auto how = detail::options_of(options);
        void *context = const_cast<std::function<void(ByteView)> *>(&write);
        detail::InfoHandle info;
        detail::call(sco_write_output_file, client(), job, sco_write_fn{write_bytes}, context,
                     raw(how), detail::Out(info));
        return FileInfo(info.get());
    }

    /// Asks how far a job is.
    Job job(std::int64_t job, const CallOptions &options = {}) const
    {
        const auto how = detail::options_of(options);
        detail::JobHandle told;
        detail::call(sco_get_job, client(), job, raw(how), detail::Out(told));
        return Job(std::move(told));
    }

    /// Waits until a job has ended with success; throws JobFailed if it ended otherwise.
    Job wait_for_job(std::int64_t job, const CallOptions &options = {}) const
    {
        const auto how = detail::options_of(options);
        detail::JobHandle ended;
        detail::call(sco_wait_for_job, client(), job, raw(how), detail::Out(ended));
        return Job(std::move(ended));
    }

    /// Waits for a job, and fetches its output file.
    std::pair<Job, OutputFile> wait_for_output_file(std::int64_t job,
                                                    const CallOptions &options = {}) const
    {
        const auto how = detail::options_of(options);
        detail::JobHandle ended;
        detail::FileHandle file;
        detail::call(sco_wait_for_output_file, client(), job, raw(how), detail::Out(ended),
                     detail::Out(file));
        return {Job(std::move(ended)), OutputFile(std::move(file))};
    }

    /// Waits for a job, and saves its output file as save_output_file does. The folder, and
    /// the name if the options have one, are checked before the wait begins.
    std::pair<Job, FileInfo> wait_and_save_output_file(std::int64_t job,
                                                       const std::filesystem::path &folder,
                                                       const CallOptions &options = {}) const
    {
        const auto how = detail::options_of(options);
        detail::JobHandle ended;
        detail::InfoHandle info;
        detail::call(sco_wait_and_save_output_file, client(), job, detail::utf8(folder).c_str(),
                     raw(how), detail::Out(ended), detail::Out(info));
        return {Job(std::move(ended)), FileInfo(info.get())};
    }

    /// Waits for a job, and passes its output file to a function as write_output_file does.
    std::pair<Job, FileInfo> wait_and_write_output_file(std::int64_t job,
                                                        const std::function<void(ByteView)> &write,
                                                        const CallOptions &options = {}) const
    {
        const auto how = detail::options_of(options);
        void *context = const_cast<std::function<void(ByteView)> *>(&write);
        detail::JobHandle ended;
        detail::InfoHandle info;
        detail::call(sco_wait_and_write_output_file, client(), job, sco_write_fn{write_bytes},
                     context, raw(how), detail::Out(ended), detail::Out(info));
        return {Job(std::move(ended)), FileInfo(info.get())};
    }

private:
    /// At an address that stays: the client calls them.
    struct Callbacks {
        std::function<std::string(bool)> token_source;
        std::function<void(const RequestRecord &)> log;
    };

    void configure(sco_config *config, const ClientOptions &options)
    {
        using detail::call;
        const auto bytes = [](const std::string &text) {
            return reinterpret_cast<const std::uint8_t *>(text.data());
        };
        if (options.team)
            call(sco_config_set_team, config, options.team->c_str());
        if (options.team_directory)
            call(sco_config_set_team_directory, config, options.team_directory->c_str());
        if (options.user || options.password)
            call(sco_config_set_credentials, config, options.user.value_or("").c_str(),
                 options.password.value_or("").c_str());
        if (options.token_source)
            call(sco_config_set_token_callback, config, sco_token_fn{give_token},
                 static_cast<void *>(callbacks_.get()));
        call(sco_config_set_body_encoding, config, static_cast<std::int32_t>(options.body_encoding));
        if (options.max_size)
            call(sco_config_set_max_size, config, *options.max_size);
        call(sco_config_set_allow_plain_http, config, std::int32_t{options.allow_plain_http});
        call(sco_config_set_timeouts, config, detail::count_of(options.connect_timeout),
             detail::count_of(options.stall_timeout), detail::count_of(options.call_timeout));
        call(sco_config_set_retry, config, std::uint32_t{options.attempts},
             detail::count_of(options.retry_base), detail::count_of(options.retry_longest));
        call(sco_config_set_retry_server_errors, config, std::int32_t{options.retry_server_errors});
        if (options.proxy)
            call(sco_config_set_proxy, config, options.proxy->c_str());
        if (!options.ca_certificates.empty())
            call(sco_config_add_ca_certificates, config, bytes(options.ca_certificates),
                 options.ca_certificates.size());
        if (!options.client_certificate.empty())
            call(sco_config_set_client_certificate, config, bytes(options.client_certificate),
                 options.client_certificate.size(), bytes(options.client_key),
                 options.client_key.size());
        if (options.log)
            call(sco_config_set_log, config, sco_log_fn{tell_request},
                 static_cast<void *>(callbacks_.get()));
    }

    static std::int32_t give_token(void *context, std::int32_t renew, sco_token *token)
    {
        return detail::guarded([&]() -> std::int32_t {
            const auto &source = static_cast<const Callbacks *>(context)->token_source;
            detail::call(sco_token_set, token, source(renew != 0).c_str());
            return 0;
        });
    }

    static void tell_request(void *context, const sco_request *request) noexcept
    {
        RequestRecord record{request->method, request->url, std::nullopt, request->bytes,
                             std::chrono::duration<double>(request->seconds), std::nullopt,
                             request->attempt};
        if (request->error != nullptr)
            record.error = request->error;
        if (request->status != 0)
            record.status = request->status;
        try {
            static_cast<const Callbacks *>(context)->log(record);
        } catch (...) {
            // A log decides nothing, and a library has no place of its own to report it.
        }
    }

    static std::int32_t write_bytes(void *context, const std::uint8_t *data, std::size_t length)
    {
        return detail::guarded([&]() -> std::int32_t {
            (*static_cast<const std::function<void(ByteView)> *>(context))({data, length});
            return 0;
        });
    }

    static const sco_options *raw(const detail::OptionsHandle &options)
    {
        return options.get();
    }

    const sco_client *client() const noexcept { return handle_.get(); }

    std::unique_ptr<Callbacks> callbacks_;
    detail::ClientHandle handle_;
};

} // namespace sellercloud_output

#endif
