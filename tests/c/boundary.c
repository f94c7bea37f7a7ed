/*
 * What careless callers do: every function with NULL in every place, text that is no
 * UTF-8 or of no use, numbers out of range and beyond all measure, and callbacks that
 * call back into the library. Against the stand-in server.
 *
 *     boundary SERVER TOKEN FOLDER
 *
 * FOLDER is empty and may be written to. C99.
 */

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sellercloud_output.h"

static const char *server;
static const char *token;
static const char *folder;
static int checks = 0;

#define CHECK(condition)                                                                    \
    do {                                                                                    \
        checks++;                                                                           \
        if (!(condition)) {                                                                 \
            fprintf(stderr, "%s:%d: failed: %s (%s)\n", __FILE__, __LINE__, #condition, at); \
            exit(1);                                                                        \
        }                                                                                   \
    } while (0)

/* What is being tried. */
static char at[200] = "";

/* Something that a function must overwrite. */
#define STALE(type) ((type *)(void *)&checks)

/* All that functions may be given. */
static sco_client_options *config;
static sco_call_options *options;
static sco_cancel_token *cancel;
static sco_client *client;
static sco_output_file *file;

/* The job that every call here is about: it has ended, and its file is small. */
#define JOB 50003

/* Which of its pointers a function is given as NULL: bit 0 is the first. */
static unsigned nulls;
#define P(place, pointer) ((nulls >> (place) & 1) ? NULL : (pointer))

/* Where functions put things. */
static sco_error *error;
static sco_client *made_client;
static sco_output_file *made_file;
static sco_file_info *made_info;
static sco_job *made_job;
static int64_t made_id;

static int32_t take_bytes(void *context, const uint8_t *data, size_t length)
{
    (void)context, (void)data, (void)length;
    return 0;
}

static int32_t go_on(void *context)
{
    (void)context;
    return 0;
}

static int32_t go_on_with(void *context, const sco_progress *progress)
{
    (void)context, (void)progress;
    return 0;
}

static void see(void *context, const sco_request_record *request)
{
    (void)context, (void)request;
}

static int32_t give_token(void *context, int32_t renew, sco_token_result *place)
{
    (void)context, (void)renew;
    return sco_token_result_set(place, token, NULL);
}

/* sco_token_result_set has its place only within a callback. */
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
    sco_client *asking = NULL;
    sco_output_file *fetched = NULL;
    text_to_set = text;
    CHECK(sco_client_options_set_token_provider(own, set_token, NULL, NULL) == SCO_OK);
    CHECK(sco_client_new(server, NULL, own, &asking, NULL) == SCO_OK);
    CHECK(sco_get_output_file(asking, JOB, NULL, &fetched, NULL) == SCO_OK);
    sco_output_file_free(fetched);
    sco_client_free(asking);
    sco_client_options_free(own);
    return status_of_set;
}

/* A certificate that is none is found out only where a client is made. */
static const uint8_t pem[] = "no certificate";

/* The functions that can fail, each called with what is right but for the NULLs. */
#define FUNCTION(name, call) \
    static sco_status call_##name(void) { return call; }
