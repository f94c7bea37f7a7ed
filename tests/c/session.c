/*
 * Login, retries, limits, cancellation, jobs, TLS and proxies as a C program sees
 * them, against the mock servers.
 *
 *     session [resolve]
 *
 * The environment names the servers, as `cargo run -p mock_server` prints them. With
 * "resolve", name lookups are slow, and only their cancellation is tested. C99 with POSIX
 * threads.
 */

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sellercloud_output.h"

static int checks = 0;

#define CHECK(condition)                                                            \
    do {                                                                            \
        __atomic_add_fetch(&checks, 1, __ATOMIC_RELAXED);                           \
        if (!(condition)) {                                                         \
            fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition); \
            exit(1);                                                                \
        }                                                                           \
    } while (0)

/* Prints the library's message on failure. */
#define CHECK_OK(call)                                                                      \
    do {                                                                                    \
        __atomic_add_fetch(&checks, 1, __ATOMIC_RELAXED);                           \
        if ((call) != SCO_OK) {                                                             \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #call,                   \
                    error == NULL ? "" : sco_error_message(error));                         \
            exit(1);                                                                        \
        }                                                                                   \
    } while (0)

static const char *setting(const char *name)
{
    const char *value = getenv(name);
    if (value == NULL) {
        fprintf(stderr, "%s is not set\n", name);
        exit(2);
    }
    return value;
}

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static sco_client_options *new_client_options(void)
{
    sco_client_options *client_options = sco_client_options_new();
    CHECK(client_options != NULL);
    CHECK(sco_client_options_set_initial_backoff_ms(client_options, 10, NULL) == SCO_OK);
    CHECK(sco_client_options_set_max_backoff_ms(client_options, 1000, NULL) == SCO_OK);
    return client_options;
}

/* Frees the options. */
static sco_client *new_client(const char *server, const char *token, sco_client_options *client_options)
{
    sco_client *client = NULL;
    sco_error *error = NULL;
    CHECK_OK(sco_client_new(server, token, client_options, &client, &error));
    sco_client_options_free(client_options);
    return client;
}

static sco_client *client_for(const char *url_setting)
{
    return new_client(setting(url_setting), setting("MOCK_SERVER_TOKEN"), new_client_options());
}

/* Downloads the CSV of 2400 bytes that most jobs of the mock server have. */
static void download(const sco_client *client, int64_t job)
{
    sco_output_file *file = NULL;
    sco_error *error = NULL;
    CHECK_OK(sco_get_output_file(client, job, NULL, &file, &error));
    CHECK(sco_output_file_size(file) == 2400);
    sco_output_file_free(file);
}

/* Makes a call that must fail with a status, and returns its error. */
static sco_error *failed_download(const sco_client *client, int64_t job, sco_status status)
{
    sco_output_file *file = NULL;
    sco_error *error = NULL;
    sco_status got = sco_get_output_file(client, job, NULL, &file, &error);
    if (got != status)
        fprintf(stderr, "%s\n", error == NULL ? "success" : sco_error_message(error));
    CHECK(got == status);
    CHECK(file == NULL);
    CHECK(sco_error_kind(error) == status);
    return error;
}

struct counts {
    pthread_mutex_t lock;
    int logins;
    int requests;
    int rejected;
    uint32_t last_attempt;
};

static void count(void *context, const sco_request_record *record)
{
    struct counts *counts = context;
    pthread_mutex_lock(&counts->lock);
    CHECK(record->size == sizeof *record);
    CHECK(strncmp(record->url, "http", 4) == 0);
    CHECK(record->duration_seconds >= 0);
    counts->requests++;
    counts->logins += strcmp(record->method, "POST") == 0 && record->http_status == 200;
    counts->rejected += record->http_status == 401;
    counts->last_attempt = record->attempt;
    pthread_mutex_unlock(&counts->lock);
}

static void *download_on_thread(void *client)
{
    download(client, 28142);
    return NULL;
}

