/*
 * Tests of the C++ interface, against the mock servers, which the environment names.
 */

#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>
#include <type_traits>

#include "sellercloud_output.hpp"
/* Twice: the include guard must hold. */
#include "sellercloud_output.hpp"

namespace sco = sellercloud_output;
namespace fs = std::filesystem;
using namespace std::chrono_literals;

static std::string variable(const char *name)
{
    const char *value = std::getenv(name);
    REQUIRE_MESSAGE(value != nullptr, name);
    return value;
}

static sco::ClientOptions with_token()
{
    sco::ClientOptions options;
    options.server = variable("MOCK_SERVER");
    options.token = variable("MOCK_SERVER_TOKEN");
    options.initial_backoff = 10ms;
    return options;
}

static sco::ClientOptions with_login()
{
    auto options = with_token();
    options.token.reset();
    options.user_name = variable("MOCK_SERVER_USER_NAME");
    options.password = variable("MOCK_SERVER_PASSWORD");
    return options;
}

static std::string content_of(const fs::path &path)
{
    std::ifstream file(path, std::ios::binary);
    std::ostringstream content;
    content << file.rdbuf();
    return content.str();
}

/* An empty directory that is removed at the end. */
struct Directory {
    fs::path path;

    Directory()
    {
        std::string name = (fs::temp_directory_path() / "sellercloud-output-XXXXXX").string();
        REQUIRE(mkdtemp(name.data()) != nullptr);
        path = name;
    }
    Directory(const Directory &) = delete;
    Directory &operator=(const Directory &) = delete;
    ~Directory() { fs::remove_all(path); }
};

static_assert(!std::is_copy_constructible_v<sco::OutputFile>);
static_assert(std::is_nothrow_move_constructible_v<sco::OutputFile>);
static_assert(!std::is_copy_constructible_v<sco::Client>);
static_assert(std::is_move_constructible_v<sco::Client>);
static_assert(std::is_base_of_v<std::runtime_error, sco::RateLimitError>);

TEST_CASE("get_output_file_returns_bytes_and_name")
{
    sco::Client client(variable("MOCK_SERVER"), variable("MOCK_SERVER_TOKEN"));
    const auto file = client.get_output_file(28142);
    CHECK(file.name() == "Orders \xc3\xa9 2026-11-23.csv");
    CHECK(file.size() == 2400);
    CHECK(file.bytes().text().substr(0, 11) == "\xef\xbb\xbfOrderID,");
    CHECK(!file.is_fallback_name());
    CHECK(file.content_type() == "text/csv");
    const auto empty = client.get_output_file(28147);
    CHECK(empty.bytes().empty());
    CHECK(client.get_output_file(28149).is_fallback_name());
}

TEST_CASE("output_file_after_client_destroyed_is_valid")
{
    std::optional<sco::OutputFile> file;
    {
        sco::Client first(with_token());
        sco::Client second = std::move(first);
        auto downloaded = second.get_output_file(28143);
        file = std::move(downloaded);
    }
    CHECK(file->name() == "inventory.txt");
    CHECK(file->size() == 4239);
}

TEST_CASE("save_output_file_follows_its_options")
{
    Directory directory;
    sco::Client client(with_token());
    const auto saved = client.save_output_file(28142, directory.path);
    CHECK(saved.path == directory.path / sco::detail::path_of("Orders \xc3\xa9 2026-11-23.csv"));
    CHECK(saved.name == "Orders \xc3\xa9 2026-11-23.csv");
    CHECK(saved.size == 2400);
    const auto file = client.get_output_file(28142);
    CHECK(content_of(saved.path) == file.bytes().text());
    CHECK_THROWS_AS(client.save_output_file(28142, directory.path), sco::StorageError);
    CHECK_THROWS_AS(file.save(directory.path), sco::StorageError);
    sco::CallOptions options;
    options.save.if_exists = sco::IfExists::keep_both;
    CHECK(client.save_output_file(28142, directory.path, options).path.stem().string() ==
          "Orders \xc3\xa9 2026-11-23 (1)");
    options.save.file_name = "mine.csv";
    CHECK(client.save_output_file(28142, directory.path, options).path.filename() == "mine.csv");
    CHECK(file.save(directory.path, options.save).path.filename() == "mine (1).csv");
}

