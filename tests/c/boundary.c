/*
 * Misuse of the interface: every function with NULL for each pointer, text that is not
 * UTF-8 or not usable, numbers out of range, handles freed in an unusual order, and
 * callbacks that break their promises or call the library. Against the mock server.
 *
 *     boundary SERVER TOKEN DIRECTORY
 *
 * DIRECTORY must be empty and writable. C99.
 */

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sellercloud_output.h"

static const char *server;
static const char *token;
static const char *directory;
static int checks = 0;

#define CHECK(condition)                                                                    \
    do {                                                                                    \
        checks++;                                                                           \
        if (!(condition)) {                                                                 \
            fprintf(stderr, "%s:%d: failed: %s (%s)\n", __FILE__, __LINE__, #condition, at); \
            exit(1);                                                                        \
        }                                                                                   \
    } while (0)

/* The case that is being checked. */
static char at[200] = "";

/* A pointer that a function must overwrite. */
#define STALE(type) ((type *)(void *)&checks)

/* The arguments of all functions. */
static sco_client_options *client_options;
static sco_call_options *options;
static sco_cancel_token *cancel;
static sco_client *client;
static sco_output_file *file;
static sco_output_file_download *download;
static sco_job_wait *job_wait;

/* A job that has ended and has a small file. */
#define JOB 50003

/* A job that does not end. */
#define RUNNING_JOB 50004

/* The pointers that are passed as NULL, one bit each: bit 0 is the first. */
static unsigned nulls;
#define P(place, pointer) ((nulls >> (place) & 1) ? NULL : (pointer))

/* The out parameters of all functions. */
static sco_error *error;
static sco_client *new_client;
static sco_output_file *new_file;
static sco_file_info *new_info;
static sco_job *new_job;
static sco_output_file_download *new_download;
static sco_job_wait *new_wait;
static int64_t new_id;
static size_t new_size;
static uint64_t new_time;
static uint8_t memory[1 << 20];

static int32_t ignore_bytes(void *context, const uint8_t *data, size_t size)
{
    (void)context, (void)data, (void)size;
    return 0;
}

static uint8_t *reserve_memory(void *context, size_t used, size_t capacity)
{
    (void)context, (void)used;
    return capacity <= sizeof memory ? memory : NULL;
}

static int32_t continue_call(void *context)
{
    (void)context;
    return 0;
}

static int32_t ignore_progress(void *context, const sco_progress *progress)
{
    (void)context, (void)progress;
    return 0;
}

static void ignore_record(void *context, const sco_request_record *request)
{
    (void)context, (void)request;
}

static int32_t provide_token(void *context, int32_t renew, sco_token_result *place)
{
    (void)context, (void)renew;
    return sco_token_result_set(place, token, NULL);
}

/* sco_token_result_set can only be called within a callback. */
static sco_status status_of_set;
static const char *text_to_set;

static int32_t set_token(void *context, int32_t renew, sco_token_result *place)
{
    (void)context, (void)renew;
    status_of_set = sco_token_result_set(P(0, place), P(1, text_to_set), P(2, &error));
    return sco_token_result_set(place, token, NULL);
}

static sco_status token_set(const char *text)
{
    sco_client_options *own = sco_client_options_new();
    sco_client *client_with_provider = NULL;
    sco_output_file *downloaded = NULL;
    text_to_set = text;
    CHECK(sco_client_options_set_token_provider(own, set_token, NULL, NULL) == SCO_OK);
    CHECK(sco_client_new(server, NULL, own, &client_with_provider, NULL) == SCO_OK);
    CHECK(sco_get_output_file(client_with_provider, JOB, NULL, &downloaded, NULL) == SCO_OK);
    sco_output_file_free(downloaded);
    sco_client_free(client_with_provider);
    sco_client_options_free(own);
    return status_of_set;
}

/* Not a certificate; only sco_client_new finds that out. */
static const uint8_t pem[] = "no certificate";

/* The functions that can fail, each with valid arguments except for the NULLs. */
#define FUNCTION(name, call) \
    static sco_status call_##name(void) { return call; }
FUNCTION(set_body_encoding, sco_client_options_set_body_encoding(P(0, client_options), SCO_BODY_BASE64, P(1, &error)))
FUNCTION(set_max_file_size, sco_client_options_set_max_file_size_bytes(P(0, client_options), 1 << 20, P(1, &error)))
FUNCTION(set_allow_plain_http, sco_client_options_set_allow_plain_http(P(0, client_options), 0, P(1, &error)))
FUNCTION(set_credentials, sco_client_options_set_credentials(P(0, client_options), P(1, "user"), P(2, "password"), P(3, &error)))
FUNCTION(token_set, token_set(token))
FUNCTION(set_token_provider, sco_client_options_set_token_provider(P(0, client_options), (nulls >> 1 & 1) ? NULL : provide_token, P(2, &checks), P(3, &error)))
FUNCTION(set_team, sco_client_options_set_team(P(0, client_options), P(1, "team"), P(2, &error)))
FUNCTION(set_team_lookup_url, sco_client_options_set_team_lookup_url(P(0, client_options), P(1, server), P(2, &error)))
FUNCTION(set_connect_timeout, sco_client_options_set_connect_timeout_ms(P(0, client_options), 1000, P(1, &error)))
FUNCTION(set_stall_timeout, sco_client_options_set_stall_timeout_ms(P(0, client_options), 1000, P(1, &error)))
FUNCTION(set_call_timeout, sco_client_options_set_call_timeout_ms(P(0, client_options), 1000, P(1, &error)))
FUNCTION(set_max_attempts, sco_client_options_set_max_attempts(P(0, client_options), 1, P(1, &error)))
FUNCTION(set_initial_backoff, sco_client_options_set_initial_backoff_ms(P(0, client_options), 1, P(1, &error)))
FUNCTION(set_max_backoff, sco_client_options_set_max_backoff_ms(P(0, client_options), 1, P(1, &error)))
FUNCTION(set_retry_server_errors, sco_client_options_set_retry_server_errors(P(0, client_options), 1, P(1, &error)))
FUNCTION(set_proxy, sco_client_options_set_proxy(P(0, client_options), P(1, ""), P(2, &error)))
FUNCTION(add_ca_certificates, sco_client_options_add_ca_certificates(P(0, client_options), P(1, pem), sizeof pem, P(2, &error)))
FUNCTION(set_client_certificate, sco_client_options_set_client_certificate(P(0, client_options), P(1, pem), sizeof pem, P(2, pem), sizeof pem, P(3, &error)))
FUNCTION(set_user_agent_suffix, sco_client_options_set_user_agent_suffix(P(0, client_options), P(1, "boundary/1"), P(2, &error)))
FUNCTION(set_on_request, sco_client_options_set_on_request(P(0, client_options), (nulls >> 1 & 1) ? NULL : ignore_record, P(2, &checks), P(3, &error)))
FUNCTION(client_new, sco_client_new(P(0, server), P(1, token), NULL, P(2, &new_client), P(3, &error)))
FUNCTION(parse_job_id, sco_parse_job_id(P(0, "50003"), P(1, &new_id), P(2, &error)))
FUNCTION(get_output_file, sco_get_output_file(P(0, client), JOB, P(1, options), P(2, &new_file), P(3, &error)))
FUNCTION(save_output_file, sco_save_output_file(P(0, client), JOB, P(1, directory), options, P(2, &new_info), P(3, &error)))
FUNCTION(write_output_file, sco_write_output_file(P(0, client), JOB, (nulls >> 1 & 1) ? NULL : ignore_bytes, P(2, &checks), P(3, options), P(4, &new_info), P(5, &error)))
FUNCTION(get_output_file_into, sco_get_output_file_into(P(0, client), JOB, (nulls >> 1 & 1) ? NULL : reserve_memory, P(2, &checks), P(3, options), P(4, &new_info), P(5, &error)))
FUNCTION(wait_for_output_file_into, sco_wait_for_output_file_into(P(0, client), JOB, (nulls >> 1 & 1) ? NULL : reserve_memory, P(2, &checks), P(3, options), P(4, &new_job), P(5, &new_info), P(6, &error)))
FUNCTION(open_output_file, sco_open_output_file(P(0, client), JOB, P(1, options), P(2, &new_download), P(3, &error)))
FUNCTION(wait_and_open_output_file, sco_wait_and_open_output_file(P(0, client), JOB, P(1, options), P(2, &new_job), P(3, &new_download), P(4, &error)))
FUNCTION(download_read, sco_output_file_download_read(P(0, download), P(1, memory), sizeof memory, P(2, &new_size), P(3, &error)))
FUNCTION(start_job_wait, sco_start_job_wait(P(0, client), JOB, P(1, options), P(2, &new_wait), P(3, &error)))
FUNCTION(job_wait_step, sco_job_wait_step(P(0, job_wait), P(1, &new_time), P(2, &new_job), P(3, &error)))
FUNCTION(get_job, sco_get_job(P(0, client), JOB, P(1, options), P(2, &new_job), P(3, &error)))
FUNCTION(wait_for_job, sco_wait_for_job(P(0, client), JOB, P(1, options), P(2, &new_job), P(3, &error)))
FUNCTION(wait_for_output_file, sco_wait_for_output_file(P(0, client), JOB, P(1, options), P(2, &new_job), P(3, &new_file), P(4, &error)))
FUNCTION(wait_and_save_output_file, sco_wait_and_save_output_file(P(0, client), JOB, P(1, directory), options, P(2, &new_job), P(3, &new_info), P(4, &error)))
FUNCTION(wait_and_write_output_file, sco_wait_and_write_output_file(P(0, client), JOB, (nulls >> 1 & 1) ? NULL : ignore_bytes, P(2, &checks), P(3, options), P(4, &new_job), P(5, &new_info), P(6, &error)))
FUNCTION(output_file_save, sco_output_file_save(P(0, file), P(1, directory), options, P(2, &new_info), P(3, &error)))
FUNCTION(set_timeout, sco_call_options_set_timeout_ms(P(0, options), 60000, P(1, &error)))
FUNCTION(set_total_timeout, sco_call_options_set_total_timeout_ms(P(0, options), 60000, P(1, &error)))
FUNCTION(set_cancel_token, sco_call_options_set_cancel_token(P(0, options), P(1, cancel), P(2, &error)))
FUNCTION(set_interrupt, sco_call_options_set_interrupt(P(0, options), (nulls >> 1 & 1) ? NULL : continue_call, P(2, &checks), P(3, &error)))
FUNCTION(set_on_progress, sco_call_options_set_on_progress(P(0, options), (nulls >> 1 & 1) ? NULL : ignore_progress, P(2, &checks), P(3, &error)))
FUNCTION(set_wait_initial_interval, sco_call_options_set_wait_initial_interval_ms(P(0, options), 10, P(1, &error)))
FUNCTION(set_wait_max_interval, sco_call_options_set_wait_max_interval_ms(P(0, options), 100, P(1, &error)))
FUNCTION(set_wait_grace, sco_call_options_set_wait_grace_ms(P(0, options), 1000, P(1, &error)))
FUNCTION(set_fail_on_hold, sco_call_options_set_fail_on_hold(P(0, options), 1, P(1, &error)))
FUNCTION(set_file_name, sco_call_options_set_file_name(P(0, options), P(1, "file.txt"), P(2, &error)))
FUNCTION(set_if_exists, sco_call_options_set_if_exists(P(0, options), SCO_IF_EXISTS_REPLACE, P(1, &error)))
FUNCTION(set_flush_to_disk, sco_call_options_set_flush_to_disk(P(0, options), 0, P(1, &error)))

static const struct function {
    const char *name;
    sco_status (*call)(void);
    /* The number of its pointers, and a bit for each that must not be NULL. The last pointer
       is the error. */
    unsigned pointers;
    unsigned required;
} functions[] = {
    {"sco_client_options_set_body_encoding", call_set_body_encoding, 2, 1},
    {"sco_client_options_set_max_file_size_bytes", call_set_max_file_size, 2, 1},
    {"sco_client_options_set_allow_plain_http", call_set_allow_plain_http, 2, 1},
    {"sco_client_options_set_credentials", call_set_credentials, 4, 1 | 2 | 4},
    {"sco_token_result_set", call_token_set, 3, 1 | 2},
    {"sco_client_options_set_token_provider", call_set_token_provider, 4, 1 | 2},
    {"sco_client_options_set_team", call_set_team, 3, 1 | 2},
    {"sco_client_options_set_team_lookup_url", call_set_team_lookup_url, 3, 1 | 2},
    {"sco_client_options_set_connect_timeout_ms", call_set_connect_timeout, 2, 1},
    {"sco_client_options_set_stall_timeout_ms", call_set_stall_timeout, 2, 1},
    {"sco_client_options_set_call_timeout_ms", call_set_call_timeout, 2, 1},
    {"sco_client_options_set_max_attempts", call_set_max_attempts, 2, 1},
    {"sco_client_options_set_initial_backoff_ms", call_set_initial_backoff, 2, 1},
    {"sco_client_options_set_max_backoff_ms", call_set_max_backoff, 2, 1},
    {"sco_client_options_set_retry_server_errors", call_set_retry_server_errors, 2, 1},
    {"sco_client_options_set_proxy", call_set_proxy, 3, 1 | 2},
    {"sco_client_options_add_ca_certificates", call_add_ca_certificates, 3, 1 | 2},
    {"sco_client_options_set_client_certificate", call_set_client_certificate, 4, 1 | 2 | 4},
    {"sco_client_options_set_user_agent_suffix", call_set_user_agent_suffix, 3, 1 | 2},
    {"sco_client_options_set_on_request", call_set_on_request, 4, 1},
    {"sco_client_new", call_client_new, 4, 1 | 2 | 4},
    {"sco_parse_job_id", call_parse_job_id, 3, 1 | 2},
    {"sco_get_output_file", call_get_output_file, 4, 1 | 4},
    {"sco_save_output_file", call_save_output_file, 4, 1 | 2},
    {"sco_write_output_file", call_write_output_file, 6, 1 | 2},
    {"sco_get_output_file_into", call_get_output_file_into, 6, 1 | 2},
    {"sco_wait_for_output_file_into", call_wait_for_output_file_into, 7, 1 | 2},
    {"sco_open_output_file", call_open_output_file, 4, 1 | 4},
    {"sco_wait_and_open_output_file", call_wait_and_open_output_file, 5, 1 | 8},
    {"sco_output_file_download_read", call_download_read, 4, 1 | 2 | 4},
    {"sco_start_job_wait", call_start_job_wait, 4, 1 | 4},
    {"sco_job_wait_step", call_job_wait_step, 4, 1 | 2 | 4},
    {"sco_get_job", call_get_job, 4, 1 | 4},
    {"sco_wait_for_job", call_wait_for_job, 4, 1 | 4},
    {"sco_wait_for_output_file", call_wait_for_output_file, 5, 1 | 8},
    {"sco_wait_and_save_output_file", call_wait_and_save_output_file, 5, 1 | 2},
    {"sco_wait_and_write_output_file", call_wait_and_write_output_file, 7, 1 | 2},
    {"sco_output_file_save", call_output_file_save, 4, 1 | 2},
    {"sco_call_options_set_timeout_ms", call_set_timeout, 2, 1},
    {"sco_call_options_set_total_timeout_ms", call_set_total_timeout, 2, 1},
    {"sco_call_options_set_cancel_token", call_set_cancel_token, 3, 1},
    {"sco_call_options_set_interrupt", call_set_interrupt, 4, 1},
    {"sco_call_options_set_on_progress", call_set_on_progress, 4, 1},
    {"sco_call_options_set_wait_initial_interval_ms", call_set_wait_initial_interval, 2, 1},
    {"sco_call_options_set_wait_max_interval_ms", call_set_wait_max_interval, 2, 1},
    {"sco_call_options_set_wait_grace_ms", call_set_wait_grace, 2, 1},
    {"sco_call_options_set_fail_on_hold", call_set_fail_on_hold, 2, 1},
    {"sco_call_options_set_file_name", call_set_file_name, 3, 1},
    {"sco_call_options_set_if_exists", call_set_if_exists, 2, 1},
    {"sco_call_options_set_flush_to_disk", call_set_flush_to_disk, 2, 1},
};

static void create_handles(void)
{
    client_options = sco_client_options_new();
    options = sco_call_options_new();
    cancel = sco_cancel_token_new();
    CHECK(client_options != NULL && options != NULL && cancel != NULL);
    CHECK(sco_call_options_set_if_exists(options, SCO_IF_EXISTS_REPLACE, NULL) == SCO_OK);
    CHECK(sco_call_options_set_flush_to_disk(options, 0, NULL) == SCO_OK);
    CHECK(sco_client_new(server, token, NULL, &client, NULL) == SCO_OK);
    CHECK(sco_get_output_file(client, JOB, NULL, &file, NULL) == SCO_OK);
    CHECK(sco_open_output_file(client, JOB, NULL, &download, NULL) == SCO_OK);
    CHECK(sco_start_job_wait(client, RUNNING_JOB, NULL, &job_wait, NULL) == SCO_OK);
}

static void free_handles(void)
{
    sco_job_wait_free(job_wait);
    sco_output_file_download_free(download);
    sco_output_file_free(file);
    sco_client_free(client);
    sco_cancel_token_free(cancel);
    sco_call_options_free(options);
    sco_client_options_free(client_options);
}

static void make_out_parameters_stale(void)
{
    error = STALE(sco_error);
    new_client = STALE(sco_client);
    new_file = STALE(sco_output_file);
    new_info = STALE(sco_file_info);
    new_job = STALE(sco_job);
    new_download = STALE(sco_output_file_download);
    new_wait = STALE(sco_job_wait);
    new_id = -5;
    new_size = 0;
}

/* An out parameter that was not passed is still stale. */
#define FREE_UNLESS_STALE(made, free)         \
    do {                              \
        if ((void *)made != &checks)  \
            free(made);               \
    } while (0)
#define IS_NULL_OR_STALE(made) ((void *)made == &checks || made == NULL)

/* Calls a function with each combination of NULL pointers. */
static void check_nulls(const struct function *function)
{
    for (nulls = 0; nulls < 1u << function->pointers; nulls++) {
        snprintf(at, sizeof at, "%s, NULL in %x", function->name, nulls);
        make_out_parameters_stale();
        sco_status status = function->call();
        int has_error = !(nulls >> (function->pointers - 1) & 1);
        if ((nulls & function->required) == 0) {
            CHECK(status == SCO_OK);
            CHECK(!has_error || error == NULL);
        } else {
            CHECK(status == SCO_ERROR_INVALID_ARGUMENT);
            CHECK(!has_error || sco_error_kind(error) == status);
            CHECK(!has_error || strlen(sco_error_message(error)) > 5);
            CHECK(IS_NULL_OR_STALE(new_client) && IS_NULL_OR_STALE(new_file) && IS_NULL_OR_STALE(new_info));
            CHECK(IS_NULL_OR_STALE(new_job) && new_id <= 0 && new_size == 0);
            CHECK(IS_NULL_OR_STALE(new_download) && IS_NULL_OR_STALE(new_wait));
        }
        FREE_UNLESS_STALE(error, sco_error_free);
        FREE_UNLESS_STALE(new_client, sco_client_free);
        FREE_UNLESS_STALE(new_file, sco_output_file_free);
        FREE_UNLESS_STALE(new_info, sco_file_info_free);
        FREE_UNLESS_STALE(new_job, sco_job_free);
        FREE_UNLESS_STALE(new_download, sco_output_file_download_free);
        FREE_UNLESS_STALE(new_wait, sco_job_wait_free);
    }
    nulls = 0;
}

static void each_function_with_null_reports_it(void)
{
    create_handles();
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++)
        check_nulls(&functions[i]);
    free_handles();
}

