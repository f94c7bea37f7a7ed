/*
 * The C interface as a C program sees it, against the mock server.
 *
 *     test SERVER TOKEN DIRECTORY
 *
 * DIRECTORY must be empty and writable. C99 with POSIX threads.
 */

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sellercloud_output.h"
/* Twice: the include guard must hold. */
#include "sellercloud_output.h"

static const char *server;
static const char *token;
static const char *directory;
static int checks = 0;

#define CHECK(condition)                                                            \
    do {                                                                            \
        checks++;                                                                   \
        if (!(condition)) {                                                         \
            fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition); \
            exit(1);                                                                \
        }                                                                           \
    } while (0)

/* A pointer that a function must overwrite. */
#define STALE(type) ((type *)(void *)&checks)

static sco_client *new_client(const sco_client_options *client_options)
{
    sco_client *client = NULL;
    sco_error *error = STALE(sco_error);
    CHECK(sco_client_new(server, token, client_options, &client, &error) == SCO_OK);
    CHECK(client != NULL);
    CHECK(error == NULL);
    return client;
}

static void version_and_status_strings_are_known(void)
{
    CHECK(strcmp(sco_version(), EXPECTED_VERSION) == 0);
    CHECK(strcmp(sco_status_string(SCO_OK), "ok") == 0);
    CHECK(strcmp(sco_status_string(SCO_ERROR_RATE_LIMITED), "rate limited") == 0);
    CHECK(strcmp(sco_status_string(SCO_ERROR_INTERNAL), "internal error") == 0);
    CHECK(strcmp(sco_status_string((sco_status)-1), "unknown status") == 0);
    CHECK(strcmp(sco_status_string((sco_status)12345), "unknown status") == 0);
}

static void get_output_file_each_body_form_succeeds(void)
{
    static const struct {
        int64_t job;
        const char *name;
        size_t size;
        const char *start;
        int32_t is_fallback_name;
        const char *content_type;
    } expected[] = {
        {28142, "Orders \xc3\xa9 2026-11-23.csv", 2400, "\xef\xbb\xbfOrderID,", 0, "text/csv"},
        {28143, "inventory.txt", 4239, "SKU\tWarehouse", 0, "application/json; charset=utf-8"},
        {28144, "profit and loss.xlsx", 1955, "PK\x03\x04", 0, "application/json; charset=utf-8"},
        {28145, "label \xc3\xa9.pdf", 613, "%PDF-1.4", 0, "application/pdf"},
        {28147, "empty.csv", 0, "", 0, "text/csv"},
        {28149, "output-28149.csv", 9, "no name\r\n", 1, "text/csv"},
        {28150, "passwd", 18, "a path for a name\n", 0, "text/plain"},
    };
    sco_client *client = new_client(NULL);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        sco_output_file *file = NULL;
        sco_error *error = STALE(sco_error);
        CHECK(sco_get_output_file(client, expected[i].job, NULL, &file, &error) == SCO_OK);
        CHECK(error == NULL);
        CHECK(strcmp(sco_output_file_name(file), expected[i].name) == 0);
        CHECK(sco_output_file_is_fallback_name(file) == expected[i].is_fallback_name);
        CHECK(sco_output_file_size(file) == expected[i].size);
        CHECK(sco_output_file_data(file) != NULL);
        CHECK(memcmp(sco_output_file_data(file), expected[i].start, strlen(expected[i].start)) == 0);
        CHECK(strcmp(sco_output_file_content_type(file), expected[i].content_type) == 0);
        sco_output_file_free(file);
    }
    sco_client_free(client);
}