static void download_on_64_threads(sco_client *client)
{
    pthread_t threads[64];
    for (int i = 0; i < 64; i++)
        CHECK(pthread_create(&threads[i], NULL, download_on_thread, client) == 0);
    for (int i = 0; i < 64; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
}

static void login_many_threads_happens_once(void)
{
    struct counts counts = {PTHREAD_MUTEX_INITIALIZER, 0, 0, 0, 0};
    sco_client_options *client_options = new_client_options();
    CHECK(sco_client_options_set_credentials(client_options, setting("MOCK_SERVER_USER_NAME"), setting("MOCK_SERVER_PASSWORD"),
                                     NULL) == SCO_OK);
    CHECK(sco_client_options_set_on_request(client_options, count, &counts, NULL) == SCO_OK);
    sco_client *client = new_client(setting("MOCK_SERVER"), NULL, client_options);
    download_on_64_threads(client);
    CHECK(counts.logins == 1);
    CHECK(counts.requests == 65);
    /* After this job the server rejects every token that it has issued. */
    download(client, 40006);
    download_on_64_threads(client);
    CHECK(counts.logins == 2);
    CHECK(counts.rejected >= 1);
    sco_client_free(client);
}

static void credentials_wrong_password_fails(void)
{
    sco_client_options *client_options = new_client_options();
    CHECK(sco_client_options_set_credentials(client_options, setting("MOCK_SERVER_USER_NAME"), "wrong-password", NULL) ==
          SCO_OK);
    sco_client *client = new_client(setting("MOCK_SERVER"), NULL, client_options);
    sco_error *error = failed_download(client, 28142, SCO_ERROR_AUTHENTICATION);
    CHECK(strstr(sco_error_message(error), "check the user name and the password") != NULL);
    CHECK(strstr(sco_error_message(error), "wrong-password") == NULL);
    CHECK(sco_error_attempts(error) == 1);
    CHECK(sco_error_retry_after_ms(error) == -1);
    sco_error_free(error);
    sco_client_free(client);

    client_options = sco_client_options_new();
    CHECK(sco_client_options_set_credentials(client_options, NULL, "x", NULL) == SCO_ERROR_INVALID_ARGUMENT);
    CHECK(sco_client_options_set_credentials(client_options, "x", NULL, NULL) == SCO_ERROR_INVALID_ARGUMENT);
    CHECK(sco_client_options_set_credentials(client_options, "x", "\xff", NULL) == SCO_ERROR_INVALID_ARGUMENT);
    CHECK(sco_client_options_set_credentials(NULL, "x", "x", NULL) == SCO_ERROR_INVALID_ARGUMENT);
    CHECK(sco_client_new(setting("MOCK_SERVER"), NULL, client_options, &client, NULL) == SCO_ERROR_INVALID_ARGUMENT);
    CHECK(client == NULL);
    sco_client_options_free(client_options);
}

static int32_t provide_token(void *context, int32_t renew, sco_token_result *token)
{
    int *calls = context;
    ++*calls;
    if (*calls > 2)
        return 7;
    CHECK(sco_token_result_set(token, NULL, NULL) == SCO_ERROR_INVALID_ARGUMENT);
    return sco_token_result_set(token, renew ? setting("MOCK_SERVER_TOKEN") : "stale", NULL);
}

static void token_provider_is_called_for_each_token(void)
{
    int calls = 0;
    sco_client_options *client_options = new_client_options();
    CHECK(sco_client_options_set_token_provider(client_options, NULL, NULL, NULL) == SCO_ERROR_INVALID_ARGUMENT);
    CHECK(sco_client_options_set_token_provider(client_options, provide_token, &calls, NULL) == SCO_OK);
    sco_client *client = new_client(setting("MOCK_SERVER"), NULL, client_options);
    download(client, 28142);
    CHECK(calls == 2);
    sco_error *error = failed_download(client, 28142, SCO_ERROR_AUTHENTICATION);
    CHECK(strstr(sco_error_message(error), "the callback returned 7") != NULL);
    sco_error_free(error);
    sco_client_free(client);
}

static void client_with_team_finds_its_server(void)
{
    sco_client_options *client_options = new_client_options();
    CHECK(sco_client_options_set_team(client_options, setting("MOCK_SERVER_TEAM"), NULL) == SCO_OK);
    CHECK(sco_client_options_set_team_lookup_url(client_options, setting("MOCK_SERVER_TEAM_LOOKUP_URL"), NULL) == SCO_OK);
    sco_client *client = new_client(NULL, setting("MOCK_SERVER_TOKEN"), client_options);
    download(client, 28142);
    sco_client_free(client);
}

static void transient_failure_is_retried(void)
{
    struct counts counts = {PTHREAD_MUTEX_INITIALIZER, 0, 0, 0, 0};
    sco_client_options *client_options = new_client_options();
    CHECK(sco_client_options_set_on_request(client_options, count, &counts, NULL) == SCO_OK);
    sco_client *client = new_client(setting("MOCK_SERVER"), setting("MOCK_SERVER_TOKEN"), client_options);
    download(client, 40001);
    CHECK(counts.requests == 3);
    CHECK(counts.last_attempt == 3);
    sco_error *error = failed_download(client, 40004, SCO_ERROR_SERVER);
    CHECK(sco_error_attempts(error) == 5);
    CHECK(sco_error_http_status(error) == 504);
    CHECK(strstr(sco_error_message(error), "(after 5 attempts)") != NULL);
    sco_error_free(error);
    error = failed_download(client, 5, SCO_ERROR_SERVER);
    CHECK(sco_error_attempts(error) == 1);
    sco_error_free(error);
    sco_client_free(client);

    /* Closes the connection without a response, in the head, in the body, and then succeeds. */
    client = client_for("FLAKY_SERVER");
    download(client, 28142);
    sco_client_free(client);
}

static void rate_limit_within_timeout_is_waited_for(void)
{
    sco_client *client = client_for("MOCK_SERVER");
    double start = seconds_now();
    download(client, 40002);
    CHECK(seconds_now() - start >= 0.9);
    start = seconds_now();
    sco_call_options *options = sco_call_options_new();
    CHECK(sco_call_options_set_timeout_ms(options, 60000, NULL) == SCO_OK);
    sco_output_file *file = NULL;
    sco_error *error = NULL;
    CHECK(sco_get_output_file(client, 40003, options, &file, &error) == SCO_ERROR_RATE_LIMITED);
    CHECK(seconds_now() - start < 30);
    CHECK(sco_error_http_status(error) == 409);
    CHECK(sco_error_retry_after_ms(error) > 3500000);
    CHECK(sco_error_retry_after_ms(error) <= 3601000);
    sco_error_free(error);
    sco_call_options_free(options);
    sco_client_free(client);
}

static void unresponsive_server_times_out(void)
{
    static const char *const servers[] = {"FULL_PORT", "UNRESPONSIVE_SERVER", "STALLED_BODY_SERVER"};
    for (size_t i = 0; i < 3; i++) {
        sco_client_options *client_options = new_client_options();
        CHECK(sco_client_options_set_max_attempts(client_options, 1, NULL) == SCO_OK);
        CHECK(sco_client_options_set_connect_timeout_ms(client_options, 300, NULL) == SCO_OK);
        CHECK(sco_client_options_set_stall_timeout_ms(client_options, 300, NULL) == SCO_OK);
        CHECK(sco_client_options_set_call_timeout_ms(client_options, 60000, NULL) == SCO_OK);
        sco_client *client = new_client(setting(servers[i]), "token", client_options);
        double start = seconds_now();
        sco_error *error = failed_download(client, 1, SCO_ERROR_TIMEOUT);
        CHECK(strstr(sco_error_message(error), "0.3 s") != NULL);
        CHECK(seconds_now() - start >= 0.29);
        CHECK(seconds_now() - start < 10);
        sco_error_free(error);
        sco_client_free(client);
    }
    sco_client *client = client_for("SLOW_BODY_SERVER");
    sco_call_options *options = sco_call_options_new();
    CHECK(sco_call_options_set_timeout_ms(options, 600, NULL) == SCO_OK);
    sco_output_file *file = NULL;
    CHECK(sco_get_output_file(client, 1, options, &file, NULL) == SCO_ERROR_TIMEOUT);
    sco_call_options_free(options);
    sco_client_free(client);
}

struct pending {
    const sco_client *client;
    sco_call_options *options;
    int waits_for_job;
    pthread_mutex_t lock;
    pthread_cond_t ended;
    int has_ended;
    sco_status status;
    double end;
};

static void *call_unresponsive_server(void *context)
{
    struct pending *pending = context;
    sco_output_file *file = NULL;
    sco_job *job = NULL;
    sco_status status = pending->waits_for_job
        ? sco_wait_for_job(pending->client, 50004, pending->options, &job, NULL)
        : sco_get_output_file(pending->client, 1, pending->options, &file, NULL);
    pthread_mutex_lock(&pending->lock);
    pending->status = status;
    pending->end = seconds_now();
    pending->has_ended = 1;
    pthread_cond_signal(&pending->ended);
    pthread_mutex_unlock(&pending->lock);
    return NULL;
}

static void check_cancellation(const char *place, const char *server, int waits_for_job)
{
    sco_client *client = new_client(server, setting("MOCK_SERVER_TOKEN"), NULL);
    sco_cancel_token *cancel = sco_cancel_token_new();
    CHECK(sco_cancel_token_is_cancelled(cancel) == 0);
    struct pending pending;
    memset(&pending, 0, sizeof pending);
    pending.client = client;
    pending.waits_for_job = waits_for_job;
    pending.options = sco_call_options_new();
    CHECK(sco_call_options_set_cancel_token(pending.options, cancel, NULL) == SCO_OK);
    CHECK(pthread_mutex_init(&pending.lock, NULL) == 0);
    CHECK(pthread_cond_init(&pending.ended, NULL) == 0);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, call_unresponsive_server, &pending) == 0);

    /* It does not end before it is cancelled. */
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 400000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&pending.lock);
    while (!pending.has_ended && pthread_cond_timedwait(&pending.ended, &pending.lock, &until) == 0)
        ;
    CHECK(!pending.has_ended);
    pthread_mutex_unlock(&pending.lock);

    double start = seconds_now();
    sco_cancel_token_cancel(cancel);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(sco_cancel_token_is_cancelled(cancel) == 1);
    CHECK(pending.status == SCO_ERROR_CANCELLED);
    printf("cancelled while %s: %.1f ms\n", place, (pending.end - start) * 1000);
    CHECK(pending.end - start < 0.25);
    pthread_cond_destroy(&pending.ended);
    pthread_mutex_destroy(&pending.lock);
    sco_call_options_free(pending.options);
    sco_cancel_token_free(cancel);
    sco_client_free(client);
}