static void readers_and_free_functions_accept_null(void)
{
    strcpy(at, "readers");
    CHECK(sco_error_kind(NULL) == SCO_OK);
    CHECK(sco_error_message(NULL) == NULL);
    CHECK(sco_error_http_status(NULL) == 0);
    CHECK(sco_error_is_retryable(NULL) == 0);
    CHECK(sco_error_attempts(NULL) == 0);
    CHECK(sco_error_retry_after_ms(NULL) == -1);
    CHECK(sco_error_os_error(NULL) == 0);
    CHECK(sco_error_path(NULL) == NULL);
    CHECK(sco_error_job_id(NULL) == 0);
    CHECK(sco_error_job(NULL) == NULL);
    CHECK(sco_error_job_log_line(NULL, 0) == NULL);
    CHECK(sco_output_file_data(NULL) == NULL);
    CHECK(sco_output_file_size(NULL) == 0);
    CHECK(sco_output_file_name(NULL) == NULL);
    CHECK(sco_output_file_is_fallback_name(NULL) == 0);
    CHECK(sco_output_file_content_type(NULL) == NULL);
    CHECK(sco_file_info_name(NULL) == NULL);
    CHECK(sco_file_info_is_fallback_name(NULL) == 0);
    CHECK(sco_file_info_size(NULL) == 0);
    CHECK(sco_file_info_content_type(NULL) == NULL);
    CHECK(sco_file_info_path(NULL) == NULL);
    CHECK(sco_output_file_download_name(NULL) == NULL);
    CHECK(sco_output_file_download_is_fallback_name(NULL) == 0);
    CHECK(sco_output_file_download_content_type(NULL) == NULL);
    CHECK(sco_output_file_download_size(NULL) == -1);
    CHECK(sco_job_id(NULL) == 0);
    CHECK(sco_job_status(NULL) == SCO_JOB_STATUS_UNKNOWN);
    CHECK(sco_job_status_name(NULL) == NULL);
    CHECK(sco_job_is_final(NULL) == 0);
    CHECK(sco_job_text(NULL, SCO_JOB_TEXT_TYPE) == NULL);
    CHECK(sco_job_number(NULL, SCO_JOB_NUMBER_PRIORITY) == -1);
    CHECK(sco_cancel_token_is_cancelled(NULL) == 0);
    sco_cancel_token_cancel(NULL);
    /* Twice, like a cleanup that runs again after it has set its pointer to NULL. */
    for (int i = 0; i < 2; i++) {
        sco_error_free(NULL);
        sco_client_options_free(NULL);
        sco_client_free(NULL);
        sco_output_file_free(NULL);
        sco_file_info_free(NULL);
        sco_job_free(NULL);
        sco_output_file_download_free(NULL);
        sco_job_wait_free(NULL);
        sco_cancel_token_free(NULL);
        sco_call_options_free(NULL);
    }
}

