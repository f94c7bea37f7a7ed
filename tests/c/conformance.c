/*
 * Makes the calls of a list (tests/conformance/README.md) and prints it with the answers.
 *
 *     conformance LIST
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sellercloud_output.h"

enum { MOST_QUESTIONS = 32, LONGEST_LINE = 4096 };

/* The questions of the record at hand, "key: value" each. */
static char questions[MOST_QUESTIONS][LONGEST_LINE];
static size_t question_count;

static void fail(const char *what)
{
    fprintf(stderr, "conformance: %s\n", what);
    exit(1);
}

/* An option that cannot be set is an error of the list. */
#define CHECK(setter)       \
    do {                    \
        if ((setter) != SCO_OK) \
            fail(#setter);  \
    } while (0)

/* A question's value; NULL if it is not asked. */
static const char *asked(const char *key)
{
    const size_t length = strlen(key);
    for (size_t i = 0; i < question_count; i++)
        if (strncmp(questions[i], key, length) == 0 && strncmp(questions[i] + length, ": ", 2) == 0)
            return questions[i] + length + 2;
    return NULL;
}

static long long number_asked(const char *key, long long otherwise)
{
    const char *value = asked(key);
    return value == NULL ? otherwise : atoll(value);
}

/* Nothing for NULL. */
static void tell(const char *key, const char *text)
{
    if (text == NULL)
        return;
    printf("> %s: ", key);
    for (; *text != '\0'; text++) {
        if (*text == '\r')
            fputs("\\r", stdout);
        else if (*text == '\n')
            fputs("\\n", stdout);
        else
            putchar(*text);
    }
    putchar('\n');
}

static void tell_number(const char *key, long long number)
{
    printf("> %s: %lld\n", key, number);
}

static void tell_job(const sco_job *job)
{
    char key[32];
    tell_number("id", sco_job_id(job));
    tell_number("status", sco_job_status(job));
    tell("status_name", sco_job_status_name(job));
    tell_number("is_final", sco_job_is_final(job));
    for (int field = SCO_JOB_TEXT_TYPE; field <= SCO_JOB_TEXT_INPUT_FILE; field++) {
        sprintf(key, "text %d", field);
        tell(key, sco_job_text(job, (sco_job_text_field)field));
    }
    for (int field = SCO_JOB_NUMBER_COMPANY_ID; field <= SCO_JOB_NUMBER_TOTAL_PROCESSED_IN_PHASE; field++) {
        const long long number = sco_job_number(job, (sco_job_number_field)field);
        sprintf(key, "number %d", field);
        if (number != -1)
            tell_number(key, number);
    }
}

static void tell_error(sco_error *error)
{
    tell_number("kind", sco_error_kind(error));
    tell("message", sco_error_message(error));
    if (sco_error_http_status(error) != 0)
        tell_number("http_status", sco_error_http_status(error));
    tell_number("attempts", sco_error_attempts(error));
    tell_number("is_retryable", sco_error_is_retryable(error));
    if (sco_error_retry_after_ms(error) >= 0)
        tell_number("retry_after_ms", sco_error_retry_after_ms(error));
    if (sco_error_os_error(error) != 0)
        tell_number("os_error", sco_error_os_error(error));
    if (sco_error_job_id(error) != 0)
        tell_number("job_id", sco_error_job_id(error));
    if (sco_error_job(error) != NULL)
        tell_job(sco_error_job(error));
    for (size_t i = 0; sco_error_job_log_line(error, i) != NULL; i++)
        tell("job_log_line", sco_error_job_log_line(error, i));
    sco_error_free(error);
}

struct bytes {
    uint8_t *data;
    size_t length;
};

static int32_t append(void *context, const uint8_t *data, size_t length)
{
    struct bytes *bytes = context;
    uint8_t *larger = realloc(bytes->data, bytes->length + length);
    if (larger == NULL)
        return 1;
    memcpy(larger + bytes->length, data, length);
    bytes->data = larger;
    bytes->length += length;
    return 0;
}

static struct bytes content_of(const char *path)
{
    struct bytes bytes = {NULL, 0};
    uint8_t piece[4096];
    size_t length;
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        fail(path);
    while ((length = fread(piece, 1, sizeof piece, file)) > 0)
        if (append(&bytes, piece, length) != 0)
            fail("no memory");
    fclose(file);
    return bytes;
}

static void tell_bytes(const uint8_t *data, size_t length)
{
    if (asked("sample") == NULL)
        return;
    struct bytes sample = content_of(asked("sample"));
    const int is_equal = sample.length == length && memcmp(sample.data, data, length) == 0;
    tell("bytes", is_equal ? "equal" : "different");
    free(sample.data);
}

static void tell_file(const sco_output_file *file)
{
    tell("name", sco_output_file_name(file));
    tell_number("is_fallback_name", sco_output_file_is_fallback_name(file));
    tell("content_type", sco_output_file_content_type(file));
    tell_number("size", (long long)sco_output_file_size(file));
    tell_bytes(sco_output_file_data(file), sco_output_file_size(file));
}

/* The bytes are those that were written, or are read back from where they were saved. */
static void tell_info(const sco_file_info *info, struct bytes bytes)
{
    const char *path = sco_file_info_path(info);
    tell("name", sco_file_info_name(info));
    tell_number("is_fallback_name", sco_file_info_is_fallback_name(info));
    tell("content_type", sco_file_info_content_type(info));
    tell_number("size", (long long)sco_file_info_size(info));
    if (path != NULL)
        bytes = content_of(path);
    tell_bytes(bytes.data, bytes.length);
    tell("path", path);
    free(bytes.data);
}

static sco_client_options *config_asked(void)
{
    sco_client_options *config = sco_client_options_new();
    CHECK(sco_client_options_set_max_attempts(config, (uint32_t)number_asked("max_attempts", 1), NULL));
    CHECK(sco_client_options_set_initial_backoff_ms(config, 1, NULL));
    CHECK(sco_client_options_set_max_backoff_ms(config, 10, NULL));
    CHECK(sco_client_options_set_retry_server_errors(config, (int32_t)number_asked("retry_server_errors", 0), NULL));
    CHECK(sco_client_options_set_body_encoding(config, (sco_body_encoding)number_asked("body_encoding", SCO_BODY_BASE64), NULL));
    CHECK(sco_client_options_set_allow_plain_http(config, (int32_t)number_asked("allow_plain_http", 0), NULL));
    if (asked("max_file_size") != NULL)
        CHECK(sco_client_options_set_max_file_size_bytes(config, (uint64_t)number_asked("max_file_size", 0), NULL));
    if (asked("user_name") != NULL)
        CHECK(sco_client_options_set_credentials(config, asked("user_name"), asked("password"), NULL));
    if (asked("team") != NULL)
        CHECK(sco_client_options_set_team(config, asked("team"), NULL));
    if (asked("team_lookup_url") != NULL)
        CHECK(sco_client_options_set_team_lookup_url(config, asked("team_lookup_url"), NULL));
    if (asked("proxy") != NULL)
        CHECK(sco_client_options_set_proxy(config, asked("proxy"), NULL));
    if (asked("ca") != NULL) {
        struct bytes pem = content_of(asked("ca"));
        CHECK(sco_client_options_add_ca_certificates(config, pem.data, pem.length, NULL));
        free(pem.data);
    }
    return config;
}

static sco_call_options *options_asked(void)
{
    sco_call_options *options = sco_call_options_new();
    CHECK(sco_call_options_set_wait_initial_interval_ms(options, 1, NULL));
    CHECK(sco_call_options_set_wait_max_interval_ms(options, 5, NULL));
    CHECK(sco_call_options_set_wait_grace_ms(options, 50, NULL));
    CHECK(sco_call_options_set_fail_on_hold(options, (int32_t)number_asked("fail_on_hold", 1), NULL));
    CHECK(sco_call_options_set_file_name(options, asked("file_name"), NULL));
    CHECK(sco_call_options_set_if_exists(options, (sco_if_exists)number_asked("if_exists", SCO_IF_EXISTS_FAIL), NULL));
    if (asked("timeout") != NULL)
        CHECK(sco_call_options_set_timeout_ms(options, (uint64_t)number_asked("timeout", 0), NULL));
    if (asked("cancelled") != NULL) {
        sco_cancel_token *cancel = sco_cancel_token_new();
        CHECK(sco_call_options_set_cancel_token(options, cancel, NULL));
        sco_cancel_token_cancel(cancel);
        sco_cancel_token_free(cancel);
    }
    return options;
}

/* Makes the call that is asked for, and tells what it gave. */
static void make_call(const sco_client *client, const sco_call_options *options, sco_error **error)
{
    const char *call = asked("call");
    const int64_t id = (int64_t)number_asked("job", 0);
    const struct bytes none = {NULL, 0};
    sco_output_file *file = NULL;
    sco_file_info *info = NULL;
    sco_job *job = NULL;
    if (strcmp(call, "get_output_file") == 0) {
        if (sco_get_output_file(client, id, options, &file, error) == SCO_OK)
            tell_file(file);
    } else if (strcmp(call, "output_file_save") == 0) {
        if (sco_get_output_file(client, id, options, &file, error) == SCO_OK
            && sco_output_file_save(file, asked("directory"), options, &info, error) == SCO_OK)
            tell_info(info, none);
    } else if (strcmp(call, "save_output_file") == 0) {
        if (sco_save_output_file(client, id, asked("directory"), options, &info, error) == SCO_OK)
            tell_info(info, none);
    } else if (strcmp(call, "write_output_file") == 0) {
        struct bytes written = none;
        if (sco_write_output_file(client, id, append, &written, options, &info, error) == SCO_OK)
            tell_info(info, written);
        else
            free(written.data);
    } else if (strcmp(call, "get_job") == 0) {
        if (sco_get_job(client, id, options, &job, error) == SCO_OK)
            tell_job(job);
    } else if (strcmp(call, "wait_for_job") == 0) {
        if (sco_wait_for_job(client, id, options, &job, error) == SCO_OK)
            tell_job(job);
    } else if (strcmp(call, "wait_for_output_file") == 0) {
        if (sco_wait_for_output_file(client, id, options, &job, &file, error) == SCO_OK) {
            tell_job(job);
            tell_file(file);
        }
    } else if (strcmp(call, "wait_and_save_output_file") == 0) {
        if (sco_wait_and_save_output_file(client, id, asked("directory"), options, &job, &info, error) ==
            SCO_OK) {
            tell_job(job);
            tell_info(info, none);
        }
    } else if (strcmp(call, "wait_and_write_output_file") == 0) {
        struct bytes written = none;
        if (sco_wait_and_write_output_file(client, id, append, &written, options, &job, &info, error) ==
            SCO_OK) {
            tell_job(job);
            tell_info(info, written);
        } else {
            free(written.data);
        }
    } else {
        fail(call);
    }
    sco_output_file_free(file);
    sco_file_info_free(info);
    sco_job_free(job);
}

static void answer(void)
{
    sco_client *client = NULL;
    sco_error *error = NULL;
    int64_t job = 0;
    if (strcmp(asked("call"), "parse_job_id") == 0) {
        if (sco_parse_job_id(asked("job"), &job, &error) == SCO_OK)
            tell_number("id", job);
    } else {
        sco_client_options *config = config_asked();
        sco_call_options *options = options_asked();
        const char *server = asked("server");
        const char *token = asked("token");
        if (server == NULL && asked("team") == NULL)
            server = getenv("STAND_IN");
        if (token == NULL && asked("user_name") == NULL && asked("no_token") == NULL)
            token = getenv("STAND_IN_TOKEN");
        if (sco_client_new(server, token, config, &client, &error) == SCO_OK)
            make_call(client, options, &error);
        sco_client_free(client);
        sco_call_options_free(options);
        sco_client_options_free(config);
    }
    if (error != NULL)
        tell_error(error);
    question_count = 0;
}

int main(int argc, char **argv)
{
    char line[LONGEST_LINE];
    FILE *list = argc == 2 ? fopen(argv[1], "r") : NULL;
    if (list == NULL)
        fail("give it the list");
    while (fgets(line, sizeof line, list) != NULL) {
        if (strncmp(line, "> ", 2) == 0)
            continue;
        if (strcmp(line, "\n") == 0) {
            answer();
            putchar('\n');
            continue;
        }
        if (question_count == MOST_QUESTIONS)
            fail("too many questions");
        fputs(line, stdout);
        line[strcspn(line, "\n")] = '\0';
        strcpy(questions[question_count++], line);
    }
    answer();
    fclose(list);
    return 0;
}