FUNCTION(set_body_encoding, sco_client_options_set_body_encoding(P(0, config), SCO_BODY_BASE64, P(1, &error)))
FUNCTION(set_max_size, sco_client_options_set_max_file_size_bytes(P(0, config), 1 << 20, P(1, &error)))
FUNCTION(set_allow_plain_http, sco_client_options_set_allow_plain_http(P(0, config), 0, P(1, &error)))
FUNCTION(set_credentials, sco_client_options_set_credentials(P(0, config), P(1, "user"), P(2, "password"), P(3, &error)))
FUNCTION(token_set, token_set(token))
FUNCTION(set_token_callback, sco_client_options_set_token_provider(P(0, config), (nulls >> 1 & 1) ? NULL : give_token, P(2, &checks), P(3, &error)))
FUNCTION(set_team, sco_client_options_set_team(P(0, config), P(1, "team"), P(2, &error)))
FUNCTION(set_team_directory, sco_client_options_set_team_lookup_url(P(0, config), P(1, server), P(2, &error)))
FUNCTION(set_connect_timeout, sco_client_options_set_connect_timeout_ms(P(0, config), 1000, P(1, &error)))
FUNCTION(set_stall_timeout, sco_client_options_set_stall_timeout_ms(P(0, config), 1000, P(1, &error)))
FUNCTION(set_call_timeout, sco_client_options_set_call_timeout_ms(P(0, config), 1000, P(1, &error)))
FUNCTION(set_max_attempts, sco_client_options_set_max_attempts(P(0, config), 1, P(1, &error)))
FUNCTION(set_initial_backoff, sco_client_options_set_initial_backoff_ms(P(0, config), 1, P(1, &error)))
FUNCTION(set_max_backoff, sco_client_options_set_max_backoff_ms(P(0, config), 1, P(1, &error)))
FUNCTION(set_retry_server_errors, sco_client_options_set_retry_server_errors(P(0, config), 1, P(1, &error)))
FUNCTION(set_proxy, sco_client_options_set_proxy(P(0, config), P(1, ""), P(2, &error)))
FUNCTION(add_ca_certificates, sco_client_options_add_ca_certificates(P(0, config), P(1, pem), sizeof pem, P(2, &error)))
FUNCTION(set_client_certificate, sco_client_options_set_client_certificate(P(0, config), P(1, pem), sizeof pem, P(2, pem), sizeof pem, P(3, &error)))
FUNCTION(set_log, sco_client_options_set_on_request(P(0, config), (nulls >> 1 & 1) ? NULL : see, P(2, &checks), P(3, &error)))
FUNCTION(client_new, sco_client_new(P(0, server), P(1, token), NULL, P(2, &made_client), P(3, &error)))
FUNCTION(job_id_from_text, sco_parse_job_id(P(0, "50003"), P(1, &made_id), P(2, &error)))
FUNCTION(get_output_file, sco_get_output_file(P(0, client), JOB, P(1, options), P(2, &made_file), P(3, &error)))
FUNCTION(save_output_file, sco_save_output_file(P(0, client), JOB, P(1, folder), options, P(2, &made_info), P(3, &error)))
FUNCTION(write_output_file, sco_write_output_file(P(0, client), JOB, (nulls >> 1 & 1) ? NULL : take_bytes, P(2, &checks), P(3, options), P(4, &made_info), P(5, &error)))
FUNCTION(get_job, sco_get_job(P(0, client), JOB, P(1, options), P(2, &made_job), P(3, &error)))
FUNCTION(wait_for_job, sco_wait_for_job(P(0, client), JOB, P(1, options), P(2, &made_job), P(3, &error)))
FUNCTION(wait_for_output_file, sco_wait_for_output_file(P(0, client), JOB, P(1, options), P(2, &made_job), P(3, &made_file), P(4, &error)))
FUNCTION(wait_and_save_output_file, sco_wait_and_save_output_file(P(0, client), JOB, P(1, folder), options, P(2, &made_job), P(3, &made_info), P(4, &error)))
FUNCTION(wait_and_write_output_file, sco_wait_and_write_output_file(P(0, client), JOB, (nulls >> 1 & 1) ? NULL : take_bytes, P(2, &checks), P(3, options), P(4, &made_job), P(5, &made_info), P(6, &error)))
FUNCTION(output_file_save, sco_output_file_save(P(0, file), P(1, folder), options, P(2, &made_info), P(3, &error)))
FUNCTION(set_timeout, sco_call_options_set_timeout_ms(P(0, options), 60000, P(1, &error)))
FUNCTION(set_cancel, sco_call_options_set_cancel_token(P(0, options), P(1, cancel), P(2, &error)))
FUNCTION(set_interrupt, sco_call_options_set_interrupt(P(0, options), (nulls >> 1 & 1) ? NULL : go_on, P(2, &checks), P(3, &error)))
FUNCTION(set_progress, sco_call_options_set_on_progress(P(0, options), (nulls >> 1 & 1) ? NULL : go_on_with, P(2, &checks), P(3, &error)))
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
    /* How many pointers it takes, and which of them must be given. The last is the error. */
    unsigned pointers;
    unsigned required;
} functions[] = {
    {"sco_client_options_set_body_encoding", call_set_body_encoding, 2, 1},
    {"sco_client_options_set_max_file_size_bytes", call_set_max_size, 2, 1},
    {"sco_client_options_set_allow_plain_http", call_set_allow_plain_http, 2, 1},
    {"sco_client_options_set_credentials", call_set_credentials, 4, 1 | 2 | 4},
    {"sco_token_result_set", call_token_set, 3, 1 | 2},
    {"sco_client_options_set_token_provider", call_set_token_callback, 4, 1 | 2},
    {"sco_client_options_set_team", call_set_team, 3, 1 | 2},
    {"sco_client_options_set_team_lookup_url", call_set_team_directory, 3, 1 | 2},
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
    {"sco_client_options_set_on_request", call_set_log, 4, 1},
    {"sco_client_new", call_client_new, 4, 1 | 2 | 4},
    {"sco_parse_job_id", call_job_id_from_text, 3, 1 | 2},
    {"sco_get_output_file", call_get_output_file, 4, 1 | 4},
    {"sco_save_output_file", call_save_output_file, 4, 1 | 2},
    {"sco_write_output_file", call_write_output_file, 6, 1 | 2},
    {"sco_get_job", call_get_job, 4, 1 | 4},
    {"sco_wait_for_job", call_wait_for_job, 4, 1 | 4},
    {"sco_wait_for_output_file", call_wait_for_output_file, 5, 1 | 8},
    {"sco_wait_and_save_output_file", call_wait_and_save_output_file, 5, 1 | 2},
    {"sco_wait_and_write_output_file", call_wait_and_write_output_file, 7, 1 | 2},
    {"sco_output_file_save", call_output_file_save, 4, 1 | 2},
    {"sco_call_options_set_timeout_ms", call_set_timeout, 2, 1},
    {"sco_call_options_set_cancel_token", call_set_cancel, 3, 1},
    {"sco_call_options_set_interrupt", call_set_interrupt, 4, 1},
    {"sco_call_options_set_on_progress", call_set_progress, 4, 1},
    {"sco_call_options_set_wait_initial_interval_ms", call_set_wait_initial_interval, 2, 1},
    {"sco_call_options_set_wait_max_interval_ms", call_set_wait_max_interval, 2, 1},
    {"sco_call_options_set_wait_grace_ms", call_set_wait_grace, 2, 1},
    {"sco_call_options_set_fail_on_hold", call_set_fail_on_hold, 2, 1},
    {"sco_call_options_set_file_name", call_set_file_name, 3, 1},
    {"sco_call_options_set_if_exists", call_set_if_exists, 2, 1},
    {"sco_call_options_set_flush_to_disk", call_set_flush_to_disk, 2, 1},
};