static void output_file_after_client_freed_is_saved_once(void)
{
    sco_client *client = new_client(NULL);
    sco_output_file *file = NULL;
    CHECK(sco_get_output_file(client, 28143, NULL, &file, NULL) == SCO_OK);
    sco_client_free(client);

    sco_error *error = STALE(sco_error);
    CHECK(sco_output_file_save(file, directory, NULL, NULL, &error) == SCO_OK);
    CHECK(error == NULL);

    char path[4096];
    snprintf(path, sizeof path, "%s/%s", directory, sco_output_file_name(file));
    FILE *saved = fopen(path, "rb");
    CHECK(saved != NULL);
    char content[8192];
    size_t size = fread(content, 1, sizeof content, saved);
    fclose(saved);
    CHECK(size == sco_output_file_size(file));
    CHECK(memcmp(content, sco_output_file_data(file), size) == 0);

    CHECK(sco_output_file_save(file, directory, NULL, NULL, &error) == SCO_ERROR_IO);
    CHECK(sco_error_kind(error) == SCO_ERROR_IO);
    CHECK(strstr(sco_error_message(error), path) != NULL);
    CHECK(sco_error_os_error(error) == EEXIST);
    CHECK(strcmp(sco_error_path(error), path) == 0);
    sco_error_free(error);
    CHECK(sco_output_file_save(file, "/no/such/directory", NULL, NULL, &error) == SCO_ERROR_IO);
    CHECK(sco_error_os_error(error) == ENOENT);
    sco_error_free(error);
    CHECK(sco_output_file_save(file, NULL, NULL, NULL, NULL) == SCO_ERROR_INVALID_ARGUMENT);
    CHECK(sco_output_file_save(NULL, directory, NULL, NULL, NULL) == SCO_ERROR_INVALID_ARGUMENT);
    sco_output_file_free(file);
    CHECK(remove(path) == 0);
}

static void large_files_downloaded_repeatedly_have_their_bytes(void)
{
    sco_client *client = new_client(NULL);
    sco_output_file *files[3];
    unsigned char last = 0;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 3; i++) {
            CHECK(sco_get_output_file(client, 28148, NULL, &files[i], NULL) == SCO_OK);
            CHECK(sco_output_file_size(files[i]) == 67108864);
            CHECK(memcmp(sco_output_file_data(files[i]), sco_output_file_data(files[0]),
                         sco_output_file_size(files[i])) == 0);
        }
        /* The last byte is the same in each round, whatever memory it is in. */
        unsigned char now = sco_output_file_data(files[0])[67108863];
        CHECK(round == 0 || now == last);
        last = now;
        sco_output_file_free(files[0]);
        sco_output_file_free(files[1]);
        if (round == 1)
            sco_client_free(client);
        CHECK(sco_output_file_data(files[2])[67108863] == last);
        sco_output_file_free(files[2]);
    }
}

static void path_in_directory(char *path, size_t capacity, const char *name)
{
    snprintf(path, capacity, "%s/%s", directory, name);
}

static void save_output_file_large_file_is_saved_once(void)
{
    sco_client *client = new_client(NULL);
    char path[4096];
    path_in_directory(path, sizeof path, "large.bin");
    sco_file_info *info = STALE(sco_file_info);
    sco_error *error = STALE(sco_error);
    CHECK(sco_save_output_file(client, 28148, directory, NULL, &info, &error) == SCO_OK);
    CHECK(error == NULL);
    CHECK(strcmp(sco_file_info_name(info), "large.bin") == 0);
    CHECK(strcmp(sco_file_info_path(info), path) == 0);
    CHECK(sco_file_info_size(info) == 67108864);
    CHECK(sco_file_info_is_fallback_name(info) == 0);
    CHECK(strcmp(sco_file_info_content_type(info), "application/octet-stream") == 0);
    sco_file_info_free(info);
    FILE *saved = fopen(path, "rb");
    CHECK(saved != NULL);
    CHECK(fseek(saved, 0, SEEK_END) == 0);
    CHECK(ftell(saved) == 67108864);
    fclose(saved);

    CHECK(sco_save_output_file(client, 28148, directory, NULL, &info, &error) == SCO_ERROR_IO);
    CHECK(info == NULL);
    CHECK(strstr(sco_error_message(error), path) != NULL);
    sco_error_free(error);
    CHECK(remove(path) == 0);
    CHECK(sco_save_output_file(client, 28143, "/no/such/directory", NULL, NULL, NULL) == SCO_ERROR_IO);
    CHECK(sco_save_output_file(client, 28143, NULL, NULL, NULL, NULL) == SCO_ERROR_INVALID_ARGUMENT);
    CHECK(sco_save_output_file(NULL, 28143, directory, NULL, NULL, NULL) == SCO_ERROR_INVALID_ARGUMENT);
    CHECK(sco_save_output_file(client, 0, directory, NULL, NULL, NULL) == SCO_ERROR_INVALID_ARGUMENT);
    sco_client_free(client);
}