static void cancel_token_ends_each_phase_of_a_call(void)
{
    check_cancellation("connecting", setting("FULL_PORT"), 0);
    check_cancellation("waiting for the response", setting("UNRESPONSIVE_SERVER"), 0);
    check_cancellation("reading the body", setting("STALLED_BODY_SERVER"), 0);
    check_cancellation("waiting to retry", setting("BUSY_SERVER"), 0);
    check_cancellation("waiting for a job", setting("MOCK_SERVER"), 1);
}

static volatile sig_atomic_t was_signalled;

static void set_flag(int number)
{
    (void)number;
    was_signalled = 1;
}

static int32_t check_flag(void *context)
{
    int *calls = context;
    if (++*calls == 2)
        CHECK(raise(SIGUSR1) == 0);
    return was_signalled;
}

static void interrupt_flag_set_by_signal_handler_cancels(void)
{
    int calls = 0;
    sco_output_file *file = NULL;
    sco_client *client = client_for("UNRESPONSIVE_SERVER");
    sco_call_options *options = sco_call_options_new();
    CHECK(signal(SIGUSR1, set_flag) != SIG_ERR);
    CHECK(sco_call_options_set_interrupt(options, check_flag, &calls, NULL) == SCO_OK);
    CHECK(sco_get_output_file(client, 1, options, &file, NULL) == SCO_ERROR_CANCELLED);
    CHECK(calls == 2);
    CHECK(signal(SIGUSR1, SIG_DFL) != SIG_ERR);
    sco_call_options_free(options);
    sco_client_free(client);
}

