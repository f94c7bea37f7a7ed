/*
 * Login, retries, limits, cancelling, jobs, TLS and proxies as a C program sees
 * them, against the stand-in servers.
 *
 *     session [resolve]
 *
 * Where the servers are is in the environment: see examples/stand_in.rs. With
 * "resolve", name lookups are slow, and only that is tested. C99 with POSIX threads.
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

/* Fails with the library's own words. */
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

static sco_client_options *new_config(void)
{
    sco_client_options *config = sco_client_options_new();
    CHECK(config != NULL);
    CHECK(sco_client_options_set_initial_backoff_ms(config, 10, NULL) == SCO_OK);
    CHECK(sco_client_options_set_max_backoff_ms(config, 1000, NULL) == SCO_OK);
    return config;
}

/* Frees config. */
static sco_client *new_client(const char *server, const char *token, sco_client_options *config)
{
    sco_client *client = NULL;
    sco_error *error = NULL;
    CHECK_OK(sco_client_new(server, token, config, &client, &error));
    sco_client_options_free(config);
    return client;
}

static sco_client *client_of(const char *url_setting)
{
    return new_client(setting(url_setting), setting("STAND_IN_TOKEN"), new_config());
}

/* Fetches the CSV of 2400 bytes that most jobs of the stand-in have. */
static void fetch(const sco_client *client, int64_t job)
{
    sco_output_file *file = NULL;
    sco_error *error = NULL;
    CHECK_OK(sco_get_output_file(client, job, NULL, &file, &error));
    CHECK(sco_output_file_size(file) == 2400);
    sco_output_file_free(file);
}

/* A call that must fail so. */
static sco_error *failed_fetch(const sco_client *client, int64_t job, sco_status status)
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
    int refused;
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
    counts->refused += record->http_status == 401;
    counts->last_attempt = record->attempt;
    pthread_mutex_unlock(&counts->lock);
}

static void *fetch_on_thread(void *client)
{
    fetch(client, 28142);
    return NULL;
}