static void save_options_each_value_takes_effect(void)
{
    sco_client *client = new_client(NULL);
    sco_call_options *options = sco_call_options_new();
    char path[4096];
    sco_file_info *info = NULL;
    CHECK(sco_save_output_file(client, 28143, directory, options, NULL, NULL) == SCO_OK);
    CHECK(sco_save_output_file(client, 28143, directory, options, NULL, NULL) == SCO_ERROR_IO);

    CHECK(sco_call_options_set_if_exists(options, SCO_IF_EXISTS_REPLACE, NULL) == SCO_OK);
    CHECK(sco_call_options_set_flush_to_disk(options, 0, NULL) == SCO_OK);
    CHECK(sco_save_output_file(client, 28143, directory, options, &info, NULL) == SCO_OK);
    path_in_directory(path, sizeof path, "inventory.txt");
    CHECK(strcmp(sco_file_info_path(info), path) == 0);
    sco_file_info_free(info);

    CHECK(sco_call_options_set_if_exists(options, SCO_IF_EXISTS_KEEP_BOTH, NULL) == SCO_OK);
    CHECK(sco_call_options_set_flush_to_disk(options, 1, NULL) == SCO_OK);
    CHECK(sco_save_output_file(client, 28143, directory, options, &info, NULL) == SCO_OK);
    CHECK(remove(path) == 0);
    path_in_directory(path, sizeof path, "inventory (1).txt");
    CHECK(strcmp(sco_file_info_path(info), path) == 0);
    CHECK(strcmp(sco_file_info_name(info), "inventory.txt") == 0);
    CHECK(remove(path) == 0);
    sco_file_info_free(info);

    sco_output_file *file = NULL;
    CHECK(sco_call_options_set_file_name(options, "mine.txt", NULL) == SCO_OK);
    CHECK(sco_call_options_set_if_exists(options, SCO_IF_EXISTS_FAIL, NULL) == SCO_OK);
    CHECK(sco_get_output_file(client, 28143, NULL, &file, NULL) == SCO_OK);
    CHECK(sco_output_file_save(file, directory, options, &info, NULL) == SCO_OK);
    path_in_directory(path, sizeof path, "mine.txt");
    CHECK(strcmp(sco_file_info_path(info), path) == 0);
    CHECK(sco_file_info_size(info) == 4239);
    CHECK(remove(path) == 0);
    sco_file_info_free(info);
    sco_output_file_free(file);

    CHECK(sco_call_options_set_file_name(options, "a/b", NULL) == SCO_OK);
    CHECK(sco_save_output_file(client, 28143, directory, options, &info, NULL) ==
          SCO_ERROR_INVALID_ARGUMENT);
    CHECK(sco_call_options_set_file_name(options, "\xff", NULL) == SCO_ERROR_INVALID_ARGUMENT);
    CHECK(sco_call_options_set_file_name(NULL, "a", NULL) == SCO_ERROR_INVALID_ARGUMENT);
    /* NULL restores the server's name. */
    CHECK(sco_call_options_set_file_name(options, NULL, NULL) == SCO_OK);
    CHECK(sco_save_output_file(client, 28143, directory, options, &info, NULL) == SCO_OK);
    CHECK(remove(sco_file_info_path(info)) == 0);
    CHECK(strcmp(strrchr(sco_file_info_path(info), '/'), "/inventory.txt") == 0);
    sco_file_info_free(info);
    CHECK(sco_call_options_set_if_exists(options, (sco_if_exists)SCO_BODY_RAW, NULL) ==
          SCO_ERROR_INVALID_ARGUMENT);
    CHECK(sco_call_options_set_if_exists(NULL, SCO_IF_EXISTS_FAIL, NULL) ==
          SCO_ERROR_INVALID_ARGUMENT);
    sco_call_options_free(options);
    sco_client_free(client);
}

static void save_empty_directory_fails(void)
{
    sco_client *client = new_client(NULL);
    sco_output_file *file = NULL;
    sco_error *error = NULL;
    CHECK(sco_get_output_file(client, 28143, NULL, &file, NULL) == SCO_OK);
    CHECK(sco_output_file_save(file, "", NULL, NULL, &error) == SCO_ERROR_INVALID_ARGUMENT);
    CHECK(strstr(sco_error_message(error), "directory is empty; use \".\"") != NULL);
    sco_error_free(error);
    CHECK(sco_save_output_file(client, 28143, "", NULL, NULL, NULL) == SCO_ERROR_INVALID_ARGUMENT);
    CHECK(sco_wait_and_save_output_file(client, 50003, "", NULL, NULL, NULL, NULL) ==
          SCO_ERROR_INVALID_ARGUMENT);
    sco_output_file_free(file);
    sco_client_free(client);
}