TEST_CASE("write_output_file_passes_all_bytes")
{
    sco::Client client(with_token());
    std::string received;
    const auto info = client.write_output_file(
        28143, [&](sco::ByteView bytes) { received += bytes.text(); });
    CHECK(info.size == 4239);
    CHECK(info.path.empty());
    const auto file = client.get_output_file(28143);
    CHECK(received == file.bytes().text());
}

TEST_CASE("error_has_status_attempts_and_message")
{
    sco::Client client(with_token());
    try {
        client.get_output_file(5);
        FAIL("no error");
    } catch (const sco::ServerError &error) {
        CHECK(error.kind() == sco::ErrorKind::server);
        CHECK(error.http_status() == 500);
        CHECK(error.attempts() == 1);
        CHECK(error.job_id() == 5);
        CHECK(!error.is_retryable());
        CHECK(!error.retry_after());
        CHECK(!error.job());
        CHECK(std::string(error.what()) == "job 5: the server responded with 500 Internal Server Error: "
                                           "Could not find or load record with ID 5!");
    }
    auto wrong = with_token();
    wrong.token = "another-token";
    CHECK_THROWS_AS(sco::Client(wrong).get_output_file(28142), sco::AuthenticationError);
    CHECK_THROWS_AS(client.get_output_file(0), sco::InvalidArgumentError);
    CHECK_THROWS_AS(client.get_output_file(28146), sco::MalformedBodyError);
    CHECK_THROWS_AS(sco::Client("", "token"), sco::Error);
    auto busy = with_token();
    busy.server = variable("BUSY_SERVER");
    busy.call_timeout = 5s;
    try {
        sco::Client(busy).get_output_file(1);
        FAIL("no error");
    } catch (const std::runtime_error &error) {
        const auto &busy_error = dynamic_cast<const sco::ServerError &>(error);
        CHECK(busy_error.retry_after() == 60s);
        CHECK(busy_error.is_retryable());
    }
}

TEST_CASE("wait_for_output_file_returns_job_and_file")
{
    sco::Client client(with_login());
    sco::CallOptions options;
    options.wait.initial_interval = 1ms;
    options.wait.max_interval = 5ms;
    const auto [job, file] = client.wait_for_output_file(50001, options);
    CHECK(job.id() == 50001);
    CHECK(job.status() == sco::JobStatus::completed);
    CHECK(job.is_final());
    CHECK(job.text(SCO_JOB_TEXT_COMPANY_NAME) == "Acme");
    CHECK(!job.text(SCO_JOB_TEXT_STARTED_ON));
    CHECK(job.number(SCO_JOB_NUMBER_TOTAL_RECORDS) == 10);
    CHECK(file.size() == 2400);
    const auto partial = client.get_job(50003);
    CHECK(partial.status_name() == "PartialSuccess");
    try {
        client.wait_for_job(50002, options);
        FAIL("no error");
    } catch (const sco::JobFailedError &error) {
        CHECK(error.job()->status() == sco::JobStatus::failed);
        REQUIRE(error.job_log().size() == 2);
        CHECK(error.job_log()[1] == "Row 9: no price");
    }
    CHECK(sco::Client::parse_job_id("/queued-jobs/queued-job-details.aspx?id=2206923") == 2206923);
    CHECK_THROWS_AS(sco::Client::parse_job_id("no job"), sco::InvalidArgumentError);
}

TEST_CASE("client_with_team_finds_its_server")
{
    auto options = with_login();
    options.server.clear();
    options.team = variable("MOCK_SERVER_TEAM");
    options.team_lookup_url = variable("MOCK_SERVER_TEAM_LOOKUP_URL");
    CHECK(sco::Client(options).get_output_file(28142).size() == 2400);
}

TEST_CASE("tls_unknown_authority_fails_unless_added")
{
    auto options = with_token();
    options.server = variable("TLS_SERVER");
    options.max_attempts = 1;
    CHECK_THROWS_AS(sco::Client(options).get_output_file(28142), sco::TlsError);
    options.ca_certificates = content_of(variable("MOCK_SERVER_CERTIFICATES") + "/ca.pem");
    CHECK(sco::Client(options).get_output_file(28142).size() == 2400);
}