struct transfer {
    int calls;
    uint64_t last;
    uint64_t cancel_at;
};

static int32_t record_progress(void *context, const sco_progress *progress)
{
    struct transfer *transfer = context;
    CHECK(progress->size == sizeof *progress);
    CHECK(progress->attempt == 1);
    CHECK(progress->has_total_bytes == 1);
    CHECK(progress->total_bytes == 3200);
    CHECK(progress->bytes_received >= transfer->last);
    transfer->last = progress->bytes_received;
    transfer->calls++;
    return progress->bytes_received >= transfer->cancel_at;
}

static void set_wait(sco_call_options *options, uint64_t interval_ms, uint64_t grace_ms)
{
    CHECK(sco_call_options_set_wait_initial_interval_ms(options, interval_ms, NULL) == SCO_OK);
    CHECK(sco_call_options_set_wait_max_interval_ms(options, interval_ms, NULL) == SCO_OK);
    CHECK(sco_call_options_set_wait_grace_ms(options, grace_ms, NULL) == SCO_OK);
}

static void on_progress_nonzero_cancels(void)
{
    sco_client *client = client_for("MOCK_SERVER");
    sco_call_options *options = sco_call_options_new();
    struct transfer transfer = {0, 0, UINT64_MAX};
    CHECK(sco_call_options_set_on_progress(options, record_progress, &transfer, NULL) == SCO_OK);
    sco_output_file *file = NULL;
    sco_error *error = NULL;
    CHECK_OK(sco_get_output_file(client, 28142, options, &file, &error));
    CHECK(transfer.calls >= 2);
    CHECK(transfer.last == 3200);
    sco_output_file_free(file);
    transfer.last = 0;
    transfer.cancel_at = 1;
    CHECK(sco_get_output_file(client, 28142, options, &file, NULL) == SCO_ERROR_CANCELLED);
    CHECK(file == NULL);
    sco_call_options_free(options);
    sco_client_free(client);
}