static void fill(void)
{
    config = sco_client_options_new();
    options = sco_call_options_new();
    cancel = sco_cancel_token_new();
    CHECK(config != NULL && options != NULL && cancel != NULL);
    CHECK(sco_call_options_set_if_exists(options, SCO_IF_EXISTS_REPLACE, NULL) == SCO_OK);
    CHECK(sco_call_options_set_flush_to_disk(options, 0, NULL) == SCO_OK);
    CHECK(sco_client_new(server, token, NULL, &client, NULL) == SCO_OK);
    CHECK(sco_get_output_file(client, JOB, NULL, &file, NULL) == SCO_OK);
}

static void empty(void)
{
    sco_output_file_free(file);
    sco_client_free(client);
    sco_cancel_token_free(cancel);
    sco_call_options_free(options);
    sco_client_options_free(config);
}

static void make_places_stale(void)
{
    error = STALE(sco_error);
    made_client = STALE(sco_client);
    made_file = STALE(sco_output_file);
    made_info = STALE(sco_file_info);
    made_job = STALE(sco_job);
    made_id = -5;
}

/* What was made, or NULL; what no function was given a place for is still stale. */
#define TAKE_BACK(made, free)         \
    do {                              \
        if ((void *)made != &checks)  \
            free(made);               \
    } while (0)
#define NOTHING_IN(made) ((void *)made == &checks || made == NULL)