/* Removes the file that a call has saved, and checks its path. */
static void remove_saved(sco_file_info *info, const char *expected_path)
{
    CHECK(strcmp(sco_file_info_path(info), expected_path) == 0);
    CHECK(remove(expected_path) == 0);
    sco_file_info_free(info);
}

static void directory_that_is_not_utf8_is_used_as_it_is(void)
{
    char latin1[4096], path[4096];
    sco_output_file *file = NULL;
    sco_job *job = NULL;
    sco_file_info *info = NULL;
    sco_error *error = NULL;
    sco_client *client = new_client(NULL);
    path_in_directory(latin1, sizeof latin1, "caf\xe9");
    path_in_directory(path, sizeof path, "caf\xe9/inventory.txt");
    CHECK(mkdir(latin1, 0700) == 0);
    CHECK(sco_save_output_file(client, 28143, latin1, NULL, &info, NULL) == SCO_OK);
    remove_saved(info, path);
    CHECK(sco_get_output_file(client, 28143, NULL, &file, NULL) == SCO_OK);
    CHECK(sco_output_file_save(file, latin1, NULL, &info, NULL) == SCO_OK);
    CHECK(sco_output_file_save(file, latin1, NULL, NULL, &error) == SCO_ERROR_IO);
    CHECK(sco_error_os_error(error) == EEXIST);
    CHECK(strcmp(sco_error_path(error), path) == 0);
    /* A message is UTF-8. */
    CHECK(strstr(sco_error_message(error), "caf\xef\xbf\xbd/inventory.txt") != NULL);
    sco_error_free(error);
    sco_output_file_free(file);
    remove_saved(info, path);
    CHECK(sco_wait_and_save_output_file(client, 50003, latin1, NULL, &job, &info, NULL) == SCO_OK);
    CHECK(sco_job_id(job) == 50003);
    sco_job_free(job);
    path_in_directory(path, sizeof path, "caf\xe9/Orders \xc3\xa9 2026-11-23.csv");
    remove_saved(info, path);
    CHECK(remove(latin1) == 0);
    sco_client_free(client);
}

static void user_agent_suffix_is_sent(void)
{
    static const char *const unusable[] = {"", " ", " a", "a ", "a\r\nX-Injected: 1", "a\tb", "caf\xc3\xa9"};
    sco_client_options *client_options = sco_client_options_new();
    sco_client *client = NULL;
    sco_output_file *file = NULL;
    sco_error *error = NULL;
    for (size_t i = 0; i < sizeof unusable / sizeof unusable[0]; i++) {
        CHECK(sco_client_options_set_user_agent_suffix(client_options, unusable[i], NULL) == SCO_OK);
        CHECK(sco_client_new(server, token, client_options, &client, &error) == SCO_ERROR_INVALID_ARGUMENT);
        CHECK(strncmp(sco_error_message(error), "user_agent_suffix ", 18) == 0);
        sco_error_free(error);
    }
    /* A later value replaces a bad one. The server knows job 60006 only with this suffix. */
    CHECK(sco_client_options_set_user_agent_suffix(client_options, "nightly-export/2.1 (warehouse 7)", NULL) == SCO_OK);
    client = new_client(client_options);
    CHECK(sco_get_output_file(client, 60006, NULL, &file, NULL) == SCO_OK);
    sco_output_file_free(file);
    sco_client_free(client);
    sco_client_options_free(client_options);
}