static void get_job_returns_its_fields(void)
{
    sco_client *client = client_for("MOCK_SERVER");
    sco_job *job = NULL;
    sco_error *error = NULL;
    CHECK_OK(sco_get_job(client, 50005, NULL, &job, &error));
    CHECK(sco_job_id(job) == 50005);
    CHECK(sco_job_status(job) == SCO_JOB_STATUS_CANCELLED);
    CHECK(strcmp(sco_job_status_name(job), "Cancelled") == 0);
    CHECK(sco_job_is_final(job) == 1);
    CHECK(strcmp(sco_job_text(job, SCO_JOB_TEXT_TYPE), "Export orders") == 0);
    CHECK(strcmp(sco_job_text(job, SCO_JOB_TEXT_COMPANY_NAME), "Acme") == 0);
    CHECK(strcmp(sco_job_text(job, SCO_JOB_TEXT_ERROR_MESSAGE), "3 rows are not valid") == 0);
    CHECK(strcmp(sco_job_text(job, SCO_JOB_TEXT_OUTPUT_FILE), "orders.csv") == 0);
    CHECK(strcmp(sco_job_text(job, SCO_JOB_TEXT_SUBMITTED_ON), "2026-11-23T10:00:00.123") == 0);
    CHECK(sco_job_text(job, SCO_JOB_TEXT_INPUT_FILE) == NULL);
    CHECK(sco_job_text(job, (sco_job_text_field)-1) == NULL);
    CHECK(sco_job_text(job, (sco_job_text_field)SCO_JOB_NUMBER_PRIORITY) == NULL);
    CHECK(sco_job_text(job, (sco_job_text_field)1000) == NULL);
    CHECK(sco_job_number(job, SCO_JOB_NUMBER_COMPANY_ID) == 163);
    CHECK(sco_job_number(job, SCO_JOB_NUMBER_TOTAL_RECORDS) == 10);
    CHECK(sco_job_number(job, SCO_JOB_NUMBER_TOTAL_FAILED) == 3);
    CHECK(sco_job_number(job, SCO_JOB_NUMBER_TOTAL_PHASES) == -1);
    CHECK(sco_job_number(job, (sco_job_number_field)-1) == -1);
    CHECK(sco_job_number(job, (sco_job_number_field)SCO_JOB_TEXT_TYPE) == -1);
    CHECK(sco_job_number(job, (sco_job_number_field)1000) == -1);
    sco_job_free(job);
    CHECK(sco_get_job(client, 5, NULL, &job, NULL) == SCO_ERROR_SERVER);
    CHECK(job == NULL);
    sco_client_free(client);
}