static void fetch_on_64_threads(sco_client *client)
{
    pthread_t threads[64];
    for (int i = 0; i < 64; i++)
        CHECK(pthread_create(&threads[i], NULL, fetch_on_thread, client) == 0);
    for (int i = 0; i < 64; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
}

static void one_login_serves_all_threads(void)
{
    struct counts counts = {PTHREAD_MUTEX_INITIALIZER, 0, 0, 0, 0};
    sco_client_options *config = new_config();
    CHECK(sco_client_options_set_credentials(config, setting("STAND_IN_USER"), setting("STAND_IN_PASSWORD"),
                                     NULL) == SCO_OK);
    CHECK(sco_client_options_set_on_request(config, count, &counts, NULL) == SCO_OK);
    sco_client *client = new_client(setting("STAND_IN"), NULL, config);
    fetch_on_64_threads(client);
    CHECK(counts.logins == 1);
    CHECK(counts.requests == 65);
    /* After this job every token is forgotten. */
    fetch(client, 40006);
    fetch_on_64_threads(client);
    CHECK(counts.logins == 2);
    CHECK(counts.refused >= 1);
    sco_client_free(client);
}

static void a_wrong_password_is_told(void)
{
    sco_client_options *config = new_config();
    CHECK(sco_client_options_set_credentials(config, setting("STAND_IN_USER"), "wrong-password", NULL) ==
          SCO_OK);
    sco_client *client = new_client(setting("STAND_IN"), NULL, config);
    sco_error *error = failed_fetch(client, 28142, SCO_ERROR_AUTHENTICATION);
    CHECK(strstr(sco_error_message(error), "check the user name and the password") != NULL);
    CHECK(strstr(sco_error_message(error), "wrong-password") == NULL);
    CHECK(sco_error_attempts(error) == 1);
    CHECK(sco_error_retry_after_ms(error) == -1);
    sco_error_free(error);
    sco_client_free(client);

    config = sco_client_options_new();
    CHECK(sco_client_options_set_credentials(config, NULL, "x", NULL) == SCO_ERROR_INVALID_ARGUMENT);
    CHECK(sco_client_options_set_credentials(config, "x", NULL, NULL) == SCO_ERROR_INVALID_ARGUMENT);
    CHECK(sco_client_options_set_credentials(config, "x", "\xff", NULL) == SCO_ERROR_INVALID_ARGUMENT);
    CHECK(sco_client_options_set_credentials(NULL, "x", "x", NULL) == SCO_ERROR_INVALID_ARGUMENT);
    CHECK(sco_client_new(setting("STAND_IN"), NULL, config, &client, NULL) == SCO_ERROR_INVALID_ARGUMENT);
    CHECK(client == NULL);
    sco_client_options_free(config);
}

static int32_t give_token(void *context, int32_t renew, sco_token_result *token)
{
    int *calls = context;
    ++*calls;
    if (*calls > 2)
        return 7;
    CHECK(sco_token_result_set(token, NULL, NULL) == SCO_ERROR_INVALID_ARGUMENT);
    return sco_token_result_set(token, renew ? setting("STAND_IN_TOKEN") : "stale", NULL);
}

static void a_callback_gives_the_token(void)
{
    int calls = 0;
    sco_client_options *config = new_config();
    CHECK(sco_client_options_set_token_provider(config, NULL, NULL, NULL) == SCO_ERROR_INVALID_ARGUMENT);
    CHECK(sco_client_options_set_token_provider(config, give_token, &calls, NULL) == SCO_OK);
    sco_client *client = new_client(setting("STAND_IN"), NULL, config);
    fetch(client, 28142);
    CHECK(calls == 2);
    sco_error *error = failed_fetch(client, 28142, SCO_ERROR_AUTHENTICATION);
    CHECK(strstr(sco_error_message(error), "the callback returned 7") != NULL);
    sco_error_free(error);
    sco_client_free(client);
}

static void a_team_is_enough(void)
{
    sco_client_options *config = new_config();
    CHECK(sco_client_options_set_team(config, setting("STAND_IN_TEAM"), NULL) == SCO_OK);
    CHECK(sco_client_options_set_team_lookup_url(config, setting("STAND_IN_DIRECTORY"), NULL) == SCO_OK);
    sco_client *client = new_client(NULL, setting("STAND_IN_TOKEN"), config);
    fetch(client, 28142);
    sco_client_free(client);
}

static void what_passes_is_tried_again(void)
{
    struct counts counts = {PTHREAD_MUTEX_INITIALIZER, 0, 0, 0, 0};
    sco_client_options *config = new_config();
    CHECK(sco_client_options_set_on_request(config, count, &counts, NULL) == SCO_OK);
    sco_client *client = new_client(setting("STAND_IN"), setting("STAND_IN_TOKEN"), config);
    fetch(client, 40001);
    CHECK(counts.requests == 3);
    CHECK(counts.last_attempt == 3);
    sco_error *error = failed_fetch(client, 40004, SCO_ERROR_SERVER);
    CHECK(sco_error_attempts(error) == 5);
    CHECK(sco_error_http_status(error) == 504);
    CHECK(strstr(sco_error_message(error), "(after 5 attempts)") != NULL);
    sco_error_free(error);
    error = failed_fetch(client, 5, SCO_ERROR_SERVER);
    CHECK(sco_error_attempts(error) == 1);
    sco_error_free(error);
    sco_client_free(client);

    /* Breaks without an answer, within the head, within the body, and is well then. */
    client = client_of("FLAKY_SERVER");
    fetch(client, 28142);
    sco_client_free(client);
}

static void a_rate_limit_is_waited_for_if_there_is_time(void)
{
    sco_client *client = client_of("STAND_IN");
    double start = seconds_now();
    fetch(client, 40002);
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

static void silence_is_a_timeout(void)
{
    static const char *const servers[] = {"FULL_PORT", "SILENT_SERVER", "SILENT_BODY"};
    for (size_t i = 0; i < 3; i++) {
        sco_client_options *config = new_config();
        CHECK(sco_client_options_set_max_attempts(config, 1, NULL) == SCO_OK);
        CHECK(sco_client_options_set_connect_timeout_ms(config, 300, NULL) == SCO_OK);
        CHECK(sco_client_options_set_stall_timeout_ms(config, 300, NULL) == SCO_OK);
        CHECK(sco_client_options_set_call_timeout_ms(config, 60000, NULL) == SCO_OK);
        sco_client *client = new_client(setting(servers[i]), "token", config);
        double start = seconds_now();
        sco_error *error = failed_fetch(client, 1, SCO_ERROR_TIMEOUT);
        CHECK(strstr(sco_error_message(error), "300ms") != NULL);
        CHECK(seconds_now() - start >= 0.29);
        CHECK(seconds_now() - start < 10);
        sco_error_free(error);
        sco_client_free(client);
    }
    sco_client *client = client_of("DRIPPING_SERVER");
    sco_call_options *options = sco_call_options_new();
    CHECK(sco_call_options_set_timeout_ms(options, 600, NULL) == SCO_OK);
    sco_output_file *file = NULL;
    CHECK(sco_get_output_file(client, 1, options, &file, NULL) == SCO_ERROR_TIMEOUT);
    sco_call_options_free(options);
    sco_client_free(client);
}

struct stuck {
    const sco_client *client;
    sco_call_options *options;
    int waits_for_job;
    pthread_mutex_t lock;
    pthread_cond_t ended;
    int has_ended;
    sco_status status;
    double end;
};

static void *get_stuck(void *context)
{
    struct stuck *stuck = context;
    sco_output_file *file = NULL;
    sco_job *job = NULL;
    sco_status status = stuck->waits_for_job
        ? sco_wait_for_job(stuck->client, 50004, stuck->options, &job, NULL)
        : sco_get_output_file(stuck->client, 1, stuck->options, &file, NULL);
    pthread_mutex_lock(&stuck->lock);
    stuck->status = status;
    stuck->end = seconds_now();
    stuck->has_ended = 1;
    pthread_cond_signal(&stuck->ended);
    pthread_mutex_unlock(&stuck->lock);
    return NULL;
}

static void can_be_cancelled(const char *place, const char *server, int waits_for_job)
{
    sco_client *client = new_client(server, setting("STAND_IN_TOKEN"), NULL);
    sco_cancel_token *cancel = sco_cancel_token_new();
    CHECK(sco_cancel_token_is_cancelled(cancel) == 0);
    struct stuck stuck;
    memset(&stuck, 0, sizeof stuck);
    stuck.client = client;
    stuck.waits_for_job = waits_for_job;
    stuck.options = sco_call_options_new();
    CHECK(sco_call_options_set_cancel_token(stuck.options, cancel, NULL) == SCO_OK);
    CHECK(pthread_mutex_init(&stuck.lock, NULL) == 0);
    CHECK(pthread_cond_init(&stuck.ended, NULL) == 0);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, get_stuck, &stuck) == 0);

    /* It does not end by itself. */
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 400000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&stuck.lock);
    while (!stuck.has_ended && pthread_cond_timedwait(&stuck.ended, &stuck.lock, &until) == 0)
        ;
    CHECK(!stuck.has_ended);
    pthread_mutex_unlock(&stuck.lock);

    double start = seconds_now();
    sco_cancel_token_cancel(cancel);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(sco_cancel_token_is_cancelled(cancel) == 1);
    CHECK(stuck.status == SCO_ERROR_CANCELLED);
    printf("cancelled while %s: %.1f ms\n", place, (stuck.end - start) * 1000);
    CHECK(stuck.end - start < 0.25);
    pthread_cond_destroy(&stuck.ended);
    pthread_mutex_destroy(&stuck.lock);
    sco_call_options_free(stuck.options);
    sco_cancel_token_free(cancel);
    sco_client_free(client);
}