static void limit_zero_is_rejected(void)
{
    sco_client_options *client_options = sco_client_options_new();
    sco_call_options *options = sco_call_options_new();
    sco_error *errors[8] = {NULL};
    const sco_status statuses[8] = {
        sco_client_options_set_connect_timeout_ms(client_options, 0, &errors[0]),
        sco_client_options_set_stall_timeout_ms(client_options, 0, &errors[1]),
        sco_client_options_set_call_timeout_ms(client_options, 0, &errors[2]),
        sco_client_options_set_max_file_size_bytes(client_options, 0, &errors[3]),
        sco_client_options_set_max_attempts(client_options, 0, &errors[4]),
        sco_call_options_set_timeout_ms(options, 0, &errors[5]),
        sco_call_options_set_wait_initial_interval_ms(options, 0, &errors[6]),
        sco_call_options_set_wait_max_interval_ms(options, 0, &errors[7]),
    };
    for (size_t i = 0; i < 8; i++) {
        CHECK(statuses[i] == SCO_ERROR_INVALID_ARGUMENT);
        CHECK(strstr(sco_error_message(errors[i]), "must be greater than zero") != NULL);
        sco_error_free(errors[i]);
    }
    /* For these, zero has a meaning. */
    CHECK(sco_client_options_set_initial_backoff_ms(client_options, 0, NULL) == SCO_OK);
    CHECK(sco_client_options_set_max_backoff_ms(client_options, 0, NULL) == SCO_OK);
    CHECK(sco_call_options_set_wait_grace_ms(options, 0, NULL) == SCO_OK);
    sco_call_options_free(options);
    sco_client_options_free(client_options);
}

struct received {
    size_t size;
    unsigned char bytes[8192];
    int32_t returns;
};

static int32_t receive(void *context, const uint8_t *data, size_t size)
{
    struct received *received = context;
    CHECK(size > 0);
    CHECK(received->size + size <= sizeof received->bytes);
    memcpy(received->bytes + received->size, data, size);
    received->size += size;
    return received->returns;
}

static void write_output_file_passes_bytes_to_callback(void)
{
    static struct received received;
    sco_client *client = new_client(NULL);
    sco_output_file *file = NULL;
    sco_file_info *info = STALE(sco_file_info);
    CHECK(sco_get_output_file(client, 28143, NULL, &file, NULL) == SCO_OK);
    CHECK(sco_write_output_file(client, 28143, receive, &received, NULL, &info, NULL) == SCO_OK);
    CHECK(received.size == sco_output_file_size(file));
    CHECK(memcmp(received.bytes, sco_output_file_data(file), received.size) == 0);
    CHECK(sco_file_info_size(info) == received.size);
    CHECK(strcmp(sco_file_info_name(info), "inventory.txt") == 0);
    CHECK(sco_file_info_path(info) == NULL);
    sco_file_info_free(info);
    sco_output_file_free(file);

    received.size = 0;
    CHECK(sco_write_output_file(client, 28147, receive, &received, NULL, NULL, NULL) == SCO_OK);
    CHECK(received.size == 0);
    sco_error *error = NULL;
    received.returns = -5;
    CHECK(sco_write_output_file(client, 28143, receive, &received, NULL, &info, &error) == SCO_ERROR_IO);
    CHECK(info == NULL);
    CHECK(strstr(sco_error_message(error), "the callback returned -5") != NULL);
    CHECK(sco_error_os_error(error) == 0);
    CHECK(sco_error_path(error) == NULL);
    sco_error_free(error);
    CHECK(sco_write_output_file(client, 28143, NULL, NULL, NULL, &info, NULL) ==
          SCO_ERROR_INVALID_ARGUMENT);
    CHECK(sco_write_output_file(NULL, 28143, receive, NULL, NULL, NULL, NULL) ==
          SCO_ERROR_INVALID_ARGUMENT);
    sco_client_free(client);

    CHECK(sco_file_info_name(NULL) == NULL);
    CHECK(sco_file_info_path(NULL) == NULL);
    CHECK(sco_file_info_content_type(NULL) == NULL);
    CHECK(sco_file_info_size(NULL) == 0);
    CHECK(sco_file_info_is_fallback_name(NULL) == 0);
    sco_file_info_free(NULL);
}