static void wait_for_job_returns_or_fails_as_it_ended(void)
{
    sco_client *client = client_for("MOCK_SERVER");
    sco_call_options *options = sco_call_options_new();
    set_wait(options, 100, 60000);
    sco_job *job = NULL;
    sco_output_file *file = NULL;
    sco_error *error = NULL;
    CHECK_OK(sco_wait_for_output_file(client, 50001, options, &job, &file, &error));
    CHECK(sco_job_status(job) == SCO_JOB_STATUS_COMPLETED);
    CHECK(sco_output_file_size(file) == 2400);
    sco_job_free(job);
    sco_output_file_free(file);

    CHECK_OK(sco_wait_for_job(client, 50003, options, &job, &error));
    CHECK(sco_job_status(job) == SCO_JOB_STATUS_PARTIAL_SUCCESS);
    sco_job_free(job);

    CHECK(sco_wait_for_job(client, 50002, options, &job, &error) == SCO_ERROR_JOB_FAILED);
    CHECK(job == NULL);
    CHECK(sco_job_status(sco_error_job(error)) == SCO_JOB_STATUS_FAILED);
    CHECK(strcmp(sco_error_job_log_line(error, 0), "Row 7 of job 50002: no SKU") == 0);
    CHECK(strcmp(sco_error_job_log_line(error, 1), "Row 9: no price") == 0);
    CHECK(sco_error_job_log_line(error, 2) == NULL);
    CHECK(strstr(sco_error_message(error), "3 rows are not valid") != NULL);
    sco_error_free(error);

    CHECK(sco_call_options_set_timeout_ms(options, 500, NULL) == SCO_OK);
    CHECK(sco_wait_for_output_file(client, 50004, options, NULL, &file, &error) == SCO_ERROR_TIMEOUT);
    CHECK(file == NULL);
    CHECK(strstr(sco_error_message(error), "still Processing") != NULL);
    sco_error_free(error);
    sco_call_options_free(options);
    sco_client_free(client);
}

static void wait_for_job_on_hold_fails_if_enabled(void)
{
    sco_client *client = client_for("MOCK_SERVER");
    sco_call_options *options = sco_call_options_new();
    sco_job *job = NULL;
    sco_error *error = NULL;
    CHECK(sco_call_options_set_timeout_ms(options, 60000, NULL) == SCO_OK);
    CHECK(sco_wait_for_job(client, 50009, options, &job, &error) == SCO_ERROR_JOB_FAILED);
    CHECK(job == NULL);
    CHECK(sco_job_status(sco_error_job(error)) == SCO_JOB_STATUS_ON_HOLD);
    sco_error_free(error);

    /* fail_on_hold is independent of the intervals. */
    CHECK(sco_call_options_set_fail_on_hold(options, 0, NULL) == SCO_OK);
    set_wait(options, 100, 0);
    CHECK(sco_call_options_set_timeout_ms(options, 500, NULL) == SCO_OK);
    CHECK(sco_wait_for_job(client, 50009, options, &job, &error) == SCO_ERROR_TIMEOUT);
    CHECK(strstr(sco_error_message(error), "still OnHold") != NULL);
    sco_error_free(error);
    CHECK(sco_call_options_set_fail_on_hold(options, 1, NULL) == SCO_OK);
    CHECK(sco_wait_for_job(client, 50009, options, &job, NULL) == SCO_ERROR_JOB_FAILED);
    sco_call_options_free(options);
    sco_client_free(client);
}

static void server_error_is_retried_if_enabled(void)
{
    for (int32_t enabled = 0; enabled < 2; enabled++) {
        sco_client_options *client_options = sco_client_options_new();
        CHECK(sco_client_options_set_retry_server_errors(client_options, enabled, NULL) == SCO_OK);
        CHECK(sco_client_options_set_max_attempts(client_options, 3, NULL) == SCO_OK);
        CHECK(sco_client_options_set_initial_backoff_ms(client_options, 1, NULL) == SCO_OK);
        sco_client *client = new_client(setting("MOCK_SERVER"), setting("MOCK_SERVER_TOKEN"), client_options);
        sco_error *error = failed_download(client, 40007, SCO_ERROR_SERVER);
        CHECK(sco_error_http_status(error) == 500);
        CHECK(sco_error_attempts(error) == (enabled ? 3 : 1));
        sco_error_free(error);
        sco_client_free(client);
    }
}

static int32_t add_length(void *context, const uint8_t *data, size_t size)
{
    (void)data;
    *(size_t *)context += size;
    return 0;
}