TEST_CASE("on_progress_returning_false_cancels")
{
    sco::Client client(with_token());
    sco::CallOptions options;
    sco::Progress last{};
    options.on_progress = [&](const sco::Progress &now) {
        last = now;
        return true;
    };
    client.get_output_file(28142, options);
    CHECK(last.bytes_received == 3200);
    CHECK(last.total_bytes == 3200);
    CHECK(last.attempt == 1);
    options.on_progress = [](const sco::Progress &) { return false; };
    CHECK_THROWS_AS(client.get_output_file(28142, options), sco::CallCancelledError);
}

TEST_CASE("cancel_token_on_another_thread_cancels")
{
    auto unresponsive = with_token();
    unresponsive.server = variable("STALLED_BODY_SERVER");
    sco::Client client(unresponsive);
    sco::CallOptions options;
    options.cancel_token.emplace();
    std::thread canceller;
    options.on_progress = [&, started = false](const sco::Progress &) mutable {
        if (!std::exchange(started, true))
            canceller = std::thread([token = *options.cancel_token] { token.cancel(); });
        return true;
    };
    CHECK_THROWS_AS(client.get_output_file(1, options), sco::CallCancelledError);
    canceller.join();
    CHECK(options.cancel_token->is_cancelled());
}

TEST_CASE("interrupt_returning_false_cancels")
{
    auto unresponsive = with_token();
    unresponsive.server = variable("UNRESPONSIVE_SERVER");
    sco::Client client(unresponsive);
    sco::CallOptions options;
    int asked = 0;
    options.interrupt = [&] { return ++asked < 3; };
    CHECK_THROWS_AS(client.get_output_file(1, options), sco::CallCancelledError);
    CHECK(asked == 3);
}

struct CallbackError : std::exception {
    const char *what() const noexcept override { return "thrown by a callback"; }
};

TEST_CASE("callback_throwing_ends_the_call_with_its_exception")
{
    auto client_options = with_token();
    int requests = 0;
    client_options.on_request = [&](const sco::RequestRecord &record) {
        requests++;
        CHECK(record.http_status == 200);
    };
    sco::Client client(client_options);
    sco::CallOptions options;
    options.on_progress = [](const sco::Progress &) -> bool { throw CallbackError(); };
    CHECK_THROWS_AS(client.get_output_file(28142, options), CallbackError);
    sco::CallOptions interrupted;
    interrupted.interrupt = []() -> bool { throw CallbackError(); };
    CHECK_THROWS_AS(client.get_output_file(28142, interrupted), CallbackError);
    CHECK_THROWS_AS(client.write_output_file(28142, [](sco::ByteView) { throw CallbackError(); }), CallbackError);
    CHECK(client.get_output_file(28142).size() == 2400);
    CHECK(requests == 3);

    auto provider_options = with_token();
    provider_options.token.reset();
    int asked = 0;
    provider_options.token_provider = [&](bool renew) -> std::string {
        CHECK(!renew);
        if (asked++ == 0)
            throw CallbackError();
        return variable("MOCK_SERVER_TOKEN");
    };
    sco::Client client_with_provider(provider_options);
    CHECK_THROWS_AS(client_with_provider.get_output_file(28142), CallbackError);
    CHECK(client_with_provider.get_output_file(28142).size() == 2400);
}

TEST_CASE("on_request_throwing_does_not_fail_the_call")
{
    Directory directory;
    auto client_options = with_login();
    int requests = 0;
    client_options.on_request = [&](const sco::RequestRecord &) {
        requests++;
        throw CallbackError();
    };
    sco::Client client(client_options);
    sco::CallOptions options;
    options.wait.initial_interval = options.wait.max_interval = 1ms;
    CHECK(client.get_output_file(28142).size() == 2400);
    // Two responses with status 503, then the file.
    CHECK(client.save_output_file(40001, directory.path).size == 2400);
    CHECK(client.wait_for_output_file(50003, options).second.size() == 2400);
    CHECK_THROWS_AS(client.get_output_file(5), sco::ServerError);
    CHECK(requests >= 8);
}

