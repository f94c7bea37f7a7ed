/*
 * Tests of the C++ interface, against the mock servers, which the environment names.
 */

#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
/* Tests of errors ignore the results of calls. */
#define DOCTEST_CONFIG_VOID_CAST_EXPRESSIONS
#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <istream>
#include <sstream>
#include <thread>
#include <type_traits>

#if __cplusplus >= 202002L
#include <algorithm>
#include <ranges>
#include <span>
#include <stop_token>
#endif

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
    options.token = nullptr;
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
static_assert(!std::is_copy_constructible_v<sco::OutputFileDownload>);
static_assert(std::is_nothrow_move_constructible_v<sco::OutputFileDownload>);
static_assert(!std::is_copy_constructible_v<sco::OutputFileStreamBuffer>);
static_assert(!std::is_copy_constructible_v<sco::JobWait>);
static_assert(std::is_nothrow_move_constructible_v<sco::JobWait>);
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
    CHECK(saved.path == directory.path / "Orders \xc3\xa9 2026-11-23.csv");
    CHECK(saved.name == "Orders \xc3\xa9 2026-11-23.csv");
    CHECK(saved.size == 2400);
    const auto file = client.get_output_file(28142);
    CHECK(content_of(saved.path) == file.bytes().text());
    CHECK_THROWS_AS(client.save_output_file(28142, directory.path), sco::StorageError);
    CHECK_THROWS_AS(file.save(directory.path), sco::StorageError);
    sco::CallOptions options;
    options.save.if_exists = sco::IfExists::keep_both;
    CHECK(client.save_output_file(28142, directory.path, options).path ==
          directory.path / "Orders \xc3\xa9 2026-11-23 (1).csv");
    options.save.file_name = "mine.csv";
    CHECK(client.save_output_file(28142, directory.path, options).path == directory.path / "mine.csv");
    CHECK(file.save(directory.path, options.save).path == directory.path / "mine (1).csv");
}

TEST_CASE("write_output_file_passes_all_bytes")
{
    sco::Client client(with_token());
    std::string received;
    const auto info = client.write_output_file(
        28143, [&](sco::ByteView bytes) { received += bytes.text(); });
    CHECK(info.size == 4239);
    const auto file = client.get_output_file(28143);
    CHECK(received == file.bytes().text());
}