static void wait_and_save_or_write_output_file_succeeds(void)
{
    char directory[] = "/tmp/sellercloud-output-XXXXXX";
    CHECK(mkdtemp(directory) != NULL);
    sco_client *client = client_for("MOCK_SERVER");
    sco_call_options *options = sco_call_options_new();
    sco_job *job = NULL;
    sco_file_info *info = NULL;
    sco_error *error = NULL;
    set_wait(options, 100, 60000);
    CHECK_OK(sco_wait_and_save_output_file(client, 50003, directory, options, &job, &info, &error));
    CHECK(sco_job_status(job) == SCO_JOB_STATUS_PARTIAL_SUCCESS);
    CHECK(sco_file_info_size(info) == 2400);
    CHECK(remove(sco_file_info_path(info)) == 0);
    sco_file_info_free(info);
    sco_job_free(job);

    size_t size = 0;
    CHECK_OK(sco_wait_and_write_output_file(client, 50003, add_length, &size, options, &job, &info,
                                            &error));
    CHECK(sco_job_id(job) == 50003);
    CHECK(sco_file_info_size(info) == 2400 && size == 2400);
    CHECK(sco_file_info_path(info) == NULL);
    sco_file_info_free(info);
    sco_job_free(job);

    CHECK(sco_wait_and_save_output_file(client, 50002, directory, options, &job, &info, NULL) ==
          SCO_ERROR_JOB_FAILED);
    CHECK(job == NULL && info == NULL);
    CHECK(remove(directory) == 0);
    /* This job does not end: the directory and the name are checked before the wait. */
    CHECK(sco_wait_and_save_output_file(client, 50004, directory, options, &job, &info, &error) == SCO_ERROR_IO);
    CHECK(sco_error_attempts(error) == 0);
    CHECK(sco_error_os_error(error) == ENOENT);
    sco_error_free(error);
    CHECK(sco_call_options_set_file_name(options, "a/b", NULL) == SCO_OK);
    CHECK(sco_wait_and_save_output_file(client, 50004, "/tmp", options, &job, &info, NULL) ==
          SCO_ERROR_INVALID_ARGUMENT);
    sco_call_options_free(options);
    sco_client_free(client);
}

static void redirect_to_other_origin_fails(void)
{
    sco_client *client = client_for("MOCK_SERVER");
    download(client, 60001);
    sco_error *error = failed_download(client, 60002, SCO_ERROR_UNEXPECTED_STATUS);
    CHECK(sco_error_http_status(error) == 302);
    CHECK(strstr(sco_error_message(error), "a redirect to another origin, https://elsewhere.example") !=
          NULL);
    sco_error_free(error);
    error = failed_download(client, 60003, SCO_ERROR_AUTHENTICATION);
    CHECK(strstr(sco_error_message(error), "a redirect to the server's login page") != NULL);
    sco_error_free(error);
    sco_client_free(client);
}

static void gzip_body_is_decoded_and_limited(void)
{
    sco_client_options *client_options = new_client_options();
    CHECK(sco_client_options_set_max_file_size_bytes(client_options, 1000000, NULL) == SCO_OK);
    sco_client *client = new_client(setting("MOCK_SERVER"), setting("MOCK_SERVER_TOKEN"), client_options);
    download(client, 60004);
    sco_error_free(failed_download(client, 60005, SCO_ERROR_TOO_LARGE));
    sco_client_free(client);
}

/* The contents of a file in the directory of the mock servers. */
static unsigned char pem[20000];

static size_t read_pem(const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", setting("MOCK_SERVER_CERTIFICATES"), name);
    FILE *stream = fopen(path, "rb");
    CHECK(stream != NULL);
    size_t size = fread(pem, 1, sizeof pem, stream);
    CHECK(size > 0 && size < sizeof pem);
    fclose(stream);
    return size;
}

static sco_client *tls_client(const char *server, int trusts_ca, int has_certificate)
{
    sco_client_options *client_options = new_client_options();
    if (trusts_ca) {
        size_t size = read_pem("ca.pem");
        CHECK(sco_client_options_add_ca_certificates(client_options, pem, size, NULL) == SCO_OK);
    }
    if (has_certificate) {
        size_t size = read_pem("client.pem");
        CHECK(sco_client_options_set_client_certificate(client_options, pem, size, pem, size, NULL) == SCO_OK);
    }
    return new_client(setting(server), setting("MOCK_SERVER_TOKEN"), client_options);
}