static void calls_can_be_cancelled(void)
{
    can_be_cancelled("it connects", setting("FULL_PORT"), 0);
    can_be_cancelled("the head is awaited", setting("SILENT_SERVER"), 0);
    can_be_cancelled("the body is read", setting("SILENT_BODY"), 0);
    can_be_cancelled("a retry is awaited", setting("BUSY_SERVER"), 0);
    can_be_cancelled("a job is awaited", setting("STAND_IN"), 1);
}

static volatile sig_atomic_t was_signalled;

static void note_signal(int number)
{
    (void)number;
    was_signalled = 1;
}

static int32_t ask_flag(void *context)
{
    int *asked = context;
    if (++*asked == 2)
        CHECK(raise(SIGUSR1) == 0);
    return was_signalled;
}

static void a_signal_handler_can_interrupt(void)
{
    int asked = 0;
    sco_output_file *file = NULL;
    sco_client *client = client_of("SILENT_SERVER");
    sco_call_options *options = sco_call_options_new();
    CHECK(signal(SIGUSR1, note_signal) != SIG_ERR);
    CHECK(sco_call_options_set_interrupt(options, ask_flag, &asked, NULL) == SCO_OK);
    CHECK(sco_get_output_file(client, 1, options, &file, NULL) == SCO_ERROR_CANCELLED);
    CHECK(asked == 2);
    CHECK(signal(SIGUSR1, SIG_DFL) != SIG_ERR);
    sco_call_options_free(options);
    sco_client_free(client);
}