/* Calls a function with each choice of its pointers NULL. */
static void try_nulls(const struct function *function)
{
    for (nulls = 0; nulls < 1u << function->pointers; nulls++) {
        snprintf(at, sizeof at, "%s, NULL in %x", function->name, nulls);
        make_places_stale();
        sco_status status = function->call();
        int has_error = !(nulls >> (function->pointers - 1) & 1);
        if ((nulls & function->required) == 0) {
            CHECK(status == SCO_OK);
            CHECK(!has_error || error == NULL);
        } else {
            CHECK(status == SCO_ERROR_INVALID_ARGUMENT);
            CHECK(!has_error || sco_error_kind(error) == status);
            CHECK(!has_error || strlen(sco_error_message(error)) > 5);
            CHECK(NOTHING_IN(made_client) && NOTHING_IN(made_file) && NOTHING_IN(made_info));
            CHECK(NOTHING_IN(made_job) && made_id <= 0);
        }
        TAKE_BACK(error, sco_error_free);
        TAKE_BACK(made_client, sco_client_free);
        TAKE_BACK(made_file, sco_output_file_free);
        TAKE_BACK(made_info, sco_file_info_free);
        TAKE_BACK(made_job, sco_job_free);
    }
    nulls = 0;
}

static void each_pointer_may_be_null(void)
{
    fill();
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++)
        try_nulls(&functions[i]);
    empty();
}

static void what_is_read_and_freed_may_be_null(void)
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
    CHECK(sco_job_id(NULL) == 0);
    CHECK(sco_job_status(NULL) == SCO_JOB_STATUS_UNKNOWN);
    CHECK(sco_job_status_name(NULL) == NULL);
    CHECK(sco_job_is_final(NULL) == 0);
    CHECK(sco_job_text(NULL, SCO_JOB_TEXT_TYPE) == NULL);
    CHECK(sco_job_number(NULL, SCO_JOB_NUMBER_PRIORITY) == -1);
    CHECK(sco_cancel_token_is_cancelled(NULL) == 0);
    sco_cancel_token_cancel(NULL);
    /* Twice, as where a cleanup runs again and has set its pointer to NULL. */
    for (int i = 0; i < 2; i++) {
        sco_error_free(NULL);
        sco_client_options_free(NULL);
        sco_client_free(NULL);
        sco_output_file_free(NULL);
        sco_file_info_free(NULL);
        sco_job_free(NULL);
        sco_cancel_token_free(NULL);
        sco_call_options_free(NULL);
    }
}

/* Every place for a text. */
#define TEXT(name, call) \
    static sco_status text_##name(const char *text) { return call; }
TEXT(server, sco_client_new(text, token, NULL, &made_client, &error))
TEXT(token, sco_client_new(server, text, NULL, &made_client, &error))
TEXT(user, sco_client_options_set_credentials(config, text, "password", &error))
TEXT(password, sco_client_options_set_credentials(config, "user", text, &error))
TEXT(team, sco_client_options_set_team(config, text, &error))
TEXT(team_directory, sco_client_options_set_team_lookup_url(config, text, &error))
TEXT(proxy, sco_client_options_set_proxy(config, text, &error))
TEXT(job, sco_parse_job_id(text, &made_id, &error))
TEXT(folder, sco_save_output_file(client, JOB, text, NULL, &made_info, &error))
TEXT(folder_of_file, sco_output_file_save(file, text, NULL, &made_info, &error))
TEXT(folder_after_wait, sco_wait_and_save_output_file(client, JOB, text, NULL, NULL, &made_info, &error))
TEXT(file_name, sco_call_options_set_file_name(options, text, &error))

static sco_status (*const texts[])(const char *) = {
    text_server, text_token, text_user, text_password, text_team, text_team_directory, text_proxy,
    text_job, text_folder, text_folder_of_file, text_folder_after_wait, text_file_name, token_set,
};

static void remove_saved(sco_file_info *info)
{
    if (info != NULL)
        CHECK(remove(sco_file_info_path(info)) == 0);
    sco_file_info_free(info);
}

static sco_status try_text(size_t place, const char *text)
{
    snprintf(at, sizeof at, "text %d: %.100s", (int)place, text);
    make_places_stale();
    sco_status status = texts[place](text);
    CHECK(status != SCO_ERROR_INTERNAL);
    CHECK((status == SCO_OK) == (error == NULL));
    TAKE_BACK(made_client, sco_client_free);
    /* "/" and the like are folders, where a file is saved. */
    TAKE_BACK(made_info, remove_saved);
    return status;
}

