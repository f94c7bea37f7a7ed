/*
 * The C interface as a C program sees it, against the stand-in server.
 *
 *     test SERVER TOKEN FOLDER
 *
 * FOLDER is empty and may be written to. C99 with POSIX threads.
 */

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sellercloud_output.h"
/* Twice, as happens. */
#include "sellercloud_output.h"

static const char *server;
static const char *token;
static const char *folder;
static int checks = 0;

#define CHECK(condition)                                                            \
    do {                                                                            \
        checks++;                                                                   \
        if (!(condition)) {                                                         \
            fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition); \
            exit(1);                                                                \
        }                                                                           \
    } while (0)

/* Something that a function must overwrite. */
#define STALE(type) ((type *)(void *)&checks)

static sco_client *new_client(const sco_client_options *config)
{
    sco_client *client = NULL;
    sco_error *error = STALE(sco_error);
    CHECK(sco_client_new(server, token, config, &client, &error) == SCO_OK);
    CHECK(client != NULL);
    CHECK(error == NULL);
    return client;
}

static void version_and_status_strings(void)
{
    CHECK(strcmp(sco_version(), EXPECTED_VERSION) == 0);
    CHECK(strcmp(sco_status_string(SCO_OK), "ok") == 0);
    CHECK(strcmp(sco_status_string(SCO_ERROR_RATE_LIMITED), "rate limited") == 0);
    CHECK(strcmp(sco_status_string(SCO_ERROR_INTERNAL), "internal error") == 0);
    CHECK(strcmp(sco_status_string((sco_status)-1), "unknown status") == 0);
    CHECK(strcmp(sco_status_string((sco_status)12345), "unknown status") == 0);
}

static void every_job_gives_its_file(void)
{
    static const struct {
        int64_t job;
        const char *name;
        size_t length;
        const char *start;
        int32_t is_made_up;
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
        CHECK(sco_output_file_is_fallback_name(file) == expected[i].is_made_up);
        CHECK(sco_output_file_size(file) == expected[i].length);
        CHECK(sco_output_file_data(file) != NULL);
        CHECK(memcmp(sco_output_file_data(file), expected[i].start, strlen(expected[i].start)) == 0);
        CHECK(strcmp(sco_output_file_content_type(file), expected[i].content_type) == 0);
        sco_output_file_free(file);
    }
    sco_client_free(client);
}

static void a_file_outlives_its_client_and_is_saved_once(void)
{
    sco_client *client = new_client(NULL);
    sco_output_file *file = NULL;
    CHECK(sco_get_output_file(client, 28143, NULL, &file, NULL) == SCO_OK);
    sco_client_free(client);

    sco_error *error = STALE(sco_error);
    CHECK(sco_output_file_save(file, folder, NULL, NULL, &error) == SCO_OK);
    CHECK(error == NULL);

    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, sco_output_file_name(file));
    FILE *saved = fopen(path, "rb");
    CHECK(saved != NULL);
    char content[8192];
    size_t length = fread(content, 1, sizeof content, saved);
    fclose(saved);
    CHECK(length == sco_output_file_size(file));
    CHECK(memcmp(content, sco_output_file_data(file), length) == 0);

    CHECK(sco_output_file_save(file, folder, NULL, NULL, &error) == SCO_ERROR_IO);
    CHECK(sco_error_kind(error) == SCO_ERROR_IO);
    CHECK(strstr(sco_error_message(error), path) != NULL);
    CHECK(sco_error_os_error(error) == EEXIST);
    CHECK(strcmp(sco_error_path(error), path) == 0);
    sco_error_free(error);
    CHECK(sco_output_file_save(file, "/no/such/folder", NULL, NULL, &error) == SCO_ERROR_IO);
    CHECK(sco_error_os_error(error) == ENOENT);
    sco_error_free(error);
    CHECK(sco_output_file_save(file, NULL, NULL, NULL, NULL) == SCO_ERROR_INVALID_ARGUMENT);
    CHECK(sco_output_file_save(file, "\xff", NULL, NULL, NULL) == SCO_ERROR_INVALID_ARGUMENT);
    CHECK(sco_output_file_save(NULL, folder, NULL, NULL, NULL) == SCO_ERROR_INVALID_ARGUMENT);
    sco_output_file_free(file);
    CHECK(remove(path) == 0);
}