static void error_responses_have_distinct_kinds(void)
{
    sco_client *client = new_client(NULL);
    sco_output_file *file = STALE(sco_output_file);
    sco_error *error = NULL;
    CHECK(sco_get_output_file(client, 5, NULL, &file, &error) == SCO_ERROR_SERVER);
    CHECK(file == NULL);
    CHECK(sco_error_kind(error) == SCO_ERROR_SERVER);
    CHECK(sco_error_http_status(error) == 500);
    CHECK(sco_error_job_id(error) == 5);
    CHECK(sco_error_os_error(error) == 0);
    CHECK(sco_error_path(error) == NULL);
    CHECK(sco_error_is_retryable(error) == 0);
    CHECK(strcmp(sco_error_message(error),
                 "job 5: the server responded with 500 Internal Server Error: "
                 "Could not find or load record with ID 5!") == 0);
    sco_error_free(error);
    CHECK(sco_get_output_file(client, 5, NULL, &file, NULL) == SCO_ERROR_SERVER);
    sco_client_free(client);

    CHECK(sco_client_new(server, "another-token", NULL, &client, NULL) == SCO_OK);
    CHECK(sco_get_output_file(client, 28142, NULL, &file, &error) == SCO_ERROR_AUTHENTICATION);
    CHECK(sco_error_http_status(error) == 401);
    CHECK(strstr(sco_error_message(error), "401 Unauthorized: Not Valid Token") != NULL);
    CHECK(strstr(sco_error_message(error), "another-token") == NULL);
    sco_error_free(error);
    sco_client_free(client);

    CHECK(sco_client_new("http://127.0.0.1:1", token, NULL, &client, NULL) == SCO_OK);
    CHECK(sco_get_output_file(client, 28142, NULL, &file, &error) == SCO_ERROR_CONNECTION);
    CHECK(sco_error_http_status(error) == 0);
    CHECK(sco_error_is_retryable(error) == 1);
    sco_error_free(error);
    sco_client_free(client);
}

static void client_options_each_value_takes_effect(void)
{
    sco_client_options *client_options = sco_client_options_new();
    sco_output_file *file = NULL;
    sco_error *error = NULL;
    CHECK(client_options != NULL);

    sco_client *base64 = new_client(client_options);
    CHECK(sco_get_output_file(base64, 28146, NULL, &file, &error) == SCO_ERROR_MALFORMED_BODY);
    CHECK(strstr(sco_error_message(error), "not valid base64") != NULL);
    sco_error_free(error);
    sco_client_free(base64);

    static const sco_body_encoding encodings[] = {SCO_BODY_RAW, SCO_BODY_AUTO};
    for (size_t i = 0; i < 2; i++) {
        CHECK(sco_client_options_set_body_encoding(client_options, encodings[i], &error) == SCO_OK);
        CHECK(error == NULL);
        sco_client *client = new_client(client_options);
        CHECK(sco_get_output_file(client, 28146, NULL, &file, NULL) == SCO_OK);
        CHECK(strcmp(sco_output_file_name(file), "labels.zip") == 0);
        CHECK(memcmp(sco_output_file_data(file), "PK\x03\x04", 4) == 0);
        sco_output_file_free(file);
        sco_client_free(client);
    }
    CHECK(sco_client_options_set_body_encoding(client_options, (sco_body_encoding)3, &error) ==
          SCO_ERROR_INVALID_ARGUMENT);
    sco_error_free(error);
    CHECK(sco_client_options_set_body_encoding(client_options, (sco_body_encoding)-1, NULL) ==
          SCO_ERROR_INVALID_ARGUMENT);

    CHECK(sco_client_options_set_body_encoding(client_options, SCO_BODY_BASE64, NULL) == SCO_OK);
    CHECK(sco_client_options_set_max_file_size_bytes(client_options, 2399, NULL) == SCO_OK);
    sco_client *client = new_client(client_options);
    CHECK(sco_get_output_file(client, 28142, NULL, &file, NULL) == SCO_ERROR_TOO_LARGE);
    sco_client_free(client);
    CHECK(sco_client_options_set_max_file_size_bytes(client_options, 2400, NULL) == SCO_OK);
    client = new_client(client_options);
    CHECK(sco_get_output_file(client, 28142, NULL, &file, NULL) == SCO_OK);
    sco_output_file_free(file);
    sco_client_free(client);

    const char *far = "http://sellercloud.example/rest";
    CHECK(sco_client_new(far, token, client_options, &client, NULL) == SCO_ERROR_INVALID_ARGUMENT);
    CHECK(sco_client_options_set_allow_plain_http(client_options, 1, NULL) == SCO_OK);
    CHECK(sco_client_new(far, token, client_options, &client, NULL) == SCO_OK);
    sco_client_free(client);

    CHECK(sco_client_options_set_body_encoding(NULL, SCO_BODY_RAW, NULL) == SCO_ERROR_INVALID_ARGUMENT);
    CHECK(sco_client_options_set_max_file_size_bytes(NULL, 1, NULL) == SCO_ERROR_INVALID_ARGUMENT);
    CHECK(sco_client_options_set_allow_plain_http(NULL, 1, NULL) == SCO_ERROR_INVALID_ARGUMENT);
    sco_client_options_free(client_options);
}

