/*
 * Ten thousand calls, successful and failed, use no more memory and files than two thousand.
 *
 *     many_calls DIRECTORY
 */

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sellercloud_output.h"

#define CHECK(condition)                                                            \
    do {                                                                            \
        if (!(condition)) {                                                         \
            fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition); \
            exit(1);                                                                \
        }                                                                           \
    } while (0)

static long resident_kib(void)
{
    char line[256];
    long kib = -1;
    FILE *status = fopen("/proc/self/status", "r");
    CHECK(status != NULL);
    while (kib < 0 && fgets(line, sizeof line, status) != NULL)
        if (strncmp(line, "VmRSS:", 6) == 0)
            kib = atol(line + 6);
    fclose(status);
    CHECK(kib > 0);
    return kib;
}

static int open_files(void)
{
    int count = 0;
    DIR *directory = opendir("/proc/self/fd");
    CHECK(directory != NULL);
    while (readdir(directory) != NULL)
        count++;
    closedir(directory);
    return count;
}

static int32_t ignore(void *context, const uint8_t *data, size_t size)
{
    (void)context;
    return data == NULL || size == 0;
}

/* Makes five calls. */
static void calls(const sco_client *client, const char *directory)
{
    sco_output_file *file = NULL;
    sco_file_info *info = NULL;
    sco_error *error = NULL;
    sco_job *job = NULL;
    sco_call_options *options = sco_call_options_new();
    CHECK(sco_call_options_set_if_exists(options, SCO_IF_EXISTS_REPLACE, NULL) == SCO_OK);
    CHECK(sco_call_options_set_flush_to_disk(options, 0, NULL) == SCO_OK);
    CHECK(sco_get_output_file(client, 28142, options, &file, &error) == SCO_OK);
    CHECK(sco_output_file_size(file) == 2400);
    sco_output_file_free(file);
    CHECK(sco_save_output_file(client, 28143, directory, options, &info, &error) == SCO_OK);
    sco_file_info_free(info);
    CHECK(sco_write_output_file(client, 28142, ignore, NULL, options, &info, &error) == SCO_OK);
    sco_file_info_free(info);
    CHECK(sco_get_output_file(client, 5, options, &file, &error) == SCO_ERROR_SERVER);
    sco_error_free(error);
    CHECK(sco_get_job(client, 50003, options, &job, &error) == SCO_OK);
    sco_job_free(job);
    sco_call_options_free(options);
}

int main(int argc, char **argv)
{
    sco_client *client = NULL;
    CHECK(argc == 2);
    CHECK(sco_client_new(getenv("MOCK_SERVER"), getenv("MOCK_SERVER_TOKEN"), NULL, &client, NULL) == SCO_OK);
    for (int i = 0; i < 400; i++)
        calls(client, argv[1]);
    const long memory = resident_kib();
    const int files = open_files();
    for (int i = 0; i < 1600; i++)
        calls(client, argv[1]);
    const long memory_now = resident_kib();
    printf("after 2,000 calls %ld KiB, %d files; after 10,000 %ld KiB, %d files\n", memory, files,
           memory_now, open_files());
    CHECK(open_files() == files);
    /* A leak of 50 bytes per call would exceed this. */
    CHECK(memory_now - memory < 400);
    sco_client_free(client);
    return 0;
}
