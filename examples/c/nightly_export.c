/*
 * Waits for a job and saves its output file, for cron, systemd and other schedulers.
 *
 *     nightly_export [-k] [-t SECONDS] DIRECTORY JOB
 *
 *     -k           keep an existing file of the same name, which an earlier run has saved
 *                  (default: replace it)
 *     -t SECONDS   how long the run may take at most (default: 6 hours)
 *
 * The program can be run again at any time: a complete file is replaced by the same file, or kept.
 * The file appears complete or not at all. If the program is killed, its temporary file stays, and
 * the next run removes it.
 *
 * The log is written to standard error. The exit codes are those of sysexits.h:
 *
 *      0   the file is saved
 *     64   the command line is wrong
 *     65   the job failed, was cancelled or is on hold: look at it in Sellercloud
 *     69   the server failed for a reason that a retry does not change
 *     74   the file cannot be stored: check the directory and the disk
 *     75   the failure is temporary: run the program again later
 *     78   a setting must be corrected: the server, the token or the password
 *
 * A token expires, so a job that runs unattended logs in: without SELLERCLOUD_TOKEN the program
 * uses SELLERCLOUD_USER and SELLERCLOUD_PASSWORD.
 */

#define _POSIX_C_SOURCE 200809L /* getopt, gmtime_r */

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "sellercloud_output.h"

enum {
    EXIT_USAGE = 64,
    EXIT_JOB_FAILED = 65,
    EXIT_UNAVAILABLE = 69,
    EXIT_STORAGE = 74,
    EXIT_TRY_AGAIN = 75,
    EXIT_SETTINGS = 78
};

static void log_line(const char *format, ...)
{
    char now[sizeof "2026-11-23T02:15:00Z"] = "";
    const time_t seconds = time(NULL);
    struct tm utc;
    if (gmtime_r(&seconds, &utc) != NULL)
        strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%SZ", &utc);
    fprintf(stderr, "%s nightly_export: ", now);
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

/* Logs the requests that failed, since a run that took long should say why. */
static void log_failed_request(void *context, const sco_request_record *record)
{
    (void)context;
    if (record->error != NULL)
        log_line("%s %s, attempt %" PRIu32 ": %s", record->method, record->url, record->attempt,
                 record->error);
    else if (record->http_status >= 400)
        log_line("%s %s, attempt %" PRIu32 ": HTTP %" PRId32, record->method, record->url,
                 record->attempt, record->http_status);
}

static int exit_code_of(const sco_error *error)
{
    switch (sco_error_kind(error)) {
    case SCO_ERROR_INVALID_ARGUMENT:
    case SCO_ERROR_AUTHENTICATION:
    case SCO_ERROR_FORBIDDEN:
    case SCO_ERROR_NOT_FOUND:
    case SCO_ERROR_TLS:
        return EXIT_SETTINGS;
    case SCO_ERROR_JOB_FAILED:
        return EXIT_JOB_FAILED;
    case SCO_ERROR_IO:
        return EXIT_STORAGE;
    default:
        return sco_error_is_retryable(error) ? EXIT_TRY_AGAIN : EXIT_UNAVAILABLE;
    }
}

static sco_status new_client(sco_client **client, sco_error **error)
{
    const char *token = getenv("SELLERCLOUD_TOKEN");
    const char *user_name = getenv("SELLERCLOUD_USER");
    sco_client_options *options = sco_client_options_new();
    sco_status status = sco_client_options_set_on_request(options, log_failed_request, NULL, error);
    if (status == SCO_OK && token == NULL && user_name != NULL)
        status = sco_client_options_set_credentials(options, user_name,
                                                    getenv("SELLERCLOUD_PASSWORD"), error);
    if (status == SCO_OK)
        status = sco_client_new(getenv("SELLERCLOUD_SERVER"), token, options, client, error);
    sco_client_options_free(options);
    return status;
}

static int save_export(const char *directory, const char *job, uint64_t timeout_ms, int keep)
{
    int exit_code = EXIT_SUCCESS;
    int64_t job_id = 0;
    sco_client *client = NULL;
    sco_job *ended = NULL;
    sco_file_info *saved = NULL;
    sco_error *error = NULL;
    sco_call_options *options = sco_call_options_new();
    sco_status status = sco_parse_job_id(job, &job_id, &error);
    if (status == SCO_OK)
        status = sco_call_options_set_timeout_ms(options, timeout_ms, &error);
    if (status == SCO_OK)
        status = sco_call_options_set_if_exists(
            options, keep ? SCO_IF_EXISTS_FAIL : SCO_IF_EXISTS_REPLACE, &error);
    if (status == SCO_OK)
        status = new_client(&client, &error);
    if (status == SCO_OK) {
        log_line("waiting for job %" PRId64, job_id);
        status = sco_wait_and_save_output_file(client, job_id, directory, options, &ended, &saved,
                                               &error);
    }

    if (status == SCO_OK) {
        /* "PartialSuccess" means that the export lacks some records. The log shows it. */
        log_line("job %" PRId64 " ended with %s: %s, %" PRIu64 " bytes", job_id,
                 sco_job_status_name(ended), sco_file_info_path(saved), sco_file_info_size(saved));
    } else if (keep && sco_error_os_error(error) == EEXIST) {
        log_line("kept %s, which an earlier run has saved", sco_error_path(error));
    } else {
        const int64_t wait_ms = sco_error_retry_after_ms(error);
        log_line("%s: %s", sco_status_string(status), sco_error_message(error));
        if (wait_ms >= 0)
            log_line("wait at least %" PRId64 " s before the next run", wait_ms / 1000);
        exit_code = exit_code_of(error);
    }
    sco_error_free(error);
    sco_file_info_free(saved);
    sco_job_free(ended);
    sco_client_free(client);
    sco_call_options_free(options);
    return exit_code;
}

/* Returns 0 for text that is not a number of seconds. */
static uint64_t parse_seconds(const char *text)
{
    const unsigned long max = 366ul * 24 * 60 * 60;
    char *end = NULL;
    const unsigned long seconds = strtoul(text, &end, 10);
    return *end == '\0' && seconds <= max ? seconds : 0;
}

int main(int argc, char **argv)
{
    uint64_t seconds = 6 * 60 * 60;
    int keep = 0, is_known = 1, option = 0;
    while ((option = getopt(argc, argv, "kt:")) != -1) {
        if (option == 'k')
            keep = 1;
        else if (option == 't')
            seconds = parse_seconds(optarg);
        else
            is_known = 0;
    }
    if (!is_known || seconds == 0 || argc - optind != 2) {
        fprintf(stderr, "Usage: nightly_export [-k] [-t SECONDS] DIRECTORY JOB\n");
        return EXIT_USAGE;
    }
    /* A reader of the log that ends early must not end the export. */
    signal(SIGPIPE, SIG_IGN);
    return save_export(argv[optind], argv[optind + 1], seconds * 1000, keep);
}
