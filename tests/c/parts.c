/*
 * Calls that the caller continues part by part: open downloads, memory of the caller, and
 * waits by steps. Needs the mock servers, whose addresses are in the environment. C99 with
 * POSIX threads.
 */

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
        checks++;                                                                   \
        if (!(condition)) {                                                         \
            fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition); \
            exit(1);                                                                \
        }                                                                           \
    } while (0)

/* Prints the library's message on failure. */
#define CHECK_OK(call)                                                    \
    do {                                                                  \
        checks++;                                                         \
        if ((call) != SCO_OK) {                                           \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #call, \
                    error == NULL ? "" : sco_error_message(error));       \
            exit(1);                                                      \
        }                                                                 \
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

static sco_client *client_for(const char *url_setting, sco_client_options *client_options)
{
    sco_client *client = NULL;
    sco_error *error = NULL;
    CHECK_OK(sco_client_new(setting(url_setting), setting("MOCK_SERVER_TOKEN"), client_options,
                            &client, &error));
    sco_client_options_free(client_options);
    return client;
}

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void sleep_ms(uint64_t milliseconds)
{
    struct timespec time = {(time_t)(milliseconds / 1000), (long)(milliseconds % 1000) * 1000000};
    nanosleep(&time, NULL);
}

/* Reads to the end, and compares with the file in memory. */
static void check_bytes(sco_output_file_download *download, const sco_output_file *file, size_t capacity)
{
    const uint8_t *expected = sco_output_file_data(file);
    size_t done = 0;
    size_t size = 0;
    sco_error *error = NULL;
    uint8_t *buffer = malloc(capacity);
    CHECK(buffer != NULL);
    do {
        CHECK_OK(sco_output_file_download_read(download, buffer, capacity, &size, &error));
        CHECK(size <= capacity && size <= sco_output_file_size(file) - done);
        CHECK(memcmp(buffer, expected + done, size) == 0);
        done += size;
    } while (size > 0);
    CHECK(done == sco_output_file_size(file));
    CHECK_OK(sco_output_file_download_read(download, buffer, capacity, &size, &error));
    CHECK(size == 0);
    free(buffer);
}

static void open_output_file_has_name_and_bytes(void)
{
    static const int64_t jobs[] = {28142, 28143, 28144, 28145, 28147, 28149};
    static const size_t capacities[] = {1, 1000, 100000};
    sco_client *client = client_for("MOCK_SERVER", NULL);
    sco_error *error = NULL;
    for (size_t i = 0; i < sizeof jobs / sizeof jobs[0]; i++) {
        sco_output_file *file = NULL;
        CHECK_OK(sco_get_output_file(client, jobs[i], NULL, &file, &error));
        for (size_t j = 0; j < sizeof capacities / sizeof capacities[0]; j++) {
            sco_output_file_download *download = NULL;
            CHECK_OK(sco_open_output_file(client, jobs[i], NULL, &download, &error));
            CHECK(strcmp(sco_output_file_download_name(download), sco_output_file_name(file)) == 0);
            CHECK(strcmp(sco_output_file_download_content_type(download),
                         sco_output_file_content_type(file)) == 0);
            CHECK(sco_output_file_download_is_fallback_name(download) == (jobs[i] == 28149));
            CHECK(sco_output_file_download_size(download) == -1);
            check_bytes(download, file, capacities[j]);
            sco_output_file_download_free(download);
        }
        sco_output_file_free(file);
    }
    sco_output_file_download *download = NULL;
    CHECK(sco_open_output_file(client, 5, NULL, &download, &error) == SCO_ERROR_SERVER);
    CHECK(download == NULL && strstr(sco_error_message(error), "job 5: ") != NULL);
    sco_error_free(error);
    sco_client_free(client);

    /* The size is known if the body is the file. */
    sco_client_options *raw = sco_client_options_new();
    CHECK(sco_client_options_set_body_encoding(raw, SCO_BODY_RAW, NULL) == SCO_OK);
    client = client_for("MOCK_SERVER", raw);
    sco_output_file *file = NULL;
    CHECK_OK(sco_get_output_file(client, 28146, NULL, &file, &error));
    CHECK_OK(sco_open_output_file(client, 28146, NULL, &download, &error));
    /* The client may go first. */
    sco_client_free(client);
    CHECK((uint64_t)sco_output_file_download_size(download) == sco_output_file_size(file));
    check_bytes(download, file, 70000);
    sco_output_file_download_free(download);
    sco_output_file_free(file);
}