/* Calls that use all that was set go on, or fail as they say. */
static void use_what_was_set(void)
{
    sco_client *other = NULL;
    sco_output_file *fetched = NULL;
    sco_file_info *info = NULL;
    sco_status status = sco_client_new(server, NULL, config, &other, &error);
    CHECK(status == SCO_OK || status == SCO_ERROR_INVALID_ARGUMENT);
    sco_error_free(error);
    if (other != NULL) {
        status = sco_get_output_file(other, JOB, NULL, &fetched, &error);
        CHECK(status != SCO_OK && status != SCO_ERROR_INTERNAL);
        sco_error_free(error);
        sco_client_free(other);
    }
    status = sco_save_output_file(client, JOB, folder, options, &info, &error);
    CHECK(status == SCO_OK || status == SCO_ERROR_INVALID_ARGUMENT || status == SCO_ERROR_IO);
    remove_saved(info);
    sco_error_free(error);
    CHECK(sco_get_output_file(client, JOB, NULL, &fetched, NULL) == SCO_OK);
    sco_output_file_free(fetched);
}

static void text_may_be_anything(void)
{
    static const char *const not_utf8[] = {
        "\xff", "\xc3", "\xc3\x28", "a\x80", "\xc0\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xe2\x82",
    };
    static const char *const of_no_use[] = {
        "", " ", "\r\nX: y", "a\nb", "\x01", "%s%n%s%n", "../..", "/", "C:\\", "nul", "\xef\xbb\xbf",
        "http://", "https://user:password@host/", "://", "\xf0\x9f\x92\xa9", "99999999999999999999",
    };
    size_t long_length = 1 << 20;
    char *long_text = malloc(long_length + 1);
    fill();
    CHECK(long_text != NULL);
    memset(long_text, 'x', long_length);
    long_text[long_length] = '\0';
    for (size_t place = 0; place < sizeof texts / sizeof texts[0]; place++) {
        for (size_t i = 0; i < sizeof not_utf8 / sizeof not_utf8[0]; i++) {
            CHECK(try_text(place, not_utf8[i]) == SCO_ERROR_INVALID_ARGUMENT);
            CHECK(strstr(sco_error_message(error), "is not valid UTF-8") != NULL);
            sco_error_free(error);
        }
        for (size_t i = 0; i < sizeof of_no_use / sizeof of_no_use[0]; i++) {
            try_text(place, of_no_use[i]);
            sco_error_free(error);
            use_what_was_set();
        }
        try_text(place, long_text);
        sco_error_free(error);
        use_what_was_set();
        /* What was set stays; the next place starts anew. */
        empty();
        fill();
    }
    empty();
    free(long_text);
}