static void parse_job_id_reads_ids_and_links(void)
{
    int64_t job = -1;
    sco_error *error = STALE(sco_error);
    CHECK(sco_parse_job_id("/queued-jobs/queued-job-details.aspx?id=2206923", &job, &error) == SCO_OK);
    CHECK(job == 2206923);
    CHECK(error == NULL);
    CHECK(sco_parse_job_id("2147483647", &job, NULL) == SCO_OK);
    CHECK(job == 2147483647);
    CHECK(sco_parse_job_id("2147483648", &job, &error) == SCO_ERROR_INVALID_ARGUMENT);
    CHECK(job == 0);
    sco_error_free(error);
    CHECK(sco_parse_job_id("", &job, NULL) == SCO_ERROR_INVALID_ARGUMENT);
    CHECK(sco_parse_job_id("\xc3\x28", &job, NULL) == SCO_ERROR_INVALID_ARGUMENT);
    CHECK(sco_parse_job_id(NULL, &job, NULL) == SCO_ERROR_INVALID_ARGUMENT);
    CHECK(sco_parse_job_id("5", NULL, NULL) == SCO_ERROR_INVALID_ARGUMENT);
}

static void client_new_without_server_or_token_fails(void)
{
    sco_client *client = STALE(sco_client);
    sco_error *error = NULL;
    CHECK(sco_client_new(NULL, token, NULL, &client, &error) == SCO_ERROR_INVALID_ARGUMENT);
    CHECK(client == NULL);
    CHECK(strcmp(sco_error_message(error), "a server or a team is required") == 0);
    sco_error_free(error);
    CHECK(sco_client_new("", token, NULL, &client, NULL) == SCO_ERROR_INVALID_ARGUMENT);
    CHECK(sco_client_new(server, "", NULL, &client, NULL) == SCO_ERROR_INVALID_ARGUMENT);
    CHECK(sco_client_new(server, "a\nb", NULL, &client, NULL) == SCO_ERROR_INVALID_ARGUMENT);
}

static void *download_repeatedly(void *client)
{
    for (int i = 0; i < 10; i++) {
        sco_output_file *file = NULL;
        if (sco_get_output_file(client, 28142, NULL, &file, NULL) != SCO_OK || sco_output_file_size(file) != 2400)
            return NULL;
        sco_output_file_free(file);
    }
    return client;
}

static void client_shared_by_threads_succeeds(void)
{
    pthread_t threads[8];
    sco_client *client = new_client(NULL);
    for (int i = 0; i < 8; i++)
        CHECK(pthread_create(&threads[i], NULL, download_repeatedly, client) == 0);
    for (int i = 0; i < 8; i++) {
        void *outcome = NULL;
        CHECK(pthread_join(threads[i], &outcome) == 0);
        CHECK(outcome == client);
    }
    sco_client_free(client);
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: %s SERVER TOKEN DIRECTORY\n", argv[0]);
        return 2;
    }
    server = argv[1];
    token = argv[2];
    directory = argv[3];
    version_and_status_strings_are_known();
    get_output_file_each_body_form_succeeds();
    output_file_after_client_freed_is_saved_once();
    large_files_downloaded_repeatedly_have_their_bytes();
    save_output_file_large_file_is_saved_once();
    save_options_each_value_takes_effect();
    save_empty_directory_fails();
    directory_that_is_not_utf8_is_used_as_it_is();
    user_agent_suffix_is_sent();
    limit_zero_is_rejected();
    write_output_file_passes_bytes_to_callback();
    error_responses_have_distinct_kinds();
    client_options_each_value_takes_effect();
    parse_job_id_reads_ids_and_links();
    client_new_without_server_or_token_fails();
    client_shared_by_threads_succeeds();
    printf("%d checks passed\n", checks);
    return 0;
}