TEST_CASE("limit_zero_is_rejected_and_maximum_is_no_limit")
{
    const auto rejected = [](auto change) {
        auto options = with_token();
        change(options);
        try {
            sco::Client client(options);
            FAIL("no error");
        } catch (const sco::InvalidArgumentError &error) {
            CHECK(std::string(error.what()).find("must be greater than zero") != std::string::npos);
        }
    };
    rejected([](sco::ClientOptions &options) { options.connect_timeout = 0ms; });
    rejected([](sco::ClientOptions &options) { options.stall_timeout = 0ms; });
    rejected([](sco::ClientOptions &options) { options.call_timeout = 0ms; });
    rejected([](sco::ClientOptions &options) { options.call_timeout = -1ms; });
    rejected([](sco::ClientOptions &options) { options.max_file_size = 0; });
    rejected([](sco::ClientOptions &options) { options.max_attempts = 0; });

    auto unlimited = with_token();
    const auto no_limit = std::chrono::milliseconds::max();
    unlimited.connect_timeout = unlimited.stall_timeout = unlimited.call_timeout = no_limit;
    unlimited.initial_backoff = 0ms;
    sco::Client client(unlimited);
    sco::CallOptions options;
    options.timeout = no_limit;
    options.wait.grace = 0ms;
    CHECK(client.wait_for_job(50003, options).is_final());
    options.timeout = 0ms;
    CHECK_THROWS_AS(client.get_output_file(28142, options), sco::InvalidArgumentError);
    options.timeout.reset();
    options.wait.initial_interval = 0ms;
    CHECK_THROWS_AS(client.wait_for_job(50003, options), sco::InvalidArgumentError);
    options.wait.initial_interval = options.wait.max_interval;
    options.wait.max_interval = 0ms;
    CHECK_THROWS_AS(client.wait_for_job(50003, options), sco::InvalidArgumentError);
}

TEST_CASE("directory_that_is_not_utf8_is_used_as_it_is")
{
    const Directory parent;
    const fs::path directory = parent.path / "caf\xe9";
    fs::create_directory(directory);
    sco::Client client(with_token());
    CHECK(client.save_output_file(28143, directory).path == directory / "inventory.txt");
    const auto file = client.get_output_file(28142);
    CHECK(file.save(directory).path == directory / file.name());
    sco::CallOptions options;
    options.save.file_name = "a.csv";
    const auto [job, saved] = client.wait_and_save_output_file(50003, directory, options);
    CHECK(saved.path == directory / "a.csv");
    CHECK(content_of(saved.path).size() == saved.size);
    try {
        client.save_output_file(28143, directory);
        FAIL("no error");
    } catch (const sco::StorageError &error) {
        CHECK(error.path() == directory / "inventory.txt");
    }
}

TEST_CASE("user_agent_suffix_is_sent")
{
    // The server knows job 60006 only with this suffix.
    auto options = with_token();
    options.user_agent_suffix = "nightly-export/2.1 (warehouse 7)";
    CHECK(sco::Client(options).get_output_file(60006).size() == 2400);
    options.user_agent_suffix = "another/1";
    CHECK_THROWS_AS(sco::Client(options).get_output_file(60006), sco::ServerError);
    for (const char *unusable : {"", " a", "a ", "a\r\nX-Injected: 1", "caf\xc3\xa9"}) {
        options.user_agent_suffix = unusable;
        CHECK_THROWS_AS(sco::Client{options}, sco::InvalidArgumentError);
    }
}

TEST_CASE("storage_error_has_code_and_path")
{
    Directory directory;
    sco::Client client(with_token());
    const auto saved = client.save_output_file(28143, directory.path);
    try {
        client.save_output_file(28143, directory.path);
        FAIL("no error");
    } catch (const sco::StorageError &error) {
        CHECK(error.os_error() == std::errc::file_exists);
        CHECK(error.path() == saved.path);
    }
    try {
        client.get_output_file(28143).save(directory.path / "nowhere");
        FAIL("no error");
    } catch (const sco::StorageError &error) {
        CHECK(error.os_error() == std::errc::no_such_file_or_directory);
    }
    try {
        client.get_output_file(5);
        FAIL("no error");
    } catch (const sco::Error &error) {
        CHECK(!error.os_error());
        CHECK(!error.path());
    }
    CHECK_THROWS_AS(client.save_output_file(28143, ""), sco::InvalidArgumentError);
    CHECK_THROWS_AS(client.get_output_file(28143).save(""), sco::InvalidArgumentError);
}

TEST_CASE("wait_for_job_on_hold_fails_if_enabled")
{
    sco::Client client(with_token());
    sco::CallOptions options;
    options.wait.initial_interval = options.wait.max_interval = 1ms;
    options.timeout = 60s;
    try {
        client.wait_for_job(50009, options);
        FAIL("no error");
    } catch (const sco::JobFailedError &error) {
        CHECK(error.job()->status() == sco::JobStatus::on_hold);
    }
    options.wait.fail_on_hold = false;
    options.timeout = 300ms;
    CHECK_THROWS_AS(client.wait_for_job(50009, options), sco::TimedOutError);
}