/* Every text parameter. */
#define TEXT(name, call) \
    static sco_status text_##name(const char *text) { return call; }
TEXT(server, sco_client_new(text, token, NULL, &new_client, &error))
TEXT(token, sco_client_new(server, text, NULL, &new_client, &error))
TEXT(user, sco_client_options_set_credentials(client_options, text, "password", &error))
TEXT(password, sco_client_options_set_credentials(client_options, "user", text, &error))
TEXT(team, sco_client_options_set_team(client_options, text, &error))
TEXT(team_lookup_url, sco_client_options_set_team_lookup_url(client_options, text, &error))
TEXT(proxy, sco_client_options_set_proxy(client_options, text, &error))
TEXT(user_agent_suffix, sco_client_options_set_user_agent_suffix(client_options, text, &error))
TEXT(job, sco_parse_job_id(text, &new_id, &error))
TEXT(directory, sco_save_output_file(client, JOB, text, NULL, &new_info, &error))
TEXT(directory_of_file, sco_output_file_save(file, text, NULL, &new_info, &error))
TEXT(directory_after_wait, sco_wait_and_save_output_file(client, JOB, text, NULL, NULL, &new_info, &error))
TEXT(file_name, sco_call_options_set_file_name(options, text, &error))

static const struct {
    sco_status (*set)(const char *);
    /* A path may have any bytes. */
    int is_path;
} texts[] = {
    {text_server, 0}, {text_token, 0}, {text_user, 0}, {text_password, 0}, {text_team, 0},
    {text_team_lookup_url, 0}, {text_proxy, 0}, {text_user_agent_suffix, 0}, {text_job, 0},
    {text_directory, 1}, {text_directory_of_file, 1}, {text_directory_after_wait, 1},
    {text_file_name, 0}, {token_set, 0},
};

