/*
 * Makes the calls of a list (tests/conformance/README.md) and prints the list with the
 * results.
 *
 *     conformance LIST
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sellercloud_output.h"

enum { MAX_INPUTS = 32, MAX_LINE_LEN = 4096 };

/* The inputs of the current record, "key: value" each. */
static char inputs[MAX_INPUTS][MAX_LINE_LEN];
static size_t input_count;

static void fail(const char *what)
{
    fprintf(stderr, "conformance: %s\n", what);
    exit(1);
}

/* Stops if the list has a value that cannot be set. */
#define CHECK(setter)       \
    do {                    \
        if ((setter) != SCO_OK) \
            fail(#setter);  \
    } while (0)

/* Returns an input's value, or NULL if the record does not have it. */
static const char *input(const char *key)
{
    const size_t size = strlen(key);
    for (size_t i = 0; i < input_count; i++)
        if (strncmp(inputs[i], key, size) == 0 && strncmp(inputs[i] + size, ": ", 2) == 0)
            return inputs[i] + size + 2;
    return NULL;
}

static long long number_input(const char *key, long long fallback)
{
    const char *value = input(key);
    return value == NULL ? fallback : atoll(value);
}

/* Prints a line of the result, or nothing for NULL. */
static void print_text(const char *key, const char *text)
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

static void print_number(const char *key, long long number)
{
    printf("> %s: %lld\n", key, number);
}

static void print_job(const sco_job *job)
{
    char key[32];
    print_number("id", sco_job_id(job));
    print_number("status", sco_job_status(job));
    print_text("status_name", sco_job_status_name(job));
    print_number("is_final", sco_job_is_final(job));
    for (int field = SCO_JOB_TEXT_TYPE; field <= SCO_JOB_TEXT_INPUT_FILE; field++) {
        sprintf(key, "text %d", field);
        print_text(key, sco_job_text(job, (sco_job_text_field)field));
    }
    for (int field = SCO_JOB_NUMBER_COMPANY_ID; field <= SCO_JOB_NUMBER_TOTAL_PROCESSED_IN_PHASE; field++) {
        const long long number = sco_job_number(job, (sco_job_number_field)field);
        sprintf(key, "number %d", field);
        if (number != -1)
            print_number(key, number);
    }
}

static void print_error(sco_error *error)
{
    print_number("kind", sco_error_kind(error));
    print_text("message", sco_error_message(error));
    if (sco_error_http_status(error) != 0)
        print_number("http_status", sco_error_http_status(error));
    print_number("attempts", sco_error_attempts(error));
    print_number("is_retryable", sco_error_is_retryable(error));
    if (sco_error_retry_after_ms(error) >= 0)
        print_number("retry_after_ms", sco_error_retry_after_ms(error));
    if (sco_error_os_error(error) != 0)
        print_number("os_error", sco_error_os_error(error));
    if (sco_error_job_id(error) != 0)
        print_number("job_id", sco_error_job_id(error));
    if (sco_error_job(error) != NULL)
        print_job(sco_error_job(error));
    for (size_t i = 0; sco_error_job_log_line(error, i) != NULL; i++)
        print_text("job_log_line", sco_error_job_log_line(error, i));
    sco_error_free(error);
}

struct bytes {
    uint8_t *data;
    size_t size;
};

static int32_t append(void *context, const uint8_t *data, size_t size)
{
    struct bytes *bytes = context;
    uint8_t *larger = realloc(bytes->data, bytes->size + size);
    if (larger == NULL)
        return 1;
    memcpy(larger + bytes->size, data, size);
    bytes->data = larger;
    bytes->size += size;
    return 0;
}

static struct bytes content_of(const char *path)
{
    struct bytes bytes = {NULL, 0};
    uint8_t chunk[4096];
    size_t size;
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        fail(path);
    while ((size = fread(chunk, 1, sizeof chunk, file)) > 0)
        if (append(&bytes, chunk, size) != 0)
            fail("no memory");
    fclose(file);
    return bytes;
}

static void print_bytes(const uint8_t *data, size_t size)
{
    if (input("sample") == NULL)
        return;
    struct bytes sample = content_of(input("sample"));
    const int is_equal = sample.size == size && memcmp(sample.data, data, size) == 0;
    print_text("bytes", is_equal ? "equal" : "different");
    free(sample.data);
}

static void print_file(const sco_output_file *file)
{
    print_text("name", sco_output_file_name(file));
    print_number("is_fallback_name", sco_output_file_is_fallback_name(file));
    print_text("content_type", sco_output_file_content_type(file));
    print_number("size", (long long)sco_output_file_size(file));
    print_bytes(sco_output_file_data(file), sco_output_file_size(file));
}

/* Compares the bytes that were written or saved. Frees the written ones. */
static void print_info(const sco_file_info *info, struct bytes bytes)
{
    const char *path = sco_file_info_path(info);
    print_text("name", sco_file_info_name(info));
    print_number("is_fallback_name", sco_file_info_is_fallback_name(info));
    print_text("content_type", sco_file_info_content_type(info));
    print_number("size", (long long)sco_file_info_size(info));
    if (path != NULL)
        bytes = content_of(path);
    print_bytes(bytes.data, bytes.size);
    print_text("path", path);
    free(bytes.data);
}

static sco_client_options *client_options_from_input(void)
{
    sco_client_options *client_options = sco_client_options_new();
    CHECK(sco_client_options_set_max_attempts(client_options, (uint32_t)number_input("max_attempts", 1), NULL));
    CHECK(sco_client_options_set_initial_backoff_ms(client_options, 1, NULL));
    CHECK(sco_client_options_set_max_backoff_ms(client_options, 10, NULL));
    CHECK(sco_client_options_set_retry_server_errors(client_options, (int32_t)number_input("retry_server_errors", 0), NULL));
    CHECK(sco_client_options_set_body_encoding(client_options, (sco_body_encoding)number_input("body_encoding", SCO_BODY_BASE64), NULL));
    CHECK(sco_client_options_set_allow_plain_http(client_options, (int32_t)number_input("allow_plain_http", 0), NULL));
    if (input("max_file_size") != NULL)
        CHECK(sco_client_options_set_max_file_size_bytes(client_options, (uint64_t)number_input("max_file_size", 0), NULL));
    if (input("user_name") != NULL)
        CHECK(sco_client_options_set_credentials(client_options, input("user_name"), input("password"), NULL));
    if (input("team") != NULL)
        CHECK(sco_client_options_set_team(client_options, input("team"), NULL));
    if (input("team_lookup_url") != NULL)
        CHECK(sco_client_options_set_team_lookup_url(client_options, input("team_lookup_url"), NULL));
    if (input("proxy") != NULL)
        CHECK(sco_client_options_set_proxy(client_options, input("proxy"), NULL));
    if (input("user_agent_suffix") != NULL)
        CHECK(sco_client_options_set_user_agent_suffix(client_options, input("user_agent_suffix"), NULL));
    if (input("ca") != NULL) {
        struct bytes pem = content_of(input("ca"));
        CHECK(sco_client_options_add_ca_certificates(client_options, pem.data, pem.size, NULL));
        free(pem.data);
    }
    return client_options;
}

static sco_call_options *call_options_from_input(void)
{
    sco_call_options *options = sco_call_options_new();
    CHECK(sco_call_options_set_wait_initial_interval_ms(options, 1, NULL));
    CHECK(sco_call_options_set_wait_max_interval_ms(options, 5, NULL));
    CHECK(sco_call_options_set_wait_grace_ms(options, 50, NULL));
    CHECK(sco_call_options_set_fail_on_hold(options, (int32_t)number_input("fail_on_hold", 1), NULL));
    CHECK(sco_call_options_set_file_name(options, input("file_name"), NULL));
    CHECK(sco_call_options_set_if_exists(options, (sco_if_exists)number_input("if_exists", SCO_IF_EXISTS_FAIL), NULL));
    if (input("timeout") != NULL)
        CHECK(sco_call_options_set_timeout_ms(options, (uint64_t)number_input("timeout", 0), NULL));
    if (input("cancelled") != NULL) {
        sco_cancel_token *cancel = sco_cancel_token_new();
        CHECK(sco_call_options_set_cancel_token(options, cancel, NULL));
        sco_cancel_token_cancel(cancel);
        sco_cancel_token_free(cancel);
    }
    return options;
}

/* Makes the call and prints its result. */
static void make_call(const sco_client *client, const sco_call_options *options, sco_error **error)
{
    const char *call = input("call");
    const int64_t id = (int64_t)number_input("job", 0);
    const struct bytes none = {NULL, 0};
    sco_output_file *file = NULL;
    sco_file_info *info = NULL;
    sco_job *job = NULL;
    if (strcmp(call, "get_output_file") == 0) {
        if (sco_get_output_file(client, id, options, &file, error) == SCO_OK)
            print_file(file);
    } else if (strcmp(call, "output_file_save") == 0) {
        if (sco_get_output_file(client, id, options, &file, error) == SCO_OK
            && sco_output_file_save(file, input("directory"), options, &info, error) == SCO_OK)
            print_info(info, none);
    } else if (strcmp(call, "save_output_file") == 0) {
        if (sco_save_output_file(client, id, input("directory"), options, &info, error) == SCO_OK)
            print_info(info, none);
    } else if (strcmp(call, "write_output_file") == 0) {
        struct bytes written = none;
        if (sco_write_output_file(client, id, append, &written, options, &info, error) == SCO_OK)
            print_info(info, written);
        else
            free(written.data);
    } else if (strcmp(call, "get_job") == 0) {
        if (sco_get_job(client, id, options, &job, error) == SCO_OK)
            print_job(job);
    } else if (strcmp(call, "wait_for_job") == 0) {
        if (sco_wait_for_job(client, id, options, &job, error) == SCO_OK)
            print_job(job);
    } else if (strcmp(call, "wait_for_output_file") == 0) {
        if (sco_wait_for_output_file(client, id, options, &job, &file, error) == SCO_OK) {
            print_job(job);
            print_file(file);
        }
    } else if (strcmp(call, "wait_and_save_output_file") == 0) {
        if (sco_wait_and_save_output_file(client, id, input("directory"), options, &job, &info, error) ==
            SCO_OK) {
            print_job(job);
            print_info(info, none);
        }
    } else if (strcmp(call, "wait_and_write_output_file") == 0) {
        struct bytes written = none;
        if (sco_wait_and_write_output_file(client, id, append, &written, options, &job, &info, error) ==
            SCO_OK) {
            print_job(job);
            print_info(info, written);
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

static void make_record(void)
{
    sco_client *client = NULL;
    sco_error *error = NULL;
    int64_t job = 0;
    if (strcmp(input("call"), "parse_job_id") == 0) {
        if (sco_parse_job_id(input("job"), &job, &error) == SCO_OK)
            print_number("id", job);
    } else {
        sco_client_options *client_options = client_options_from_input();
        sco_call_options *options = call_options_from_input();
        const char *server = input("server");
        const char *token = input("token");
        if (server == NULL && input("team") == NULL)
            server = getenv("MOCK_SERVER");
        if (token == NULL && input("user_name") == NULL && input("no_token") == NULL)
            token = getenv("MOCK_SERVER_TOKEN");
        if (sco_client_new(server, token, client_options, &client, &error) == SCO_OK)
            make_call(client, options, &error);
        sco_client_free(client);
        sco_call_options_free(options);
        sco_client_options_free(client_options);
    }
    if (error != NULL)
        print_error(error);
    input_count = 0;
}

int main(int argc, char **argv)
{
    char line[MAX_LINE_LEN];
    FILE *list = argc == 2 ? fopen(argv[1], "r") : NULL;
    if (list == NULL)
        fail("usage: conformance LIST");
    while (fgets(line, sizeof line, list) != NULL) {
        if (strncmp(line, "> ", 2) == 0)
            continue;
        if (strcmp(line, "\n") == 0) {
            make_record();
            putchar('\n');
            continue;
        }
        if (input_count == MAX_INPUTS)
            fail("too many inputs");
        fputs(line, stdout);
        line[strcspn(line, "\n")] = '\0';
        strcpy(inputs[input_count++], line);
    }
    make_record();
    fclose(list);
    return 0;
}