TEST_CASE("server_error_is_retried_if_enabled")
{
    for (const bool enabled : {false, true}) {
        auto client_options = with_token();
        client_options.max_attempts = 3;
        client_options.retry_server_errors = enabled;
        try {
            sco::Client(client_options).get_output_file(40007);
            FAIL("no error");
        } catch (const sco::ServerError &error) {
            CHECK(error.attempts() == (enabled ? 3u : 1u));
        }
    }
}

TEST_CASE("wait_and_save_and_wait_and_write_succeed")
{
    Directory directory;
    sco::Client client(with_token());
    sco::CallOptions options;
    options.wait.initial_interval = options.wait.max_interval = 1ms;
    const auto [job, saved] = client.wait_and_save_output_file(50003, directory.path, options);
    CHECK(job.status() == sco::JobStatus::partial_success);
    CHECK(content_of(saved.path).size() == 2400);
    std::string received;
    const auto write = [&](sco::ByteView bytes) { received += bytes.text(); };
    const auto written = client.wait_and_write_output_file(50003, write, options);
    CHECK(written.first.id() == 50003);
    CHECK(written.second.size == 2400);
    CHECK(received == content_of(saved.path));
    CHECK_THROWS_AS(
        client.wait_and_write_output_file(50003, [](sco::ByteView) { throw CallbackError(); }, options), CallbackError);
    // This job does not end: the directory is checked before the wait.
    options.timeout = 60s;
    CHECK_THROWS_AS(client.wait_and_save_output_file(50004, directory.path / "nowhere", options), sco::StorageError);
    CHECK_THROWS_AS(client.wait_and_save_output_file(50004, "", options), sco::InvalidArgumentError);
}

TEST_CASE("callback_making_calls_succeeds")
{
    sco::Client client(with_token());
    sco::CallOptions options;
    std::size_t inner = 0;
    options.on_progress = [&](const sco::Progress &) {
        inner = client.get_output_file(28143).size();
        CHECK_THROWS_AS(client.get_output_file(5), sco::ServerError);
        return true;
    };
    CHECK(client.get_output_file(28142, options).size() == 2400);
    CHECK(inner == 4239);
}

TEST_CASE("client_shared_by_threads_succeeds")
{
    sco::Client client(with_login());
    std::vector<std::thread> threads;
    std::vector<std::size_t> sizes(8);
    for (std::size_t index = 0; index < sizes.size(); index++)
        threads.emplace_back([&, index] { sizes[index] = client.get_output_file(28142).size(); });
    for (auto &thread : threads)
        thread.join();
    CHECK(sizes == std::vector<std::size_t>(8, 2400));
}

/* Returns the resident memory in KiB. */
static long resident()
{
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
        if (line.rfind("VmRSS:", 0) == 0)
            return std::stol(line.substr(6));
    return 0;
}

static long open_files()
{
    const fs::directory_iterator files("/proc/self/fd");
    return std::distance(begin(files), end(files));
}

TEST_CASE("ten_thousand_calls_use_no_more_memory_than_two_thousand")
{
    Directory directory;
    sco::Client client(with_token());
    const auto calls = [&](int rounds) {
        sco::CallOptions options;
        options.save.if_exists = sco::IfExists::replace;
        options.save.flush_to_disk = false;
        options.on_progress = [](const sco::Progress &) { return true; };
        for (int round = 0; round < rounds; round++) {
            REQUIRE(client.get_output_file(28142, options).size() == 2400);
            client.save_output_file(28143, directory.path, options);
            client.write_output_file(28142, [](sco::ByteView) {}, options);
            REQUIRE_THROWS_AS(client.get_output_file(5), sco::ServerError);
            client.get_job(50003);
        }
    };
    calls(400);
    const long memory = resident();
    const long files = open_files();
    calls(1600);
    MESSAGE("after 2,000 calls " << memory << " KiB, " << files << " files; after 10,000 "
                                 << resident() << ", " << open_files());
    CHECK(memory > 0);
    CHECK(open_files() == files);
    // A leak of 50 bytes per call would exceed this.
    CHECK(resident() - memory < 400);
}