static void remove_saved(sco_file_info *info)
{
    if (info != NULL)
        CHECK(remove(sco_file_info_path(info)) == 0);
    sco_file_info_free(info);
}

static sco_status check_text(size_t place, const char *text)
{
    snprintf(at, sizeof at, "text %d: %.100s", (int)place, text);
    make_out_parameters_stale();
    sco_status status = texts[place].set(text);
    CHECK(status != SCO_ERROR_INTERNAL);
    CHECK((status == SCO_OK) == (error == NULL));
    FREE_UNLESS_STALE(new_client, sco_client_free);
    /* Some texts, such as "/", are directories in which a file is saved. */
    FREE_UNLESS_STALE(new_info, remove_saved);
    return status;
}

/* Calls with the options succeed, or fail with an expected status. */
static void use_options(void)
{
    sco_client *other = NULL;
    sco_output_file *downloaded = NULL;
    sco_file_info *info = NULL;
    sco_status status = sco_client_new(server, NULL, client_options, &other, &error);
    CHECK(status == SCO_OK || status == SCO_ERROR_INVALID_ARGUMENT);
    sco_error_free(error);
    if (other != NULL) {
        status = sco_get_output_file(other, JOB, NULL, &downloaded, &error);
        CHECK(status != SCO_OK && status != SCO_ERROR_INTERNAL);
        sco_error_free(error);
        sco_client_free(other);
    }
    status = sco_save_output_file(client, JOB, directory, options, &info, &error);
    CHECK(status == SCO_OK || status == SCO_ERROR_INVALID_ARGUMENT || status == SCO_ERROR_IO);
    remove_saved(info);
    sco_error_free(error);
    CHECK(sco_get_output_file(client, JOB, NULL, &downloaded, NULL) == SCO_OK);
    sco_output_file_free(downloaded);
}