static void tls_untrusted_certificate_fails(void)
{
    sco_client *client = tls_client("TLS_SERVER", 1, 0);
    download(client, 28142);
    sco_client_free(client);
    client = tls_client("TLS_SERVER_WITH_CLIENT_CERTIFICATES", 1, 1);
    download(client, 28142);
    sco_client_free(client);
    static const struct {
        const char *server;
        int trusts_ca;
    } rejected[] = {{"TLS_SERVER", 0}, {"TLS_SERVER_EXPIRED", 1}, {"TLS_SERVER_OF_OTHER_HOST", 1}};
    for (size_t i = 0; i < 3; i++) {
        client = tls_client(rejected[i].server, rejected[i].trusts_ca, 0);
        sco_error *error = failed_download(client, 28142, SCO_ERROR_TLS);
        CHECK(sco_error_attempts(error) == 1);
        printf("%s\n", sco_error_message(error));
        sco_error_free(error);
        sco_client_free(client);
    }
    sco_client_options *client_options = new_client_options();
    CHECK(sco_client_options_add_ca_certificates(client_options, (const unsigned char *)"no PEM", 6, NULL) == SCO_OK);
    CHECK(sco_client_new("tt", "token", client_options, &client, NULL) == SCO_ERROR_INVALID_ARGUMENT);
    CHECK(sco_client_options_add_ca_certificates(client_options, NULL, 6, NULL) == SCO_ERROR_INVALID_ARGUMENT);
    sco_client_options_free(client_options);
}

static void proxy_is_used(void)
{
    static const struct {
        const char *server;
        const char *proxy;
    } ways[] = {
        {"PROXIED_SERVER", "PROXY"},
        {"PROXIED_TLS_SERVER", "PROXY"},
        {"PROXIED_SERVER", "PROXY_WITH_PASSWORD"},
        {"PROXIED_TLS_SERVER", "PROXY_WITH_PASSWORD"},
    };
    for (size_t i = 0; i < 4; i++) {
        sco_client_options *client_options = new_client_options();
        size_t size = read_pem("ca.pem");
        CHECK(sco_client_options_add_ca_certificates(client_options, pem, size, NULL) == SCO_OK);
        CHECK(sco_client_options_set_proxy(client_options, setting(ways[i].proxy), NULL) == SCO_OK);
        CHECK(sco_client_options_set_allow_plain_http(client_options, 1, NULL) == SCO_OK);
        sco_client *client =
            new_client(setting(ways[i].server), setting("MOCK_SERVER_TOKEN"), client_options);
        download(client, 28142);
        sco_client_free(client);
    }
    sco_client_options *client_options = new_client_options();
    CHECK(sco_client_options_set_proxy(client_options, setting("PROXY_WITHOUT_PASSWORD"), NULL) == SCO_OK);
    CHECK(sco_client_options_set_allow_plain_http(client_options, 1, NULL) == SCO_OK);
    sco_client *client = new_client(setting("PROXIED_SERVER"), setting("MOCK_SERVER_TOKEN"), client_options);
    sco_error *error = failed_download(client, 28142, SCO_ERROR_CONNECTION);
    CHECK(strstr(sco_error_message(error), "requires a user name and password") != NULL);
    sco_error_free(error);
    sco_client_free(client);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "resolve") == 0) {
        check_cancellation("resolving the name", "https://tt.api.sellercloud.example", 0);
        printf("%d checks passed\n", checks);
        return 0;
    }
    login_many_threads_happens_once();
    credentials_wrong_password_fails();
    token_provider_is_called_for_each_token();
    client_with_team_finds_its_server();
    transient_failure_is_retried();
    rate_limit_within_timeout_is_waited_for();
    unresponsive_server_times_out();
    cancel_token_ends_each_phase_of_a_call();
    interrupt_flag_set_by_signal_handler_cancels();
    on_progress_nonzero_cancels();
    get_job_returns_its_fields();
    wait_for_job_returns_or_fails_as_it_ended();
    wait_for_job_on_hold_fails_if_enabled();
    server_error_is_retried_if_enabled();
    wait_and_save_or_write_output_file_succeeds();
    redirect_to_other_origin_fails();
    gzip_body_is_decoded_and_limited();
    tls_untrusted_certificate_fails();
    proxy_is_used();
    printf("%d checks passed\n", checks);
    return 0;
}