static void memory_of_large_files_is_used_again(void)
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
        /* The first file is the same in each round, whatever memory it is in. */
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

static void path_in_folder(char *path, size_t room, const char *name)
{
    snprintf(path, room, "%s/%s", folder, name);
}

static void a_file_is_saved_as_it_arrives(void)
{
    sco_client *client = new_client(NULL);
    char path[4096];
    path_in_folder(path, sizeof path, "large.bin");
    sco_file_info *info = STALE(sco_file_info);
    sco_error *error = STALE(sco_error);
    CHECK(sco_save_output_file(client, 28148, folder, NULL, &info, &error) == SCO_OK);
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

    CHECK(sco_save_output_file(client, 28148, folder, NULL, &info, &error) == SCO_ERROR_IO);
    CHECK(info == NULL);
    CHECK(strstr(sco_error_message(error), path) != NULL);
    sco_error_free(error);
    CHECK(remove(path) == 0);
    CHECK(sco_save_output_file(client, 28143, "/no/such/folder", NULL, NULL, NULL) == SCO_ERROR_IO);
    CHECK(sco_save_output_file(client, 28143, NULL, NULL, NULL, NULL) == SCO_ERROR_INVALID_ARGUMENT);
    CHECK(sco_save_output_file(client, 28143, "\xff", NULL, NULL, NULL) == SCO_ERROR_INVALID_ARGUMENT);
    CHECK(sco_save_output_file(NULL, 28143, folder, NULL, NULL, NULL) == SCO_ERROR_INVALID_ARGUMENT);
    CHECK(sco_save_output_file(client, 0, folder, NULL, NULL, NULL) == SCO_ERROR_INVALID_ARGUMENT);
    sco_client_free(client);
}