static void text_unusable_is_rejected_or_used(void)
{
    static const char *const not_utf8[] = {
        "\xff", "\xc3", "\xc3\x28", "a\x80", "\xc0\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xe2\x82",
    };
    static const char *const unusable[] = {
        "", " ", "\r\nX: y", "a\nb", "\x01", "%s%n%s%n", "../..", "/", "C:\\", "nul", "\xef\xbb\xbf",
        "http://", "https://user:password@host/", "://", "\xf0\x9f\x92\xa9", "99999999999999999999",
    };
    size_t long_length = 1 << 20;
    char *long_text = malloc(long_length + 1);
    create_handles();
    CHECK(long_text != NULL);
    memset(long_text, 'x', long_length);
    long_text[long_length] = '\0';
    for (size_t place = 0; place < sizeof texts / sizeof texts[0]; place++) {
        for (size_t i = 0; i < sizeof not_utf8 / sizeof not_utf8[0]; i++) {
            sco_status status = check_text(place, not_utf8[i]);
            if (texts[place].is_path) {
                /* No such directory. */
                CHECK(status == SCO_ERROR_IO && sco_error_os_error(error) == ENOENT);
                CHECK(strcmp(sco_error_path(error), not_utf8[i]) == 0);
            } else {
                CHECK(status == SCO_ERROR_INVALID_ARGUMENT);
                CHECK(strstr(sco_error_message(error), "is not valid UTF-8") != NULL);
            }
            sco_error_free(error);
        }
        for (size_t i = 0; i < sizeof unusable / sizeof unusable[0]; i++) {
            check_text(place, unusable[i]);
            sco_error_free(error);
            use_options();
        }
        check_text(place, long_text);
        sco_error_free(error);
        use_options();
        /* The options keep what was set, so the next parameter gets new ones. */
        free_handles();
        create_handles();
    }
    free_handles();
    free(long_text);
}