/* A download whose callbacks use it themselves. */
struct nested {
    sco_output_file_download *download;
    int refused;
};

static int32_t read_again(void *context, const sco_progress *progress)
{
    struct nested *nested = context;
    (void)progress;
    uint8_t byte;
    size_t size;
    if (nested->download != NULL && nested->refused == 0) {
        sco_error *error = NULL;
        CHECK(sco_output_file_download_read(nested->download, &byte, 1, &size, &error) ==
              SCO_ERROR_INVALID_ARGUMENT);
        CHECK(strstr(sco_error_message(error), "in use") != NULL);
        sco_error_free(error);
        nested->refused = 1;
        return 1;
    }
    return 0;
}

static void read_within_its_own_callback_is_refused(void)
{
    sco_client *client = client_for("MOCK_SERVER", NULL);
    sco_call_options *options = sco_call_options_new();
    struct nested nested = {NULL, 0};
    sco_error *error = NULL;
    CHECK(sco_call_options_set_on_progress(options, read_again, &nested, NULL) == SCO_OK);
    CHECK_OK(sco_open_output_file(client, 28148, options, &nested.download, &error));
    uint8_t *buffer = malloc(100000);
    size_t size = 0;
    sco_status status;
    do {
        status = sco_output_file_download_read(nested.download, buffer, 100000, &size, NULL);
    } while (status == SCO_OK && size > 0);
    CHECK(nested.refused == 1 && status == SCO_ERROR_CANCELLED);
    /* The error stays. */
    CHECK(sco_output_file_download_read(nested.download, buffer, 1, &size, NULL) == SCO_ERROR_CANCELLED);
    free(buffer);
    sco_output_file_download_free(nested.download);
    sco_call_options_free(options);
    sco_client_free(client);
}

/* Memory that grows with realloc. */
struct memory {
    uint8_t *bytes;
    size_t capacity;
    int calls;
    size_t max;
};

static uint8_t *reserve(void *context, size_t used, size_t capacity)
{
    struct memory *memory = context;
    memory->calls++;
    CHECK(used <= memory->capacity && capacity > memory->capacity);
    if (capacity > memory->max)
        return NULL;
    memory->bytes = realloc(memory->bytes, capacity);
    CHECK(memory->bytes != NULL);
    /* Only the used bytes count. */
    memset(memory->bytes + used, 0xee, capacity - used);
    memory->capacity = capacity;
    return memory->bytes;
}

static void get_output_file_into_memory_of_the_caller_succeeds(void)
{
    static const int64_t jobs[] = {28142, 28144, 28145, 28147, 28148};
    sco_client *client = client_for("MOCK_SERVER", NULL);
    sco_error *error = NULL;
    for (size_t i = 0; i < sizeof jobs / sizeof jobs[0]; i++) {
        struct memory memory = {NULL, 0, 0, SIZE_MAX};
        sco_output_file *file = NULL;
        sco_file_info *info = NULL;
        CHECK_OK(sco_get_output_file(client, jobs[i], NULL, &file, &error));
        CHECK_OK(sco_get_output_file_into(client, jobs[i], reserve, &memory, NULL, &info, &error));
        CHECK(sco_file_info_size(info) == sco_output_file_size(file));
        CHECK(strcmp(sco_file_info_name(info), sco_output_file_name(file)) == 0);
        CHECK(sco_file_info_path(info) == NULL);
        CHECK(memory.capacity >= sco_output_file_size(file));
        CHECK(memory.calls == (sco_output_file_size(file) > 0));
        if (memory.calls > 0)
            CHECK(memcmp(memory.bytes, sco_output_file_data(file), sco_output_file_size(file)) == 0);
        sco_file_info_free(info);
        sco_output_file_free(file);
        free(memory.bytes);
    }
    struct memory none = {NULL, 0, 0, 0};
    sco_file_info *info = NULL;
    CHECK(sco_get_output_file_into(client, 28142, reserve, &none, NULL, &info, &error) == SCO_ERROR_IO);
    CHECK(info == NULL && none.calls == 1);
    CHECK(strstr(sco_error_message(error), "the reserve callback returned NULL") != NULL);
    sco_error_free(error);

    struct memory memory = {NULL, 0, 0, SIZE_MAX};
    sco_job *job = NULL;
    CHECK_OK(sco_wait_for_output_file_into(client, 50003, reserve, &memory, NULL, &job, &info, &error));
    CHECK(sco_job_status(job) == SCO_JOB_STATUS_PARTIAL_SUCCESS && sco_file_info_size(info) == 2400);
    sco_job_free(job);
    sco_file_info_free(info);
    free(memory.bytes);

    sco_output_file_download *download = NULL;
    sco_output_file *file = NULL;
    CHECK_OK(sco_wait_and_open_output_file(client, 50003, NULL, &job, &download, &error));
    CHECK_OK(sco_get_output_file(client, 50003, NULL, &file, &error));
    check_bytes(download, file, 5000);
    sco_output_file_free(file);
    sco_output_file_download_free(download);
    sco_job_free(job);
    sco_client_free(client);
}