static void numbers_may_be_anything(void)
{
    static const int64_t ids[] = {0, -1, 2147483648, 4294967297, INT64_MAX, INT64_MIN};
    static const int32_t numbers[] = {-1, 3, 99, INT32_MAX, INT32_MIN};
    static const uint64_t times[] = {0, 1, INT64_MAX, UINT64_MAX};
    fill();
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        snprintf(at, sizeof at, "job %lld", (long long)ids[i]);
        make_places_stale();
        CHECK(sco_get_output_file(client, ids[i], NULL, &made_file, NULL) == SCO_ERROR_INVALID_ARGUMENT);
        CHECK(sco_save_output_file(client, ids[i], folder, NULL, &made_info, NULL) == SCO_ERROR_INVALID_ARGUMENT);
        CHECK(sco_write_output_file(client, ids[i], take_bytes, NULL, NULL, &made_info, NULL) ==
              SCO_ERROR_INVALID_ARGUMENT);
        CHECK(sco_get_job(client, ids[i], NULL, &made_job, NULL) == SCO_ERROR_INVALID_ARGUMENT);
        CHECK(sco_wait_for_job(client, ids[i], NULL, &made_job, NULL) == SCO_ERROR_INVALID_ARGUMENT);
        CHECK(sco_wait_for_output_file(client, ids[i], NULL, &made_job, &made_file, NULL) ==
              SCO_ERROR_INVALID_ARGUMENT);
        CHECK(made_file == NULL && made_info == NULL && made_job == NULL);
    }

    CHECK(sco_get_job(client, JOB, NULL, &made_job, NULL) == SCO_OK);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        snprintf(at, sizeof at, "number %d", numbers[i]);
        CHECK(sco_client_options_set_body_encoding(config, (sco_body_encoding)numbers[i], NULL) ==
              SCO_ERROR_INVALID_ARGUMENT);
        CHECK(sco_call_options_set_if_exists(options, (sco_if_exists)numbers[i], NULL) ==
              SCO_ERROR_INVALID_ARGUMENT);
        CHECK(sco_client_options_set_allow_plain_http(config, numbers[i], NULL) == SCO_OK);
        CHECK(sco_client_options_set_retry_server_errors(config, numbers[i], NULL) == SCO_OK);
        CHECK(sco_call_options_set_flush_to_disk(options, numbers[i], NULL) == SCO_OK);
        CHECK(sco_call_options_set_fail_on_hold(options, numbers[i], NULL) == SCO_OK);
        CHECK(sco_job_text(made_job, (sco_job_text_field)numbers[i]) == NULL);
        CHECK(sco_job_number(made_job, (sco_job_number_field)numbers[i]) == -1);
        CHECK(strcmp(sco_status_string((sco_status)numbers[i]), "unknown status") == 0);
    }
    sco_job_free(made_job);
    CHECK(sco_get_output_file(client, 5, NULL, &made_file, &error) == SCO_ERROR_SERVER);
    CHECK(sco_error_job_log_line(error, SIZE_MAX) == NULL);
    sco_error_free(error);

    CHECK(sco_client_options_add_ca_certificates(config, pem, SIZE_MAX, NULL) == SCO_ERROR_INVALID_ARGUMENT);
    CHECK(sco_client_options_set_client_certificate(config, pem, SIZE_MAX, pem, 1, NULL) == SCO_ERROR_INVALID_ARGUMENT);
    CHECK(sco_client_options_set_client_certificate(config, pem, 1, pem, (size_t)PTRDIFF_MAX + 1, NULL) ==
          SCO_ERROR_INVALID_ARGUMENT);

    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        uint64_t time = times[i];
        sco_client *limited = NULL;
        snprintf(at, sizeof at, "time %llu", (unsigned long long)time);
        const sco_status expected = time == 0 ? SCO_ERROR_INVALID_ARGUMENT : SCO_OK;
        CHECK(sco_client_options_set_connect_timeout_ms(config, time, NULL) == expected);
        CHECK(sco_client_options_set_stall_timeout_ms(config, time, NULL) == expected);
        CHECK(sco_client_options_set_call_timeout_ms(config, time, NULL) == expected);
        CHECK(sco_client_options_set_max_attempts(config, i == 3 ? UINT32_MAX : (uint32_t)time, NULL) == expected);
        /* Zero is not a limit here. */
        CHECK(sco_client_options_set_initial_backoff_ms(config, time, NULL) == SCO_OK);
        CHECK(sco_client_options_set_max_backoff_ms(config, time, NULL) == SCO_OK);
        CHECK(sco_call_options_set_wait_grace_ms(options, time, NULL) == SCO_OK);
        CHECK(sco_client_options_set_max_file_size_bytes(config, time, NULL) == expected);
        CHECK(sco_call_options_set_timeout_ms(options, time, NULL) == expected);
        CHECK(sco_call_options_set_wait_initial_interval_ms(options, time, NULL) == expected);
        CHECK(sco_call_options_set_wait_max_interval_ms(options, time, NULL) == expected);
        /* What was rejected is not set. */
        CHECK(sco_client_new(server, token, config, &limited, NULL) == SCO_OK);
        sco_status status;
        for (int with_options = 0; with_options < 2; with_options++) {
            const sco_call_options *own = with_options ? options : NULL;
            status = sco_get_output_file(limited, JOB, own, &made_file, &error);
            CHECK(status == SCO_OK || (time == 1 && status != SCO_ERROR_INTERNAL));
            sco_error_free(error);
            sco_output_file_free(made_file);
            status = sco_wait_for_job(limited, JOB, own, &made_job, &error);
            CHECK(status == SCO_OK || (time == 1 && status != SCO_ERROR_INTERNAL));
            sco_error_free(error);
            sco_job_free(made_job);
        }
        sco_client_free(limited);
    }
    empty();
}

/* Callbacks that make calls themselves. */
static int calls_within;
static sco_status expected_within;
static const sco_client *client_within;