static void number_out_of_range_is_rejected(void)
{
    static const int64_t ids[] = {0, -1, 2147483648, 4294967297, INT64_MAX, INT64_MIN};
    /* Values of no enum: each family's neighbors. */
    static const int32_t numbers[] = {-1,  1,   2,   16,  100, 117, 200, 209,       300,
                                      311, 400, 404, 500, 504, 505, 601, INT32_MAX, INT32_MIN};
    static const uint64_t times[] = {0, 1, INT64_MAX, UINT64_MAX};
    create_handles();
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        snprintf(at, sizeof at, "job %lld", (long long)ids[i]);
        make_out_parameters_stale();
        CHECK(sco_get_output_file(client, ids[i], NULL, &new_file, NULL) == SCO_ERROR_INVALID_ARGUMENT);
        CHECK(sco_save_output_file(client, ids[i], directory, NULL, &new_info, NULL) == SCO_ERROR_INVALID_ARGUMENT);
        CHECK(sco_write_output_file(client, ids[i], ignore_bytes, NULL, NULL, &new_info, NULL) ==
              SCO_ERROR_INVALID_ARGUMENT);
        CHECK(sco_get_job(client, ids[i], NULL, &new_job, NULL) == SCO_ERROR_INVALID_ARGUMENT);
        CHECK(sco_wait_for_job(client, ids[i], NULL, &new_job, NULL) == SCO_ERROR_INVALID_ARGUMENT);
        CHECK(sco_wait_for_output_file(client, ids[i], NULL, &new_job, &new_file, NULL) ==
              SCO_ERROR_INVALID_ARGUMENT);
        CHECK(sco_get_output_file_into(client, ids[i], reserve_memory, NULL, NULL, &new_info, NULL) ==
              SCO_ERROR_INVALID_ARGUMENT);
        CHECK(sco_open_output_file(client, ids[i], NULL, &new_download, NULL) == SCO_ERROR_INVALID_ARGUMENT);
        CHECK(sco_start_job_wait(client, ids[i], NULL, &new_wait, NULL) == SCO_ERROR_INVALID_ARGUMENT);
        CHECK(new_file == NULL && new_info == NULL && new_job == NULL);
        CHECK(new_download == NULL && new_wait == NULL);
    }

    strcpy(at, "size of a buffer");
    static const size_t sizes[] = {0, SIZE_MAX, SIZE_MAX / 2 + 1};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        CHECK(sco_output_file_download_read(download, memory, sizes[i], &new_size, NULL) ==
              SCO_ERROR_INVALID_ARGUMENT);

    CHECK(sco_get_job(client, JOB, NULL, &new_job, NULL) == SCO_OK);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        snprintf(at, sizeof at, "number %d", numbers[i]);
        char number[16];
        snprintf(number, sizeof number, " %d,", numbers[i]);
        CHECK(sco_client_options_set_body_encoding(client_options, (sco_body_encoding)numbers[i], &error) ==
              SCO_ERROR_INVALID_ARGUMENT);
        CHECK(strstr(sco_error_message(error), number) != NULL);
        CHECK(strstr(sco_error_message(error), "SCO_BODY_BASE64 (401)") != NULL);
        sco_error_free(error);
        CHECK(sco_call_options_set_if_exists(options, (sco_if_exists)numbers[i], &error) ==
              SCO_ERROR_INVALID_ARGUMENT);
        CHECK(strstr(sco_error_message(error), number) != NULL);
        CHECK(strstr(sco_error_message(error), "SCO_IF_EXISTS_FAIL (501)") != NULL);
        sco_error_free(error);
        CHECK(sco_client_options_set_allow_plain_http(client_options, numbers[i], NULL) == SCO_OK);
        CHECK(sco_client_options_set_retry_server_errors(client_options, numbers[i], NULL) == SCO_OK);
        CHECK(sco_call_options_set_flush_to_disk(options, numbers[i], NULL) == SCO_OK);
        CHECK(sco_call_options_set_fail_on_hold(options, numbers[i], NULL) == SCO_OK);
        CHECK(sco_job_text(new_job, (sco_job_text_field)numbers[i]) == NULL);
        CHECK(sco_job_number(new_job, (sco_job_number_field)numbers[i]) == -1);
        CHECK(strcmp(sco_status_string((sco_status)numbers[i]), "unknown status") == 0);
    }
    /* Values of another enum. */
    for (int32_t number = 0; number < 700; number++) {
        snprintf(at, sizeof at, "number %d", number);
        if (number < SCO_BODY_BASE64 || number > SCO_BODY_AUTO)
            CHECK(sco_client_options_set_body_encoding(client_options, (sco_body_encoding)number, NULL) ==
                  SCO_ERROR_INVALID_ARGUMENT);
        if (number < SCO_IF_EXISTS_FAIL || number > SCO_IF_EXISTS_KEEP_BOTH)
            CHECK(sco_call_options_set_if_exists(options, (sco_if_exists)number, NULL) ==
                  SCO_ERROR_INVALID_ARGUMENT);
        if (number < SCO_JOB_TEXT_TYPE || number > SCO_JOB_TEXT_INPUT_FILE)
            CHECK(sco_job_text(new_job, (sco_job_text_field)number) == NULL);
        if (number < SCO_JOB_NUMBER_COMPANY_ID || number > SCO_JOB_NUMBER_TOTAL_PROCESSED_IN_PHASE)
            CHECK(sco_job_number(new_job, (sco_job_number_field)number) == -1);
    }
    sco_job_free(new_job);
    CHECK(sco_get_output_file(client, 5, NULL, &new_file, &error) == SCO_ERROR_SERVER);
    CHECK(sco_error_job_log_line(error, SIZE_MAX) == NULL);
    sco_error_free(error);

    CHECK(sco_client_options_add_ca_certificates(client_options, pem, SIZE_MAX, NULL) == SCO_ERROR_INVALID_ARGUMENT);
    CHECK(sco_client_options_set_client_certificate(client_options, pem, SIZE_MAX, pem, 1, NULL) == SCO_ERROR_INVALID_ARGUMENT);
    CHECK(sco_client_options_set_client_certificate(client_options, pem, 1, pem, (size_t)PTRDIFF_MAX + 1, NULL) ==
          SCO_ERROR_INVALID_ARGUMENT);

    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        uint64_t time = times[i];
        sco_client *limited = NULL;
        snprintf(at, sizeof at, "time %llu", (unsigned long long)time);
        const sco_status expected = time == 0 ? SCO_ERROR_INVALID_ARGUMENT : SCO_OK;
        CHECK(sco_client_options_set_connect_timeout_ms(client_options, time, NULL) == expected);
        CHECK(sco_client_options_set_stall_timeout_ms(client_options, time, NULL) == expected);
        CHECK(sco_client_options_set_call_timeout_ms(client_options, time, NULL) == expected);
        CHECK(sco_client_options_set_max_attempts(client_options, i == 3 ? UINT32_MAX : (uint32_t)time, NULL) == expected);
        /* For these, zero has a meaning. */
        CHECK(sco_client_options_set_initial_backoff_ms(client_options, time, NULL) == SCO_OK);
        CHECK(sco_client_options_set_max_backoff_ms(client_options, time, NULL) == SCO_OK);
        CHECK(sco_call_options_set_wait_grace_ms(options, time, NULL) == SCO_OK);
        CHECK(sco_client_options_set_max_file_size_bytes(client_options, time, NULL) == expected);
        CHECK(sco_call_options_set_timeout_ms(options, time, NULL) == expected);
        CHECK(sco_call_options_set_wait_initial_interval_ms(options, time, NULL) == expected);
        CHECK(sco_call_options_set_wait_max_interval_ms(options, time, NULL) == expected);
        /* A rejected value is not set. */
        CHECK(sco_client_new(server, token, client_options, &limited, NULL) == SCO_OK);
        sco_status status;
        for (int with_options = 0; with_options < 2; with_options++) {
            const sco_call_options *own = with_options ? options : NULL;
            status = sco_get_output_file(limited, JOB, own, &new_file, &error);
            CHECK(status == SCO_OK || (time == 1 && status != SCO_ERROR_INTERNAL));
            sco_error_free(error);
            sco_output_file_free(new_file);
            status = sco_wait_for_job(limited, JOB, own, &new_job, &error);
            CHECK(status == SCO_OK || (time == 1 && status != SCO_ERROR_INTERNAL));
            sco_error_free(error);
            sco_job_free(new_job);
        }
        sco_client_free(limited);
    }
    free_handles();
}