TEST_CASE("error_has_status_attempts_and_message")
{
    sco::Client client(with_token());
    try {
        (void)client.get_output_file(5);
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
        (void)sco::Client(busy).get_output_file(1);
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
    CHECK(job.text(sco::JobTextField::company_name) == "Acme");
    CHECK(!job.text(sco::JobTextField::started_on));
    CHECK(job.number(sco::JobNumberField::total_records) == 10);
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
    options.server = nullptr;
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
    (void)client.get_output_file(28142, options);
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
    provider_options.token = nullptr;
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
        (void)client.get_output_file(5);
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
            (void)sco::Client(client_options).get_output_file(40007);
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

/* Checks that a call throws InvalidArgumentError with this text in its message. */
template <typename Call>
static void check_invalid(Call &&call, const std::string &text)
{
    try {
        call();
        FAIL("no error: " << text);
    } catch (const sco::InvalidArgumentError &error) {
        CHECK(std::string(error.what()).find(text) != std::string::npos);
        CHECK(error.kind() == sco::ErrorKind::invalid_argument);
        CHECK(error.attempts() == 0);
        CHECK(!error.is_retryable());
        CHECK(!error.job());
        CHECK(error.job_log().empty());
        CHECK(!error.path());
        CHECK(!error.os_error());
    }
}

TEST_CASE("null_where_a_string_is_required_is_the_librarys_error")
{
    const char *unset = std::getenv("SELLERCLOUD_OUTPUT_TEST_UNSET");
    REQUIRE(unset == nullptr);
    check_invalid([&] { (void)sco::Client(unset, unset); }, "a server or a team is required");
    check_invalid([&] { (void)sco::Client(unset, "token"); }, "a server or a team is required");
    check_invalid([&] { (void)sco::Client("tt", unset); }, "token");
    check_invalid([&] { (void)sco::Client::parse_job_id(unset); }, "text is NULL");
    const sco::Client client(with_token());
    check_invalid([&] { client.save_output_file(28142, unset); }, "directory");
    check_invalid([&] { client.wait_and_save_output_file(28142, unset); }, "directory");
    check_invalid([&] { client.get_output_file(28142).save(unset); }, "directory");

    // An option that is NULL is an option that was not set.
    sco::ClientOptions options;
    check_invalid([&] { (void)sco::Client{options}; }, "a server or a team is required");
    options.server = unset;
    options.team = unset;
    options.team_lookup_url = unset;
    options.proxy = unset;
    options.user_agent_suffix = unset;
    options.ca_certificates = unset;
    options.client_certificate = unset;
    options.client_key = unset;
    options.user_name = unset;
    options.password = unset;
    options.token = unset;
    check_invalid([&] { (void)sco::Client{options}; }, "a server or a team is required");
    options.server = variable("MOCK_SERVER");
    check_invalid([&] { (void)sco::Client{options}; }, "token");
    options.user_name = variable("MOCK_SERVER_USER_NAME");
    check_invalid([&] { (void)sco::Client{options}; }, "password");
    options.user_name = unset;
    options.token = variable("MOCK_SERVER_TOKEN");
    CHECK(sco::Client(options).get_output_file(28142).size() == 2400);
    options.client_key = "key";
    check_invalid([&] { (void)sco::Client{options}; }, "chain");
    options.client_key = unset;

    options.token = unset;
    options.token_provider = [&](bool) { return unset; };
    check_invalid([&] { (void)sco::Client(options).get_output_file(28142); }, "token is NULL");

    const Directory directory;
    sco::CallOptions call_options;
    call_options.save.file_name = unset;
    CHECK(client.save_output_file(28143, directory.path, call_options).path == directory.path / "inventory.txt");
}

TEST_CASE("nul_in_a_string_is_rejected")
{
    using namespace std::string_literals;
    const std::string nul = "a\0b"s;
    const Directory directory;
    struct Option {
        const char *name;
        sco::Text sco::ClientOptions::*member;
    };
    for (const auto &[name, member] : {Option{"server", &sco::ClientOptions::server},
                                       Option{"team", &sco::ClientOptions::team},
                                       Option{"team_lookup_url", &sco::ClientOptions::team_lookup_url},
                                       Option{"token", &sco::ClientOptions::token},
                                       Option{"user_name", &sco::ClientOptions::user_name},
                                       Option{"password", &sco::ClientOptions::password},
                                       Option{"proxy", &sco::ClientOptions::proxy},
                                       Option{"user_agent_suffix", &sco::ClientOptions::user_agent_suffix}}) {
        const std::string message = std::string(name) + " contains a NUL character";
        // Alone, at the beginning, in the middle and at the end.
        for (const auto &value : {"\0"s, "\0b"s, "a\0b"s, "a\0"s}) {
            auto options = with_token();
            options.*member = value;
            check_invalid([&] { (void)sco::Client{options}; }, message);
            options.*member = std::string_view(value);
            check_invalid([&] { (void)sco::Client{options}; }, message);
        }
    }
    check_invalid([&] { (void)sco::Client("tt", nul); }, "token contains a NUL character");
    check_invalid([&] { (void)sco::Client(nul, "token"); }, "server contains a NUL character");
    check_invalid([&] { (void)sco::Client::parse_job_id("28142\0"s); }, "text contains a NUL character");

    const sco::Client client(with_token());
    const auto file = client.get_output_file(28142);
    for (const sco::Path &path : {sco::Path(directory.path.string() + "\0x"s),
                                  sco::Path(fs::path(directory.path.string() + "\0x"s))}) {
        const std::string message = "directory contains a NUL character";
        check_invalid([&] { file.save(path); }, message);
        check_invalid([&] { client.save_output_file(28142, path); }, message);
        check_invalid([&] { client.wait_and_save_output_file(50003, path); }, message);
    }
    sco::CallOptions options;
    options.save.file_name = "a.csv\0.exe"s;
    check_invalid([&] { file.save(directory.path, options.save); }, "file_name contains a NUL character");
    check_invalid([&] { client.save_output_file(28142, directory.path, options); },
                  "file_name contains a NUL character");
    CHECK(fs::is_empty(directory.path));

    auto provider_options = with_token();
    provider_options.token = nullptr;
    provider_options.token_provider = [&](bool) { return nul; };
    check_invalid([&] { (void)sco::Client(provider_options).get_output_file(28142); },
                  "token contains a NUL character");
}

TEST_CASE("moved_from_object_is_empty")
{
    sco::Client first(with_token());
    sco::Client client = std::move(first);
    check_invalid([&] { (void)first.get_output_file(28142); }, "client is NULL");
    first = std::move(client);
    CHECK(first.get_output_file(28142).size() == 2400);
    check_invalid([&] { (void)client.get_job(50003); }, "client is NULL");

    auto source = first.get_output_file(28142);
    const auto file = std::move(source);
    CHECK(file.size() == 2400);
    CHECK(source.name().empty());
    CHECK(source.bytes().empty());
    CHECK(source.bytes().text().empty());
    CHECK(!source.content_type());
    check_invalid([&] { source.save("."); }, "file is NULL");

    // To move these is to copy them.
    auto job = first.get_job(50003);
    const auto same_job = std::move(job);
    CHECK(job.id() == same_job.id());
    sco::CancelToken token;
    const auto same_token = std::move(token);
    token.cancel();
    CHECK(same_token.is_cancelled());
}

/* A stop token of a program in C++17. */
struct Flag {
    std::shared_ptr<std::atomic<bool>> value = std::make_shared<std::atomic<bool>>(false);
    bool stop_requested() const noexcept { return *value; }
};

/* A source and its token, for tests that also need a std::stop_source in C++20. */
struct FlagSource {
    Flag flag;
    Flag get_token() const { return flag; }
    void request_stop() const { *flag.value = true; }
};

TEST_CASE_TEMPLATE_DEFINE("stop_token_cancels", Source, stop_token_cancels)
{
    auto client_options = with_token();
    int requests = 0;
    client_options.on_request = [&](const sco::RequestRecord &) { requests++; };
    const sco::Client client(client_options);
    sco::CallOptions options;
    {
        Source source;
        options.stop_token = source.get_token();
        CHECK(client.get_output_file(28142, options).size() == 2400);
        source.request_stop();
        requests = 0;
        CHECK_THROWS_AS(client.get_output_file(28142, options), sco::CallCancelledError);
        CHECK_THROWS_AS(client.wait_for_job(50004, options), sco::CallCancelledError);
        CHECK(requests == 0);
    }

    auto stalled_options = with_token();
    stalled_options.server = variable("STALLED_BODY_SERVER");
    const sco::Client stalled(stalled_options);
    // The request comes from another thread, while the call waits for bytes. The calls of all
    // threads have the same options.
    Source source;
    options.stop_token = source.get_token();
    std::atomic<int> started{0};
    options.on_progress = [&](const sco::Progress &) {
        if (started.fetch_add(1) == 1)
            std::thread([source]() mutable { source.request_stop(); }).detach();
        return true;
    };
    std::vector<std::thread> threads;
    std::atomic<int> cancelled{0};
    for (int index = 0; index < 2; index++)
        threads.emplace_back([&] {
            try {
                (void)stalled.get_output_file(1, options);
            } catch (const sco::CallCancelledError &) {
                cancelled++;
            }
        });
    for (auto &thread : threads)
        thread.join();
    CHECK(cancelled == 2);
}

TEST_CASE_TEMPLATE_INVOKE(stop_token_cancels, FlagSource);
#ifdef __cpp_lib_jthread
TEST_CASE_TEMPLATE_INVOKE(stop_token_cancels, std::stop_source);
#endif

TEST_CASE("first_of_stop_token_cancel_token_and_interrupt_cancels")
{
    const sco::Client client(with_token());
    for (const int which : {0, 1, 2, 3}) {
        FlagSource source;
        sco::CallOptions options;
        options.stop_token = source.get_token();
        options.cancel_token.emplace();
        options.interrupt = [&] { return which != 3; };
        if (which == 1)
            source.request_stop();
        if (which == 2)
            options.cancel_token->cancel();
        if (which == 0)
            CHECK(client.get_output_file(28142, options).size() == 2400);
        else
            CHECK_THROWS_AS(client.get_output_file(28142, options), sco::CallCancelledError);
    }
}

#ifdef __cpp_lib_jthread
TEST_CASE("stop_token_of_jthread_cancels_its_call")
{
    auto options = with_token();
    options.server = variable("UNRESPONSIVE_SERVER");
    const sco::Client client(options);
    std::atomic<bool> is_cancelled{false};
    {
        std::jthread thread([&](std::stop_token token) {
            sco::CallOptions call_options{.stop_token = token};
            CHECK_THROWS_AS(client.get_output_file(1, call_options), sco::CallCancelledError);
            is_cancelled = true;
        });
    } // requests the stop, and joins
    CHECK(is_cancelled);
}
#endif

#ifdef __cpp_lib_ranges
static_assert(std::ranges::contiguous_range<sco::ByteView>);
static_assert(std::ranges::sized_range<sco::ByteView>);
static_assert(std::ranges::borrowed_range<sco::ByteView>);
static_assert(std::ranges::view<sco::ByteView>);
#endif

#ifdef __cpp_lib_span
TEST_CASE("bytes_convert_to_span")
{
    const sco::Client client(with_token());
    const auto file = client.get_output_file(28142);
    const std::span<const std::byte> bytes = file.bytes();
    CHECK(bytes.size() == 2400);
    CHECK(bytes.front() == std::byte{0xef});
    CHECK(static_cast<const void *>(bytes.data()) == file.bytes().data());
    const std::span<const std::uint8_t> numbers(file.bytes());
    CHECK(numbers[1] == 0xbb);
    // Not std::ranges::dangling, since the view is borrowed.
    const std::uint8_t *found = std::ranges::find(file.bytes(), std::uint8_t{'O'});
    CHECK(found - numbers.data() == 3);
    CHECK(std::span<const std::byte>(sco::ByteView()).empty());
    auto download = client.open_output_file(28142);
    std::array<std::byte, 10> buffer;
    REQUIRE(download.read(buffer) > 0);
    CHECK(buffer[0] == std::byte{0xef});
}
#endif

TEST_CASE("expected_twins_return_what_the_calls_return")
{
#ifdef __cpp_lib_expected
    MESSAGE("the expected twins were compiled");
    const Directory directory;
    const auto client = sco::Client::try_new(with_token());
    REQUIRE(client);
    CHECK(sco::Client::try_new({}).error().kind() == sco::ErrorKind::invalid_argument);
    CHECK(sco::Client::try_parse_job_id("28142") == 28142);
    CHECK(!sco::Client::try_parse_job_id("no job"));

    const auto file = client->try_get_output_file(28142);
    REQUIRE(file);
    CHECK(file->size() == 2400);
    CHECK(file->try_save(directory.path)->path == directory.path / file->name());
    CHECK(file->try_save(directory.path).error().os_error() == std::errc::file_exists);
    const auto unknown = client->try_get_output_file(5);
    REQUIRE(!unknown);
    CHECK(unknown.error().kind() == sco::ErrorKind::server);
    CHECK(unknown.error().http_status() == 500);
    CHECK(unknown.error().job_id() == 5);

    std::size_t written = 0;
    const auto write = [&](sco::ByteView bytes) { written += bytes.size(); };
    CHECK(client->try_save_output_file(28143, directory.path)->size == 4239);
    CHECK(client->try_write_output_file(28142, write)->size == written);
    CHECK(client->try_get_job(50003)->id() == 50003);
    CHECK(client->try_wait_for_job(50003)->is_final());
    CHECK(client->try_wait_for_output_file(50003)->second.size() == 2400);
    CHECK(client->try_wait_and_save_output_file(50002, directory.path).error().job()->status() ==
          sco::JobStatus::failed);
    CHECK(client->try_wait_and_write_output_file(50003, write)->first.id() == 50003);
    std::string content;
    CHECK(client->try_get_output_file_into(28142, content)->size == 2400);
    CHECK(content.size() == 2400);
    CHECK(client->try_wait_for_output_file_into(50003, content)->first.id() == 50003);
    auto download = client->try_open_output_file(28142);
    REQUIRE(download);
    CHECK(download->try_read(content.data(), 10).value() > 0);
    CHECK(!download->try_read(nullptr, 10));
    CHECK(client->try_open_output_file(5).error().kind() == sco::ErrorKind::server);
    CHECK(client->try_wait_and_open_output_file(50003)->first.id() == 50003);
    auto wait = client->try_start_job_wait(50003);
    REQUIRE(wait);
    CHECK(wait->try_step()->job);
    CHECK(!wait->try_step());
    // An exception that is no Error is not an error of the call.
    const auto throws = [](sco::ByteView) { throw CallbackError(); };
    CHECK_THROWS_AS(client->try_write_output_file(28142, throws), CallbackError);
#else
    MESSAGE("the expected twins were not compiled: the standard library has no std::expected");
#endif
}

/* Reads the rest of a download, in chunks of this size. */
static std::string rest_of(sco::OutputFileDownload &download, std::size_t size)
{
    std::string bytes;
    std::vector<char> buffer(size);
    while (const std::size_t count = download.read(buffer.data(), buffer.size()))
        bytes.append(buffer.data(), count);
    return bytes;
}

TEST_CASE("open_download_reads_the_file_of_get_output_file")
{
    const sco::Client client(with_token());
    const auto file = client.get_output_file(28142);
    for (const std::size_t size : {1, 7, 4096, 65536}) {
        auto download = client.open_output_file(28142);
        CHECK(download.name() == file.name());
        CHECK(!download.is_fallback_name());
        CHECK(download.content_type() == file.content_type());
        CHECK(!download.size());
        CHECK(rest_of(download, size) == file.bytes().text());
        char byte = 0;
        CHECK(download.read(&byte, 1) == 0);
        check_invalid([&] { (void)download.read(nullptr, 1); }, "buffer is NULL");
        check_invalid([&] { (void)download.read(&byte, 0); }, "the size of buffer is 0");
    }
    auto empty = client.open_output_file(28147);
    CHECK(rest_of(empty, 10).empty());
    CHECK_THROWS_AS(client.open_output_file(5), sco::ServerError);

    sco::CallOptions options;
    options.wait.initial_interval = options.wait.max_interval = 1ms;
    auto job_and_download = client.wait_and_open_output_file(50003, options);
    CHECK(job_and_download.first.status() == sco::JobStatus::partial_success);
    auto &download = job_and_download.second;
    CHECK(rest_of(download, 100) == file.bytes().text());
    CHECK_THROWS_AS(client.wait_and_open_output_file(50002, options), sco::JobFailedError);

    auto moved = std::move(download);
    CHECK(moved.name() == file.name());
    CHECK(download.name().empty());
    CHECK(!download.content_type());
    CHECK(!download.size());
    char byte = 0;
    check_invalid([&] { (void)download.read(&byte, 1); }, "download is NULL");
}

TEST_CASE("open_download_outlives_client_and_options")
{
    // The callbacks of both belong to the download, which is moved and replaced.
    int requests = 0;
    int progress = 0;
    std::optional<sco::OutputFileDownload> download;
    for (const int round : {0, 1, 2}) {
        auto client_options = with_token();
        client_options.on_request = [&requests, state = std::make_shared<int>(round)](const sco::RequestRecord &) {
            requests += *state >= 0;
        };
        auto client = std::make_unique<sco::Client>(client_options);
        auto options = std::make_unique<sco::CallOptions>();
        options->on_progress = [&progress, state = std::make_shared<int>(round)](const sco::Progress &) {
            progress += *state >= 0;
            return true;
        };
        auto opened = client->open_output_file(28148, *options);
        if (download)
            *download = std::move(opened); // closes the one before, in the middle
        else
            download.emplace(std::move(opened));
        options.reset();
        client.reset();
        std::array<char, 100> buffer;
        REQUIRE(download->read(buffer.data(), buffer.size()) > 0);
    }
    const int before = progress;
    const auto size = rest_of(*download, 65536).size();
    CHECK(size + 100 >= sco::Client(with_token()).get_output_file(28148).size());
    CHECK(progress > before);
    download.reset();
    CHECK(requests == 3);
}

TEST_CASE("cut_body_is_an_error_of_read_and_no_end")
{
    auto options = with_token();
    options.server = variable("FLAKY_SERVER");
    const auto read_to_the_end = [&](auto &&read) {
        // The first two responses fail within open, and the third within its body.
        const sco::Client client(options);
        auto download = client.open_output_file(28142);
        read(std::move(download));
        // The fourth is complete, so that the next client begins with the first again.
        CHECK(client.get_output_file(28142).size() == 2400);
    };
    read_to_the_end([](sco::OutputFileDownload download) {
        CHECK_THROWS_AS(rest_of(download, 100), sco::ConnectionFailedError);
        char byte = 0;
        CHECK_THROWS_AS(download.read(&byte, 1), sco::ConnectionFailedError);
    });
    read_to_the_end([](sco::OutputFileDownload download) {
        sco::OutputFileStreamBuffer buffer(std::move(download));
        std::istream stream(&buffer);
        std::ostringstream content;
        for (std::string line; std::getline(stream, line);)
            content << line;
        CHECK(stream.bad());
        CHECK(!stream.eof());
    });
    read_to_the_end([](sco::OutputFileDownload download) {
        sco::OutputFileStreamBuffer buffer(std::move(download));
        std::istream stream(&buffer);
        stream.exceptions(std::ios::badbit);
        const auto read_all = [&] {
            for (std::string line; std::getline(stream, line);) {
            }
        };
        CHECK_THROWS_AS(read_all(), sco::ConnectionFailedError);
    });
}

TEST_CASE("stream_reads_an_open_download")
{
    const sco::Client client(with_token());
    const auto file = client.get_output_file(28142);
    sco::OutputFileStreamBuffer buffer(client.open_output_file(28142));
    CHECK(buffer.download().name() == file.name());
    std::istream stream(&buffer);
    stream.exceptions(std::ios::badbit);
    std::string content;
    for (std::string line; std::getline(stream, line);)
        content += line + '\n';
    CHECK(stream.eof());
    CHECK(content == file.bytes().text());
    sco::OutputFileStreamBuffer whole(client.open_output_file(28148));
    std::ostringstream copied;
    copied << &whole;
    const auto large = client.get_output_file(28148);
    CHECK(copied.str() == large.bytes().text());
}

TEST_CASE("read_of_open_download_is_cancelled_and_times_out")
{
    auto client_options = with_token();
    client_options.server = variable("STALLED_FILE_SERVER");
    const sco::Client client(client_options);
    sco::CallOptions options;
    options.cancel_token.emplace();
    auto download = client.open_output_file(1, options);
    options.cancel_token->cancel();
    CHECK_THROWS_AS(rest_of(download, 10), sco::CallCancelledError);

    sco::CallOptions limited;
    limited.total_timeout = 300ms;
    const auto open_and_read = [&] {
        auto late = client.open_output_file(1, limited);
        rest_of(late, 10);
    };
    CHECK_THROWS_AS(open_and_read(), sco::TimedOutError);
    limited.total_timeout = 0ms;
    CHECK_THROWS_AS(client.open_output_file(1, limited), sco::InvalidArgumentError);

    sco::CallOptions throwing;
    bool is_open = false;
    throwing.on_progress = [&](const sco::Progress &) {
        if (is_open)
            throw CallbackError();
        return true;
    };
    auto interrupted = sco::Client(with_token()).open_output_file(28148, throwing);
    is_open = true;
    CHECK_THROWS_AS(rest_of(interrupted, 10), CallbackError);
}

TEST_CASE_TEMPLATE("file_is_downloaded_into_container", Container, std::string, std::vector<char>,
                   std::vector<unsigned char>, std::vector<std::byte>, std::vector<std::int8_t>)
{
    const sco::Client client(with_token());
    for (const std::int64_t job : {28142, 28143, 28147, 28148}) {
        const auto file = client.get_output_file(job);
        // Whatever was in the container before is gone.
        for (const std::size_t before : {0, 10, 100000}) {
            Container container(before, typename Container::value_type{});
            const auto info = client.get_output_file_into(job, container);
            CHECK(info.name == file.name());
            CHECK(info.size == file.size());
            REQUIRE(container.size() == file.size());
            CHECK(std::string_view(reinterpret_cast<const char *>(container.data()), container.size()) ==
                  file.bytes().text());
        }
    }
    Container container(10, typename Container::value_type{});
    CHECK_THROWS_AS(client.get_output_file_into(28146, container), sco::MalformedBodyError);
    CHECK(container.empty());
    const auto [job, info] = client.wait_for_output_file_into(50003, container);
    CHECK(job.id() == 50003);
    CHECK(container.size() == info.size);
}

/* A container that has no memory. */
struct FullContainer {
    std::string bytes = {};
    char *data() { return bytes.data(); }
    void resize(std::size_t size)
    {
        if (size > 0)
            throw std::bad_alloc();
    }
};

TEST_CASE("container_without_memory_ends_the_call_with_its_exception")
{
    const sco::Client client(with_token());
    FullContainer container;
    CHECK_THROWS_AS(client.get_output_file_into(28142, container), std::bad_alloc);
    CHECK_THROWS_AS(client.wait_for_output_file_into(50003, container), std::bad_alloc);
    CHECK(client.get_output_file_into(28147, container).size == 0);
}

TEST_CASE("job_wait_is_stepped_to_its_end")
{
    std::optional<sco::JobWait> wait;
    sco::CallOptions options;
    options.wait.initial_interval = options.wait.max_interval = 100ms;
    int requests = 0;
    {
        auto client_options = with_login();
        client_options.on_request = [&](const sco::RequestRecord &) { requests++; };
        const sco::Client client(client_options);
        wait.emplace(client.start_job_wait(50001, options));
        CHECK(requests == 0);
    }
    auto step = wait->step();
    while (!step.job) {
        CHECK(step.again_after <= 100ms);
        const int before = requests;
        if (step.again_after > 10ms) {
            CHECK(!wait->step().job); // sends nothing, since it is not due
            CHECK(requests == before);
        }
        std::this_thread::sleep_for(step.again_after);
        step = wait->step();
    }
    CHECK(step.again_after == 0ms);
    CHECK(step.job->status() == sco::JobStatus::completed);
    CHECK_THROWS_AS(wait->step(), sco::InvalidArgumentError);

    const sco::Client client(with_token());
    auto failing = client.start_job_wait(50002, options);
    const auto step_to_the_end = [&] {
        for (;;)
            std::this_thread::sleep_for(failing.step().again_after);
    };
    CHECK_THROWS_AS(step_to_the_end(), sco::JobFailedError);
    auto moved = std::move(failing);
    check_invalid([&] { (void)failing.step(); }, "wait is NULL");
    CHECK_THROWS_AS(client.start_job_wait(0), sco::InvalidArgumentError);
}

static std::size_t count_of_function_pointer;
static void count_bytes(sco::ByteView bytes) { count_of_function_pointer += bytes.size(); }

TEST_CASE("write_accepts_every_function_and_rejects_an_empty_one")
{
    auto options = with_token();
    int requests = 0;
    options.on_request = [&](const sco::RequestRecord &) { requests++; };
    const sco::Client client(options);
    std::function<void(sco::ByteView)> function;
    void (*pointer)(sco::ByteView) = nullptr;
    check_invalid([&] { client.write_output_file(28142, function); }, "callback is NULL");
    check_invalid([&] { client.write_output_file(28142, pointer); }, "callback is NULL");
    check_invalid([&] { client.write_output_file(28142, nullptr); }, "callback is NULL");
    check_invalid([&] { client.wait_and_write_output_file(28142, function); }, "callback is NULL");
    CHECK(requests == 0);

    std::size_t count = 0;
    function = [&](sco::ByteView bytes) { count += bytes.size(); };
    client.write_output_file(28142, function);
    CHECK(count == 2400);
    client.write_output_file(28142, count_bytes);
    CHECK(count_of_function_pointer == 2400);
    // One with a state of its own, that cannot be copied and returns something.
    client.write_output_file(28142, [&count, state = std::make_unique<int>(1)](sco::ByteView) mutable {
        count = 0;
        return ++*state;
    });
    CHECK(count == 0);

    // Functions that are empty are functions that were not set.
    sco::CallOptions call_options;
    call_options.interrupt = std::function<bool()>();
    call_options.on_progress = static_cast<bool (*)(const sco::Progress &)>(nullptr);
    CHECK(client.get_output_file(28142, call_options).size() == 2400);
}

TEST_CASE("path_converts_from_and_to_the_standard_librarys")
{
    const fs::path standard = "exports/caf\xc3\xa9";
    const sco::Path path = standard;
    CHECK(path.text() == "exports/caf\xc3\xa9");
    CHECK(fs::path(path) == standard);
    const fs::path assigned = path;
    CHECK(assigned == standard);
    std::ostringstream written;
    written << path;
    CHECK(written.str() == path.text());
    // Not UTF-8, which file systems of Unix allow.
    CHECK(fs::path(sco::Path(fs::path("caf\xe9"))) == fs::path("caf\xe9"));
}

TEST_CASE("error_without_a_call_has_kind_and_message")
{
    try {
        throw sco::RateLimitError("a test");
    } catch (const sco::Error &error) {
        const sco::Error copy = error;
        CHECK(copy.kind() == sco::ErrorKind::rate_limited);
        CHECK(std::string(copy.what()) == "a test");
        CHECK(!copy.http_status());
    }
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
            (void)client.get_job(50003);
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
