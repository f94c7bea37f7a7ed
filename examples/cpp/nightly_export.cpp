// Waits for a job and saves its output file, for cron, systemd and other schedulers.
//
//     nightly_export [-k] [-t SECONDS] DIRECTORY JOB
//
//     -k           keep an existing file of the same name, which an earlier run has saved
//                  (default: replace it)
//     -t SECONDS   how long the run may take at most (default: 6 hours)
//
// The program can be run again at any time: a complete file is replaced by the same file, or kept.
// The file appears complete or not at all. If the program is killed, its temporary file stays, and
// the next run removes it.
//
// The log is written to standard error. The exit codes are those of sysexits.h:
//
//      0   the file is saved
//     64   the command line is wrong
//     65   the job failed, was cancelled or is on hold: look at it in Sellercloud
//     69   the server failed for a reason that a retry does not change
//     74   the file cannot be stored: check the directory and the disk
//     75   the failure is temporary: run the program again later
//     78   a setting must be corrected: the server, the token or the password
//
// A token expires, so a job that runs unattended logs in: without SELLERCLOUD_TOKEN the program uses
// SELLERCLOUD_USER and SELLERCLOUD_PASSWORD.

#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <iomanip>
#include <iostream>
#include <string_view>
#include <system_error>

#include <unistd.h> // getopt

#include "sellercloud_output.hpp"

namespace sco = sellercloud_output;

enum ExitCode {
    saved = 0,
    wrong_usage = 64,
    job_failed = 65,
    unavailable = 69,
    cannot_store = 74,
    try_again = 75,
    wrong_settings = 78,
};

// Begins a line of the log.
static std::ostream &log_line()
{
    const std::time_t now = std::time(nullptr);
    std::tm utc{};
    gmtime_r(&now, &utc);
    return std::cerr << std::put_time(&utc, "%Y-%m-%dT%H:%M:%SZ") << " nightly_export: ";
}

// Logs the requests that failed, since a run that took long should say why.
static void log_failed_request(const sco::RequestRecord &record)
{
    if (!record.error && record.http_status.value_or(0) < 400)
        return;
    auto &line = log_line() << record.method << ' ' << record.url << ", attempt " << record.attempt;
    if (record.error)
        line << ": " << *record.error << '\n';
    else
        line << ": HTTP " << *record.http_status << '\n';
}

static ExitCode exit_code_of(const sco::Error &error)
{
    switch (error.kind()) {
    case sco::ErrorKind::invalid_argument:
    case sco::ErrorKind::authentication:
    case sco::ErrorKind::forbidden:
    case sco::ErrorKind::not_found:
    case sco::ErrorKind::tls:
        return wrong_settings;
    case sco::ErrorKind::job_failed:
        return job_failed;
    case sco::ErrorKind::io:
        return cannot_store;
    default:
        return error.is_retryable() ? try_again : unavailable;
    }
}

static sco::Client new_client()
{
    sco::ClientOptions options;
    options.server = std::getenv("SELLERCLOUD_SERVER");
    options.token = std::getenv("SELLERCLOUD_TOKEN");
    options.user_name = std::getenv("SELLERCLOUD_USER");
    options.password = std::getenv("SELLERCLOUD_PASSWORD");
    options.on_request = log_failed_request;
    return sco::Client(options);
}

static ExitCode save_export(const char *directory, const char *job, std::chrono::seconds timeout,
                            bool keep)
{
    try {
        const auto job_id = sco::Client::parse_job_id(job);
        const auto client = new_client();
        sco::CallOptions options;
        options.timeout = timeout;
        options.save.if_exists = keep ? sco::IfExists::fail : sco::IfExists::replace;
        log_line() << "waiting for job " << job_id << '\n';
        const auto [ended, file] = client.wait_and_save_output_file(job_id, directory, options);
        // "PartialSuccess" means that the export lacks some records. The log shows it.
        log_line() << "job " << job_id << " ended with " << ended.status_name() << ": " << file.path
                   << ", " << file.size << " bytes\n";
        return saved;
    } catch (const sco::Error &error) {
        if (keep && error.os_error() == std::errc::file_exists) {
            log_line() << "kept the file, which an earlier run has saved: " << error.what() << '\n';
            return saved;
        }
        log_line() << error.what() << '\n';
        if (const auto wait = error.retry_after())
            log_line() << "wait at least " << wait->count() / 1000 << " s before the next run\n";
        return exit_code_of(error);
    }
}

// Returns zero for text that is not a number of seconds.
static std::chrono::seconds parse_seconds(std::string_view text)
{
    constexpr int max = 366 * 24 * 60 * 60;
    int seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    const bool is_valid = error == std::errc() && end == text.data() + text.size()
        && seconds > 0 && seconds <= max;
    return std::chrono::seconds(is_valid ? seconds : 0);
}

int main(int argc, char **argv)
{
    std::chrono::seconds timeout = std::chrono::hours(6);
    bool keep = false, is_known = true;
    for (int option = 0; (option = getopt(argc, argv, "kt:")) != -1;) {
        if (option == 'k')
            keep = true;
        else if (option == 't')
            timeout = parse_seconds(optarg);
        else
            is_known = false;
    }
    if (!is_known || timeout.count() == 0 || argc - optind != 2) {
        std::cerr << "Usage: nightly_export [-k] [-t SECONDS] DIRECTORY JOB\n";
        return wrong_usage;
    }
    // A reader of the log that ends early must not end the export.
    std::signal(SIGPIPE, SIG_IGN);
    return save_export(argv[optind], argv[optind + 1], timeout, keep);
}