static void a_name_may_be_taken_or_given(void)
{
    sco_client *client = new_client(NULL);
    sco_call_options *options = sco_call_options_new();
    char path[4096];
    sco_file_info *info = NULL;
    CHECK(sco_save_output_file(client, 28143, folder, options, NULL, NULL) == SCO_OK);
    CHECK(sco_save_output_file(client, 28143, folder, options, NULL, NULL) == SCO_ERROR_IO);

    CHECK(sco_call_options_set_if_exists(options, SCO_IF_EXISTS_REPLACE, NULL) == SCO_OK);
    CHECK(sco_call_options_set_flush_to_disk(options, 0, NULL) == SCO_OK);
    CHECK(sco_save_output_file(client, 28143, folder, options, &info, NULL) == SCO_OK);
    path_in_folder(path, sizeof path, "inventory.txt");
    CHECK(strcmp(sco_file_info_path(info), path) == 0);
    sco_file_info_free(info);

    CHECK(sco_call_options_set_if_exists(options, SCO_IF_EXISTS_KEEP_BOTH, NULL) == SCO_OK);
    CHECK(sco_call_options_set_flush_to_disk(options, 1, NULL) == SCO_OK);
    CHECK(sco_save_output_file(client, 28143, folder, options, &info, NULL) == SCO_OK);
    CHECK(remove(path) == 0);
    path_in_folder(path, sizeof path, "inventory (1).txt");
    CHECK(strcmp(sco_file_info_path(info), path) == 0);
    CHECK(strcmp(sco_file_info_name(info), "inventory.txt") == 0);
    CHECK(remove(path) == 0);
    sco_file_info_free(info);

    sco_output_file *file = NULL;
    CHECK(sco_call_options_set_file_name(options, "mine.txt", NULL) == SCO_OK);
    CHECK(sco_call_options_set_if_exists(options, SCO_IF_EXISTS_FAIL, NULL) == SCO_OK);
    CHECK(sco_get_output_file(client, 28143, NULL, &file, NULL) == SCO_OK);
    CHECK(sco_output_file_save(file, folder, options, &info, NULL) == SCO_OK);
    path_in_folder(path, sizeof path, "mine.txt");
    CHECK(strcmp(sco_file_info_path(info), path) == 0);
    CHECK(sco_file_info_size(info) == 4239);
    CHECK(remove(path) == 0);
    sco_file_info_free(info);
    sco_output_file_free(file);

    CHECK(sco_call_options_set_file_name(options, "a/b", NULL) == SCO_OK);
    CHECK(sco_save_output_file(client, 28143, folder, options, &info, NULL) ==
          SCO_ERROR_INVALID_ARGUMENT);
    CHECK(sco_call_options_set_file_name(options, "\xff", NULL) == SCO_ERROR_INVALID_ARGUMENT);
    CHECK(sco_call_options_set_file_name(NULL, "a", NULL) == SCO_ERROR_INVALID_ARGUMENT);
    /* NULL is the server's name again. */
    CHECK(sco_call_options_set_file_name(options, NULL, NULL) == SCO_OK);
    CHECK(sco_save_output_file(client, 28143, folder, options, &info, NULL) == SCO_OK);
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

static void save_to_empty_folder_fails(void)
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

static void limit_of_zero_is_rejected(void)
{
    sco_client_options *config = sco_client_options_new();
    sco_call_options *options = sco_call_options_new();
    sco_error *errors[8] = {NULL};
    const sco_status statuses[8] = {
        sco_client_options_set_connect_timeout_ms(config, 0, &errors[0]),
        sco_client_options_set_stall_timeout_ms(config, 0, &errors[1]),
        sco_client_options_set_call_timeout_ms(config, 0, &errors[2]),
        sco_client_options_set_max_file_size_bytes(config, 0, &errors[3]),
        sco_client_options_set_max_attempts(config, 0, &errors[4]),
        sco_call_options_set_timeout_ms(options, 0, &errors[5]),
        sco_call_options_set_wait_initial_interval_ms(options, 0, &errors[6]),
        sco_call_options_set_wait_max_interval_ms(options, 0, &errors[7]),
    };
    for (size_t i = 0; i < 8; i++) {
        CHECK(statuses[i] == SCO_ERROR_INVALID_ARGUMENT);
        CHECK(strstr(sco_error_message(errors[i]), "must be greater than zero") != NULL);
        sco_error_free(errors[i]);
    }
    /* These are no limits. */
    CHECK(sco_client_options_set_initial_backoff_ms(config, 0, NULL) == SCO_OK);
    CHECK(sco_client_options_set_max_backoff_ms(config, 0, NULL) == SCO_OK);
    CHECK(sco_call_options_set_wait_grace_ms(options, 0, NULL) == SCO_OK);
    sco_call_options_free(options);
    sco_client_options_free(config);
}

struct received {
    size_t length;
    unsigned char bytes[8192];
    int32_t returns;
};

static int32_t receive(void *context, const uint8_t *data, size_t length)
{
    struct received *received = context;
    CHECK(length > 0);
    CHECK(received->length + length <= sizeof received->bytes);
    memcpy(received->bytes + received->length, data, length);
    received->length += length;
    return received->returns;
}

static void a_file_is_handed_to_a_callback(void)
{
    static struct received received;
    sco_client *client = new_client(NULL);
    sco_output_file *file = NULL;
    sco_file_info *info = STALE(sco_file_info);
    CHECK(sco_get_output_file(client, 28143, NULL, &file, NULL) == SCO_OK);
    CHECK(sco_write_output_file(client, 28143, receive, &received, NULL, &info, NULL) == SCO_OK);
    CHECK(received.length == sco_output_file_size(file));
    CHECK(memcmp(received.bytes, sco_output_file_data(file), received.length) == 0);
    CHECK(sco_file_info_size(info) == received.length);
    CHECK(strcmp(sco_file_info_name(info), "inventory.txt") == 0);
    CHECK(sco_file_info_path(info) == NULL);
    sco_file_info_free(info);
    sco_output_file_free(file);

    received.length = 0;
    CHECK(sco_write_output_file(client, 28147, receive, &received, NULL, NULL, NULL) == SCO_OK);
    CHECK(received.length == 0);
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

static void refusals_are_told_apart(void)
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
                 "job 5: server answered 500 Internal Server Error: "
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

static void options_take_effect(void)
{
    sco_client_options *config = sco_client_options_new();
    sco_output_file *file = NULL;
    sco_error *error = NULL;
    CHECK(config != NULL);

    sco_client *base64 = new_client(config);
    CHECK(sco_get_output_file(base64, 28146, NULL, &file, &error) == SCO_ERROR_MALFORMED_BODY);
    CHECK(strstr(sco_error_message(error), "not valid base64") != NULL);
    sco_error_free(error);
    sco_client_free(base64);

    static const sco_body_encoding encodings[] = {SCO_BODY_RAW, SCO_BODY_AUTO};
    for (size_t i = 0; i < 2; i++) {
        CHECK(sco_client_options_set_body_encoding(config, encodings[i], &error) == SCO_OK);
        CHECK(error == NULL);
        sco_client *client = new_client(config);
        CHECK(sco_get_output_file(client, 28146, NULL, &file, NULL) == SCO_OK);
        CHECK(strcmp(sco_output_file_name(file), "labels.zip") == 0);
        CHECK(memcmp(sco_output_file_data(file), "PK\x03\x04", 4) == 0);
        sco_output_file_free(file);
        sco_client_free(client);
    }
    CHECK(sco_client_options_set_body_encoding(config, (sco_body_encoding)3, &error) ==
          SCO_ERROR_INVALID_ARGUMENT);
    sco_error_free(error);
    CHECK(sco_client_options_set_body_encoding(config, (sco_body_encoding)-1, NULL) ==
          SCO_ERROR_INVALID_ARGUMENT);

    CHECK(sco_client_options_set_body_encoding(config, SCO_BODY_BASE64, NULL) == SCO_OK);
    CHECK(sco_client_options_set_max_file_size_bytes(config, 2399, NULL) == SCO_OK);
    sco_client *client = new_client(config);
    CHECK(sco_get_output_file(client, 28142, NULL, &file, NULL) == SCO_ERROR_TOO_LARGE);
    sco_client_free(client);
    CHECK(sco_client_options_set_max_file_size_bytes(config, 2400, NULL) == SCO_OK);
    client = new_client(config);
    CHECK(sco_get_output_file(client, 28142, NULL, &file, NULL) == SCO_OK);
    sco_output_file_free(file);
    sco_client_free(client);

    const char *far = "http://sellercloud.example/rest";
    CHECK(sco_client_new(far, token, config, &client, NULL) == SCO_ERROR_INVALID_ARGUMENT);
    CHECK(sco_client_options_set_allow_plain_http(config, 1, NULL) == SCO_OK);
    CHECK(sco_client_new(far, token, config, &client, NULL) == SCO_OK);
    sco_client_free(client);

    CHECK(sco_client_options_set_body_encoding(NULL, SCO_BODY_RAW, NULL) == SCO_ERROR_INVALID_ARGUMENT);
    CHECK(sco_client_options_set_max_file_size_bytes(NULL, 1, NULL) == SCO_ERROR_INVALID_ARGUMENT);
    CHECK(sco_client_options_set_allow_plain_http(NULL, 1, NULL) == SCO_ERROR_INVALID_ARGUMENT);
    sco_client_options_free(config);
}

static void job_ids_are_read_from_text(void)
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

static void a_client_needs_a_server_and_a_token(void)
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

static void *fetch_many(void *client)
{
    for (int i = 0; i < 10; i++) {
        sco_output_file *file = NULL;
        if (sco_get_output_file(client, 28142, NULL, &file, NULL) != SCO_OK || sco_output_file_size(file) != 2400)
            return NULL;
        sco_output_file_free(file);
    }
    return client;
}

static void threads_share_a_client(void)
{
    pthread_t threads[8];
    sco_client *client = new_client(NULL);
    for (int i = 0; i < 8; i++)
        CHECK(pthread_create(&threads[i], NULL, fetch_many, client) == 0);
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
        fprintf(stderr, "usage: %s SERVER TOKEN FOLDER\n", argv[0]);
        return 2;
    }
    server = argv[1];
    token = argv[2];
    folder = argv[3];
    version_and_status_strings();
    every_job_gives_its_file();
    a_file_outlives_its_client_and_is_saved_once();
    memory_of_large_files_is_used_again();
    a_file_is_saved_as_it_arrives();
    a_name_may_be_taken_or_given();
    save_to_empty_folder_fails();
    limit_of_zero_is_rejected();
    a_file_is_handed_to_a_callback();
    refusals_are_told_apart();
    options_take_effect();
    job_ids_are_read_from_text();
    a_client_needs_a_server_and_a_token();
    threads_share_a_client();
    printf("%d checks passed\n", checks);
    return 0;
}