/* A job whose file has status 504 for ever. */
#define UNAVAILABLE_JOB 40004

static void backoff_without_limit_fails_within_timeout(void)
{
    /* The sum of both times, and a multiple of either, exceeds the type. */
    static const uint64_t times[] = {INT64_MAX, UINT64_MAX};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        snprintf(at, sizeof at, "backoff %llu", (unsigned long long)times[i]);
        create_handles();
        sco_client *patient = NULL;
        CHECK(sco_client_options_set_initial_backoff_ms(client_options, times[i], NULL) == SCO_OK);
        CHECK(sco_client_options_set_max_backoff_ms(client_options, times[i], NULL) == SCO_OK);
        CHECK(sco_client_options_set_max_attempts(client_options, UINT32_MAX, NULL) == SCO_OK);
        CHECK(sco_client_options_set_call_timeout_ms(client_options, 60000, NULL) == SCO_OK);
        CHECK(sco_client_new(server, token, client_options, &patient, NULL) == SCO_OK);
        CHECK(sco_get_output_file(patient, UNAVAILABLE_JOB, NULL, &new_file, &error) == SCO_ERROR_SERVER);
        CHECK(sco_error_http_status(error) == 504);
        CHECK(sco_error_attempts(error) == 1);
        CHECK(sco_error_retry_after_ms(error) > 60000);
        sco_error_free(error);
        sco_client_free(patient);
        free_handles();
    }
}

static void certificate_unusable_is_rejected_by_client_new(void)
{
    static const uint8_t empty_pem[] = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n";
    static const struct {
        const uint8_t *bytes;
        size_t size;
    } unusable[] = {{pem, 0}, {pem, 1}, {pem, sizeof pem}, {empty_pem, sizeof empty_pem - 1}};
    for (size_t i = 0; i < sizeof unusable / sizeof unusable[0]; i++) {
        for (int is_own = 0; is_own < 2; is_own++) {
            snprintf(at, sizeof at, "certificate %d, %s", (int)i, is_own ? "the client's own" : "a CA's");
            create_handles();
            make_out_parameters_stale();
            sco_status status;
            if (is_own)
                status = sco_client_options_set_client_certificate(
                    client_options, unusable[i].bytes, unusable[i].size, unusable[i].bytes, unusable[i].size, NULL);
            else
                status = sco_client_options_add_ca_certificates(client_options, unusable[i].bytes, unusable[i].size, NULL);
            CHECK(status == SCO_OK);
            CHECK(sco_client_new(server, token, client_options, &new_client, &error) == SCO_ERROR_INVALID_ARGUMENT);
            CHECK(new_client == NULL);
            CHECK(strstr(sco_error_message(error), "certificate") != NULL);
            sco_error_free(error);
            free_handles();
        }
    }
}

/* A token callback that does not do what it promises. */
static const char *const *texts_to_provide;
static int32_t returned_by_provider;

static int32_t provide_texts(void *context, int32_t renew, sco_token_result *place)
{
    (void)context, (void)renew;
    for (const char *const *text = texts_to_provide; *text != NULL; text++)
        CHECK(sco_token_result_set(place, *text, NULL) == SCO_OK);
    return returned_by_provider;
}

static void token_provider_without_usable_token_fails(void)
{
    const char *const none[] = {NULL}, *const empty[] = {"", NULL}, *const not_a_token[] = {"two words", NULL};
    const char *const wrong[] = {"wrong", NULL}, *const right[] = {token, NULL};
    const char *const right_at_last[] = {"wrong", "two words", token, NULL};
    const struct {
        const char *const *texts;
        int32_t returned;
        sco_status expected;
    } cases[] = {
        {none, 0, SCO_ERROR_AUTHENTICATION},        {none, 1, SCO_ERROR_AUTHENTICATION},
        {empty, 0, SCO_ERROR_AUTHENTICATION},       {not_a_token, 0, SCO_ERROR_AUTHENTICATION},
        {wrong, 0, SCO_ERROR_AUTHENTICATION},       {right, 1, SCO_ERROR_AUTHENTICATION},
        {right, INT32_MIN, SCO_ERROR_AUTHENTICATION}, {right, 0, SCO_OK},
        {right_at_last, 0, SCO_OK},
    };
    sco_client *other = NULL;
    create_handles();
    CHECK(sco_client_options_set_token_provider(client_options, provide_texts, NULL, NULL) == SCO_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(at, sizeof at, "token provider %d", (int)i);
        texts_to_provide = cases[i].texts;
        returned_by_provider = cases[i].returned;
        CHECK(sco_client_new(server, NULL, client_options, &other, NULL) == SCO_OK);
        CHECK(sco_get_output_file(other, JOB, NULL, &new_file, &error) == cases[i].expected);
        CHECK((new_file == NULL) == (cases[i].expected != SCO_OK));
        sco_error_free(error);
        sco_output_file_free(new_file);
        sco_client_free(other);
    }
    free_handles();
}

/* A job that has failed and has a log. */
#define FAILED_JOB 50002

static void handle_outlives_the_handles_that_it_came_from(void)
{
    strcpy(at, "handles freed before what came from them");
    create_handles();
    sco_client *other = NULL;
    CHECK(sco_client_options_set_on_request(client_options, ignore_record, NULL, NULL) == SCO_OK);
    CHECK(sco_call_options_set_cancel_token(options, cancel, NULL) == SCO_OK);
    CHECK(sco_client_new(server, token, client_options, &other, NULL) == SCO_OK);
    /* The client has copied its options; the call options keep what they need of the token. */
    sco_client_options_free(client_options);
    sco_cancel_token_free(cancel);
    CHECK(sco_wait_for_job(other, FAILED_JOB, options, &new_job, &error) == SCO_ERROR_JOB_FAILED);
    CHECK(sco_get_job(other, JOB, options, &new_job, NULL) == SCO_OK);
    CHECK(sco_write_output_file(other, JOB, ignore_bytes, NULL, options, &new_info, NULL) == SCO_OK);
    sco_client_free(other);
    sco_client_free(client);
    sco_call_options_free(options);

    CHECK(sco_output_file_size(file) > 0 && sco_output_file_data(file)[0] != '\0');
    CHECK(strcmp(sco_output_file_name(file), sco_file_info_name(new_info)) == 0);
    CHECK(sco_file_info_size(new_info) == sco_output_file_size(file));
    sco_output_file_free(file);
    CHECK(strlen(sco_file_info_name(new_info)) > 0 && sco_file_info_path(new_info) == NULL);
    CHECK(sco_job_id(new_job) == JOB);
    sco_job_free(new_job);
    /* This job belongs to the error. */
    CHECK(sco_job_id(sco_error_job(error)) == FAILED_JOB);
    CHECK(strcmp(sco_job_text(sco_error_job(error), SCO_JOB_TEXT_TYPE), "Export orders") == 0);
    CHECK(strcmp(sco_error_job_log_line(error, 1), "Row 9: no price") == 0);
    CHECK(sco_error_job_log_line(error, 2) == NULL);
    sco_error_free(error);
    sco_file_info_free(new_info);
}