static void call_within(void)
{
    sco_output_file *fetched = NULL;
    sco_error *failure = NULL;
    static int is_within = 0;
    if (is_within || client_within == NULL)
        return;
    is_within = 1;
    CHECK(sco_get_output_file(client_within, JOB, NULL, &fetched, &failure) == expected_within);
    CHECK(expected_within != SCO_OK || sco_output_file_size(fetched) == sco_output_file_size(file));
    sco_output_file_free(fetched);
    sco_error_free(failure);
    calls_within++;
    is_within = 0;
}

static int32_t write_and_call(void *context, const uint8_t *data, size_t length)
{
    (void)data;
    *(size_t *)context += length;
    call_within();
    return 0;
}

static int32_t interrupt_and_call(void *context)
{
    (void)context;
    call_within();
    return 0;
}

static int32_t progress_and_call(void *context, const sco_progress *progress)
{
    (void)context, (void)progress;
    call_within();
    return 0;
}

static void log_and_call(void *context, const sco_request_record *request)
{
    (void)context, (void)request;
    call_within();
}

static int32_t give_token_and_call(void *context, int32_t renew, sco_token_result *place)
{
    (void)context, (void)renew;
    call_within();
    return sco_token_result_set(place, token, NULL);
}

static void callbacks_may_call_back(void)
{
    sco_client *other = NULL;
    sco_output_file *fetched = NULL;
    fill();
    size_t length = 0;
    client_within = client;
    expected_within = SCO_OK;

    strcpy(at, "a call within each callback of a call");
    CHECK(sco_call_options_set_interrupt(options, interrupt_and_call, NULL, NULL) == SCO_OK);
    CHECK(sco_call_options_set_on_progress(options, progress_and_call, NULL, NULL) == SCO_OK);
    CHECK(sco_write_output_file(client, JOB, write_and_call, &length, options, NULL, NULL) == SCO_OK);
    CHECK(length == sco_output_file_size(file));
    CHECK(calls_within >= 3);

    strcpy(at, "a call within a log callback");
    calls_within = 0;
    CHECK(sco_client_options_set_on_request(config, log_and_call, NULL, NULL) == SCO_OK);
    CHECK(sco_client_new(server, token, config, &other, NULL) == SCO_OK);
    client_within = other;
    CHECK(sco_get_output_file(other, JOB, NULL, &fetched, NULL) == SCO_OK);
    CHECK(calls_within == 1);
    sco_output_file_free(fetched);
    sco_client_free(other);

    strcpy(at, "a call within a token callback, with another client");
    calls_within = 0;
    client_within = client;
    CHECK(sco_client_options_set_on_request(config, NULL, NULL, NULL) == SCO_OK);
    CHECK(sco_client_options_set_token_provider(config, give_token_and_call, NULL, NULL) == SCO_OK);
    CHECK(sco_client_new(server, NULL, config, &other, NULL) == SCO_OK);
    CHECK(sco_get_output_file(other, JOB, NULL, &fetched, NULL) == SCO_OK);
    CHECK(calls_within == 1);
    sco_output_file_free(fetched);
    sco_client_free(other);
    empty();

    strcpy(at, "a call within the log callback of a login, which logs in by itself");
    fill();
    calls_within = 0;
    expected_within = SCO_ERROR_AUTHENTICATION;
    CHECK(sco_client_options_set_credentials(config, "user", "wrong", NULL) == SCO_OK);
    CHECK(sco_client_options_set_on_request(config, log_and_call, NULL, NULL) == SCO_OK);
    CHECK(sco_client_new(server, NULL, config, &other, NULL) == SCO_OK);
    client_within = other;
    CHECK(sco_get_output_file(other, JOB, NULL, &fetched, NULL) == SCO_ERROR_AUTHENTICATION);
    CHECK(calls_within == 1);
    client_within = NULL;
    sco_client_free(other);
    empty();
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: boundary SERVER TOKEN FOLDER\n");
        return 2;
    }
    server = argv[1];
    token = argv[2];
    folder = argv[3];
    CHECK(strcmp(sco_version(), EXPECTED_VERSION) == 0);
    each_pointer_may_be_null();
    what_is_read_and_freed_may_be_null();
    text_may_be_anything();
    numbers_may_be_anything();
    callbacks_may_call_back();
    printf("%d checks passed\n", checks);
    return 0;
}