/* Steps a wait to its end. Returns the status of the last step. */
static sco_status step_to_end(sco_job_wait *wait, sco_job **job, sco_error **error)
{
    for (;;) {
        uint64_t again_after_ms = 0;
        double start = seconds_now();
        sco_status status = sco_job_wait_step(wait, &again_after_ms, job, error);
        CHECK(seconds_now() - start < 5);
        if (status != SCO_OK || *job != NULL) {
            CHECK(again_after_ms == 0);
            return status;
        }
        sleep_ms(again_after_ms);
    }
}

static sco_call_options *short_intervals(void)
{
    sco_call_options *options = sco_call_options_new();
    CHECK(sco_call_options_set_wait_initial_interval_ms(options, 100, NULL) == SCO_OK);
    CHECK(sco_call_options_set_wait_max_interval_ms(options, 100, NULL) == SCO_OK);
    return options;
}

static void job_wait_steps_lead_where_the_blocking_wait_leads(void)
{
    sco_client *client = client_for("MOCK_SERVER", NULL);
    sco_call_options *options = short_intervals();
    sco_error *error = NULL;
    sco_job *job = NULL;
    sco_job_wait *wait = NULL;
    CHECK_OK(sco_start_job_wait(client, 50001, options, &wait, &error));
    CHECK_OK(step_to_end(wait, &job, &error));
    CHECK(sco_job_status(job) == SCO_JOB_STATUS_COMPLETED);
    sco_job_free(job);
    uint64_t again_after_ms = 7;
    CHECK(sco_job_wait_step(wait, &again_after_ms, &job, NULL) == SCO_ERROR_INVALID_ARGUMENT);
    CHECK(again_after_ms == 0 && job == NULL);
    sco_job_wait_free(wait);

    CHECK_OK(sco_start_job_wait(client, 50002, options, &wait, &error));
    CHECK(step_to_end(wait, &job, &error) == SCO_ERROR_JOB_FAILED);
    CHECK(strcmp(sco_error_job_log_line(error, 0), "Row 7 of job 50002: no SKU") == 0);
    sco_error_free(error);
    sco_job_wait_free(wait);

    /* A step that comes too early sends nothing. The options may go first. */
    CHECK(sco_call_options_set_timeout_ms(options, 60000, NULL) == SCO_OK);
    CHECK(sco_call_options_set_wait_initial_interval_ms(options, 30000, NULL) == SCO_OK);
    CHECK(sco_call_options_set_wait_max_interval_ms(options, 30000, NULL) == SCO_OK);
    CHECK_OK(sco_start_job_wait(client, 50004, options, &wait, &error));
    sco_call_options_free(options);
    sco_client_free(client);
    double start = seconds_now();
    for (int i = 0; i < 1000; i++) {
        CHECK_OK(sco_job_wait_step(wait, &again_after_ms, &job, &error));
        CHECK(job == NULL && again_after_ms > 20000 && again_after_ms <= 30000);
    }
    CHECK(seconds_now() - start < 5);
    sco_job_wait_free(wait);
}