struct transfer {
    int calls;
    uint64_t last;
    uint64_t cancel_at;
};

static int32_t follow(void *context, const sco_progress *progress)
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

static void progress_is_told_and_can_cancel(void)
{
    sco_client *client = client_of("STAND_IN");
    sco_call_options *options = sco_call_options_new();
    struct transfer transfer = {0, 0, UINT64_MAX};
    CHECK(sco_call_options_set_on_progress(options, follow, &transfer, NULL) == SCO_OK);
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

static void jobs_are_told(void)
{
    sco_client *client = client_of("STAND_IN");
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

static void jobs_are_waited_for(void)
{
    sco_client *client = client_of("STAND_IN");
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

static void wait_for_job_on_hold_fails_unless_told_to_wait(void)
{
    sco_client *client = client_of("STAND_IN");
    sco_call_options *options = sco_call_options_new();
    sco_job *job = NULL;
    sco_error *error = NULL;
    CHECK(sco_call_options_set_timeout_ms(options, 60000, NULL) == SCO_OK);
    CHECK(sco_wait_for_job(client, 50009, options, &job, &error) == SCO_ERROR_JOB_FAILED);
    CHECK(job == NULL);
    CHECK(sco_job_status(sco_error_job(error)) == SCO_JOB_STATUS_ON_HOLD);
    sco_error_free(error);

    /* In either order with the other settings of a wait. */
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
        sco_client_options *config = sco_client_options_new();
        CHECK(sco_client_options_set_retry_server_errors(config, enabled, NULL) == SCO_OK);
        CHECK(sco_client_options_set_max_attempts(config, 3, NULL) == SCO_OK);
        CHECK(sco_client_options_set_initial_backoff_ms(config, 1, NULL) == SCO_OK);
        sco_client *client = new_client(setting("STAND_IN"), setting("STAND_IN_TOKEN"), config);
        sco_error *error = failed_fetch(client, 40007, SCO_ERROR_SERVER);
        CHECK(sco_error_http_status(error) == 500);
        CHECK(sco_error_attempts(error) == (enabled ? 3 : 1));
        sco_error_free(error);
        sco_client_free(client);
    }
}

static int32_t add_length(void *context, const uint8_t *data, size_t length)
{
    (void)data;
    *(size_t *)context += length;
    return 0;
}

static void output_file_is_saved_or_written_after_the_wait(void)
{
    char folder[] = "/tmp/sellercloud-output-XXXXXX";
    CHECK(mkdtemp(folder) != NULL);
    sco_client *client = client_of("STAND_IN");
    sco_call_options *options = sco_call_options_new();
    sco_job *job = NULL;
    sco_file_info *info = NULL;
    sco_error *error = NULL;
    set_wait(options, 100, 60000);
    CHECK_OK(sco_wait_and_save_output_file(client, 50003, folder, options, &job, &info, &error));
    CHECK(sco_job_status(job) == SCO_JOB_STATUS_PARTIAL_SUCCESS);
    CHECK(sco_file_info_size(info) == 2400);
    CHECK(remove(sco_file_info_path(info)) == 0);
    sco_file_info_free(info);
    sco_job_free(job);

    size_t length = 0;
    CHECK_OK(sco_wait_and_write_output_file(client, 50003, add_length, &length, options, &job, &info,
                                            &error));
    CHECK(sco_job_id(job) == 50003);
    CHECK(sco_file_info_size(info) == 2400 && length == 2400);
    CHECK(sco_file_info_path(info) == NULL);
    sco_file_info_free(info);
    sco_job_free(job);

    CHECK(sco_wait_and_save_output_file(client, 50002, folder, options, &job, &info, NULL) ==
          SCO_ERROR_JOB_FAILED);
    CHECK(job == NULL && info == NULL);
    CHECK(remove(folder) == 0);
    /* This job does not end: what can be checked is checked before the wait. */
    CHECK(sco_wait_and_save_output_file(client, 50004, folder, options, &job, &info, &error) == SCO_ERROR_IO);
    CHECK(sco_error_attempts(error) == 0);
    CHECK(sco_error_os_error(error) == ENOENT);
    sco_error_free(error);
    CHECK(sco_call_options_set_file_name(options, "a/b", NULL) == SCO_OK);
    CHECK(sco_wait_and_save_output_file(client, 50004, "/tmp", options, &job, &info, NULL) ==
          SCO_ERROR_INVALID_ARGUMENT);
    sco_call_options_free(options);
    sco_client_free(client);
}

static void redirects_stay_within_the_origin(void)
{
    sco_client *client = client_of("STAND_IN");
    fetch(client, 60001);
    sco_error *error = failed_fetch(client, 60002, SCO_ERROR_UNEXPECTED_STATUS);
    CHECK(sco_error_http_status(error) == 302);
    CHECK(strstr(sco_error_message(error), "redirects to another origin, https://elsewhere.example") !=
          NULL);
    sco_error_free(error);
    error = failed_fetch(client, 60003, SCO_ERROR_AUTHENTICATION);
    CHECK(strstr(sco_error_message(error), "redirects to its login page") != NULL);
    sco_error_free(error);
    sco_client_free(client);
}

static void gzip_is_undone_and_limited(void)
{
    sco_client_options *config = new_config();
    CHECK(sco_client_options_set_max_file_size_bytes(config, 1000000, NULL) == SCO_OK);
    sco_client *client = new_client(setting("STAND_IN"), setting("STAND_IN_TOKEN"), config);
    fetch(client, 60004);
    sco_error_free(failed_fetch(client, 60005, SCO_ERROR_TOO_LARGE));
    sco_client_free(client);
}

/* The contents of a file in the stand-in's folder. */
static unsigned char pem[20000];

static size_t read_pem(const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", setting("STAND_IN_FOLDER"), name);
    FILE *stream = fopen(path, "rb");
    CHECK(stream != NULL);
    size_t length = fread(pem, 1, sizeof pem, stream);
    CHECK(length > 0 && length < sizeof pem);
    fclose(stream);
    return length;
}

static sco_client *tls_client(const char *server, int trusts, int has_certificate)
{
    sco_client_options *config = new_config();
    if (trusts) {
        size_t length = read_pem("ca.pem");
        CHECK(sco_client_options_add_ca_certificates(config, pem, length, NULL) == SCO_OK);
    }
    if (has_certificate) {
        size_t length = read_pem("client.pem");
        CHECK(sco_client_options_set_client_certificate(config, pem, length, pem, length, NULL) == SCO_OK);
    }
    return new_client(setting(server), setting("STAND_IN_TOKEN"), config);
}

static void tls_is_verified(void)
{
    sco_client *client = tls_client("TLS_SERVER", 1, 0);
    fetch(client, 28142);
    sco_client_free(client);
    client = tls_client("TLS_SERVER_FOR_KNOWN_CLIENTS", 1, 1);
    fetch(client, 28142);
    sco_client_free(client);
    static const struct {
        const char *server;
        int trusts;
    } refused[] = {{"TLS_SERVER", 0}, {"TLS_SERVER_EXPIRED", 1}, {"TLS_SERVER_OF_OTHER_HOST", 1}};
    for (size_t i = 0; i < 3; i++) {
        client = tls_client(refused[i].server, refused[i].trusts, 0);
        sco_error *error = failed_fetch(client, 28142, SCO_ERROR_TLS);
        CHECK(sco_error_attempts(error) == 1);
        printf("%s\n", sco_error_message(error));
        sco_error_free(error);
        sco_client_free(client);
    }
    sco_client_options *config = new_config();
    CHECK(sco_client_options_add_ca_certificates(config, (const unsigned char *)"no PEM", 6, NULL) == SCO_OK);
    CHECK(sco_client_new("tt", "token", config, &client, NULL) == SCO_ERROR_INVALID_ARGUMENT);
    CHECK(sco_client_options_add_ca_certificates(config, NULL, 6, NULL) == SCO_ERROR_INVALID_ARGUMENT);
    sco_client_options_free(config);
}

static void proxies_are_used(void)
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
        sco_client_options *config = new_config();
        size_t length = read_pem("ca.pem");
        CHECK(sco_client_options_add_ca_certificates(config, pem, length, NULL) == SCO_OK);
        CHECK(sco_client_options_set_proxy(config, setting(ways[i].proxy), NULL) == SCO_OK);
        CHECK(sco_client_options_set_allow_plain_http(config, 1, NULL) == SCO_OK);
        sco_client *client =
            new_client(setting(ways[i].server), setting("STAND_IN_TOKEN"), config);
        fetch(client, 28142);
        sco_client_free(client);
    }
    sco_client_options *config = new_config();
    CHECK(sco_client_options_set_proxy(config, setting("PROXY_WITHOUT_ITS_PASSWORD"), NULL) == SCO_OK);
    CHECK(sco_client_options_set_allow_plain_http(config, 1, NULL) == SCO_OK);
    sco_client *client = new_client(setting("PROXIED_SERVER"), setting("STAND_IN_TOKEN"), config);
    sco_error *error = failed_fetch(client, 28142, SCO_ERROR_CONNECTION);
    CHECK(strstr(sco_error_message(error), "wants a user name and password") != NULL);
    sco_error_free(error);
    sco_client_free(client);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "resolve") == 0) {
        can_be_cancelled("the name resolves", "https://tt.api.sellercloud.example", 0);
        printf("%d checks passed\n", checks);
        return 0;
    }
    one_login_serves_all_threads();
    a_wrong_password_is_told();
    a_callback_gives_the_token();
    a_team_is_enough();
    what_passes_is_tried_again();
    a_rate_limit_is_waited_for_if_there_is_time();
    silence_is_a_timeout();
    calls_can_be_cancelled();
    a_signal_handler_can_interrupt();
    progress_is_told_and_can_cancel();
    jobs_are_told();
    jobs_are_waited_for();
    wait_for_job_on_hold_fails_unless_told_to_wait();
    server_error_is_retried_if_enabled();
    output_file_is_saved_or_written_after_the_wait();
    redirects_stay_within_the_origin();
    gzip_is_undone_and_limited();
    tls_is_verified();
    proxies_are_used();
    printf("%d checks passed\n", checks);
    return 0;
}