/* Callbacks that make calls. */
static int inner_calls;
static sco_status expected_inner_status;
static const sco_client *inner_client;

static void make_inner_call(void)
{
    sco_output_file *downloaded = NULL;
    sco_error *failure = NULL;
    static int is_within = 0;
    if (is_within || inner_client == NULL)
        return;
    is_within = 1;
    CHECK(sco_get_output_file(inner_client, JOB, NULL, &downloaded, &failure) == expected_inner_status);
    CHECK(expected_inner_status != SCO_OK || sco_output_file_size(downloaded) == sco_output_file_size(file));
    sco_output_file_free(downloaded);
    sco_error_free(failure);
    inner_calls++;
    is_within = 0;
}

static int32_t write_and_call(void *context, const uint8_t *data, size_t size)
{
    (void)data;
    *(size_t *)context += size;
    make_inner_call();
    return 0;
}

static int32_t interrupt_and_call(void *context)
{
    (void)context;
    make_inner_call();
    return 0;
}

static int32_t progress_and_call(void *context, const sco_progress *progress)
{
    (void)context, (void)progress;
    make_inner_call();
    return 0;
}

static void record_and_call(void *context, const sco_request_record *request)
{
    (void)context, (void)request;
    make_inner_call();
}

static int32_t provide_token_and_call(void *context, int32_t renew, sco_token_result *place)
{
    (void)context, (void)renew;
    make_inner_call();
    return sco_token_result_set(place, token, NULL);
}

static void callback_making_calls_succeeds(void)
{
    sco_client *other = NULL;
    sco_output_file *downloaded = NULL;
    create_handles();
    size_t size = 0;
    inner_client = client;
    expected_inner_status = SCO_OK;

    strcpy(at, "a call within each callback of a call");
    CHECK(sco_call_options_set_interrupt(options, interrupt_and_call, NULL, NULL) == SCO_OK);
    CHECK(sco_call_options_set_on_progress(options, progress_and_call, NULL, NULL) == SCO_OK);
    CHECK(sco_write_output_file(client, JOB, write_and_call, &size, options, NULL, NULL) == SCO_OK);
    CHECK(size == sco_output_file_size(file));
    CHECK(inner_calls >= 3);

    strcpy(at, "a call within a request callback");
    inner_calls = 0;
    CHECK(sco_client_options_set_on_request(client_options, record_and_call, NULL, NULL) == SCO_OK);
    CHECK(sco_client_new(server, token, client_options, &other, NULL) == SCO_OK);
    inner_client = other;
    CHECK(sco_get_output_file(other, JOB, NULL, &downloaded, NULL) == SCO_OK);
    CHECK(inner_calls == 1);
    sco_output_file_free(downloaded);
    sco_client_free(other);

    strcpy(at, "a call within a token callback, with another client");
    inner_calls = 0;
    inner_client = client;
    CHECK(sco_client_options_set_on_request(client_options, NULL, NULL, NULL) == SCO_OK);
    CHECK(sco_client_options_set_token_provider(client_options, provide_token_and_call, NULL, NULL) == SCO_OK);
    CHECK(sco_client_new(server, NULL, client_options, &other, NULL) == SCO_OK);
    CHECK(sco_get_output_file(other, JOB, NULL, &downloaded, NULL) == SCO_OK);
    CHECK(inner_calls == 1);
    sco_output_file_free(downloaded);

    strcpy(at, "a call within a token callback, with the same client");
    inner_calls = 0;
    inner_client = other;
    expected_inner_status = SCO_ERROR_INVALID_ARGUMENT;
    CHECK(sco_get_output_file(other, JOB, NULL, &downloaded, NULL) == SCO_OK);
    CHECK(inner_calls == 1);
    sco_output_file_free(downloaded);
    sco_client_free(other);
    free_handles();

    strcpy(at, "a call within the request callback of a login, which logs in itself");
    create_handles();
    inner_calls = 0;
    expected_inner_status = SCO_ERROR_AUTHENTICATION;
    CHECK(sco_client_options_set_credentials(client_options, "user", "wrong", NULL) == SCO_OK);
    CHECK(sco_client_options_set_on_request(client_options, record_and_call, NULL, NULL) == SCO_OK);
    CHECK(sco_client_new(server, NULL, client_options, &other, NULL) == SCO_OK);
    inner_client = other;
    CHECK(sco_get_output_file(other, JOB, NULL, &downloaded, NULL) == SCO_ERROR_AUTHENTICATION);
    CHECK(inner_calls == 1);
    inner_client = NULL;
    sco_client_free(other);
    free_handles();
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: boundary SERVER TOKEN DIRECTORY\n");
        return 2;
    }
    server = argv[1];
    token = argv[2];
    directory = argv[3];
    CHECK(strcmp(sco_version(), EXPECTED_VERSION) == 0);
    each_function_with_null_reports_it();
    readers_and_free_functions_accept_null();
    text_unusable_is_rejected_or_used();
    number_out_of_range_is_rejected();
    backoff_without_limit_fails_within_timeout();
    certificate_unusable_is_rejected_by_client_new();
    token_provider_without_usable_token_fails();
    handle_outlives_the_handles_that_it_came_from();
    callback_making_calls_succeeds();
    printf("%d checks passed\n", checks);
    return 0;
}