struct stepped {
    sco_job_wait *wait;
    sco_status status;
    sco_job *job;
};

static void *step_on_thread(void *context)
{
    struct stepped *stepped = context;
    sco_error *error = NULL;
    stepped->status = step_to_end(stepped->wait, &stepped->job, &error);
    sco_error_free(error);
    return NULL;
}

static void job_wait_many_waits_and_threads_need_no_more(void)
{
    enum { WAITS = 200 };
    sco_client *client = client_for("MOCK_SERVER", NULL);
    sco_call_options *options = short_intervals();
    sco_error *error = NULL;
    /* One thread steps many waits. */
    sco_job_wait *waits[WAITS];
    for (int i = 0; i < WAITS; i++)
        CHECK_OK(sco_start_job_wait(client, 50003, options, &waits[i], &error));
    int ended = 0;
    while (ended < WAITS) {
        uint64_t next = 1000;
        for (int i = 0; i < WAITS; i++) {
            uint64_t again_after_ms;
            sco_job *job = NULL;
            if (waits[i] == NULL)
                continue;
            CHECK_OK(sco_job_wait_step(waits[i], &again_after_ms, &job, &error));
            if (job != NULL) {
                sco_job_free(job);
                sco_job_wait_free(waits[i]);
                waits[i] = NULL;
                ended++;
            } else if (again_after_ms < next) {
                next = again_after_ms;
            }
        }
        if (ended < WAITS)
            sleep_ms(next);
    }
    /* A wait goes on on another thread. */
    struct stepped stepped = {NULL, SCO_OK, NULL};
    uint64_t again_after_ms;
    CHECK(sco_call_options_set_timeout_ms(options, 500, NULL) == SCO_OK);
    CHECK_OK(sco_start_job_wait(client, 50004, options, &stepped.wait, &error));
    CHECK_OK(sco_job_wait_step(stepped.wait, &again_after_ms, &stepped.job, &error));
    CHECK(stepped.job == NULL);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, step_on_thread, &stepped) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(stepped.status == SCO_ERROR_TIMEOUT && stepped.job == NULL);
    sco_job_wait_free(stepped.wait);
    sco_call_options_free(options);
    sco_client_free(client);
}

static void total_timeout_includes_the_time_between_reads(void)
{
    sco_client *client = client_for("MOCK_SERVER", NULL);
    sco_call_options *options = sco_call_options_new();
    sco_output_file_download *download = NULL;
    sco_error *error = NULL;
    uint8_t *buffer = malloc(1 << 20);
    size_t size = 0;
    /* The file is encoded first, which takes a while. */
    CHECK_OK(sco_open_output_file(client, 28148, NULL, &download, &error));
    sco_output_file_download_free(download);
    CHECK(sco_call_options_set_timeout_ms(options, 20000, NULL) == SCO_OK);
    CHECK(sco_call_options_set_total_timeout_ms(options, 10000, NULL) == SCO_OK);
    CHECK_OK(sco_open_output_file(client, 28148, options, &download, &error));
    CHECK_OK(sco_output_file_download_read(download, buffer, 1 << 20, &size, &error));
    CHECK(size > 0);
    sco_output_file_download_free(download);
    CHECK(sco_call_options_set_total_timeout_ms(options, 0, &error) == SCO_ERROR_INVALID_ARGUMENT);
    CHECK(strstr(sco_error_message(error), "total timeout") != NULL);
    sco_error_free(error);
    free(buffer);
    sco_call_options_free(options);
    sco_client_free(client);
}

int main(void)
{
    signal(SIGPIPE, SIG_DFL);
    open_output_file_has_name_and_bytes();
    read_within_its_own_callback_is_refused();
    get_output_file_into_memory_of_the_caller_succeeds();
    job_wait_steps_lead_where_the_blocking_wait_leads();
    job_wait_many_waits_and_threads_need_no_more();
    total_timeout_includes_the_time_between_reads();
    printf("%d checks passed\n", checks);
    return 0;
}
