/*
 * Compresses the output file of a job with zlib while it is downloaded.
 *
 *     stream_to_gzip FILE JOB
 *
 * The uncompressed file is never stored, in memory or on the disk. FILE appears complete or not at
 * all, and an existing one is replaced: the data goes to a temporary file in the same directory,
 * which is renamed after the download has succeeded. Ctrl-C removes it, and the exit code is then
 * 130.
 *
 * The library does not retry a download once it has passed on the first bytes, because it cannot
 * take them back. sco_save_output_file does retry.
 */

#define _POSIX_C_SOURCE 200809L /* sigaction, mkstemp, fchmod, fsync */

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "sellercloud_output.h"

static volatile sig_atomic_t received_signal = 0;

static void on_signal(int number)
{
    received_signal = number;
}

static void handle_signal(int number)
{
    struct sigaction action, before;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART; /* the file can still be written and removed */
    sigemptyset(&action.sa_mask);
    /* nohup, for example, starts programs with signals that they must continue to ignore. */
    if (sigaction(number, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
        sigaction(number, &action, NULL);
}

static int32_t is_interrupted(void *context)
{
    (void)context;
    return received_signal != 0;
}

/* A file that is written under a temporary name. */
struct gzip_file {
    char *temporary_path;
    int descriptor;
    gzFile stream;
    int error; /* why the file cannot be stored: a value of errno, or 0 */
};

/* Creates the temporary file. Returns 0, or -1 with errno set and nothing left behind. */
static int gzip_file_create(struct gzip_file *file, const char *path)
{
    static const char suffix[] = ".XXXXXX";
    const size_t length = strlen(path);
    memset(file, 0, sizeof *file);
    file->temporary_path = malloc(length + sizeof suffix);
    if (file->temporary_path == NULL)
        return -1;
    memcpy(file->temporary_path, path, length);
    memcpy(file->temporary_path + length, suffix, sizeof suffix);
    file->descriptor = mkstemp(file->temporary_path);
    if (file->descriptor == -1) {
        free(file->temporary_path);
        return -1;
    }
    /* gzclose closes its descriptor, and this program still has to sync the file. */
    const int copy = dup(file->descriptor);
    file->stream = copy == -1 ? NULL : gzdopen(copy, "wb");
    if (file->stream == NULL) {
        const int error = errno;
        if (copy != -1)
            close(copy);
        close(file->descriptor);
        unlink(file->temporary_path);
        free(file->temporary_path);
        errno = error;
        return -1;
    }
    return 0;
}

/* The callback that receives the file, chunk by chunk. */
static int32_t gzip_file_write(void *context, const uint8_t *data, size_t size)
{
    const unsigned max_size = 1u << 20; /* a size_t may be larger than what gzwrite accepts */
    struct gzip_file *file = context;
    while (size > 0) {
        const unsigned count = size < max_size ? (unsigned)size : max_size;
        errno = 0;
        if (gzwrite(file->stream, data, count) == 0) {
            file->error = errno != 0 ? errno : EIO;
            return 1; /* the call fails with SCO_ERROR_IO */
        }
        data += count;
        size -= count;
    }
    return 0;
}

/* Renames the file if it is complete and can be stored, and otherwise removes it. */
static void gzip_file_close(struct gzip_file *file, const char *path, int is_complete)
{
    /* Files of mkstemp are private to the user. This one gets the usual permissions. */
    const mode_t mask = umask(0);
    umask(mask);
    errno = 0;
    /* A full disk may show only when the last bytes are written and synced. */
    const int is_stored = gzclose(file->stream) == Z_OK
        && fchmod(file->descriptor, 0666 & ~mask) == 0 && fsync(file->descriptor) == 0
        && is_complete && rename(file->temporary_path, path) == 0;
    if (is_complete && !is_stored)
        file->error = errno != 0 ? errno : EIO;
    if (!is_stored)
        unlink(file->temporary_path);
    close(file->descriptor);
    free(file->temporary_path);
}

static int report_failure(const char *path, int error)
{
    fprintf(stderr, "stream_to_gzip: %s: %s\n", path, strerror(error));
    return EXIT_FAILURE;
}

/* Downloads and compresses the file, and returns the exit code. */
static int stream(const sco_client *client, int64_t job_id, const char *path)
{
    int exit_code = EXIT_SUCCESS;
    struct gzip_file file;
    sco_file_info *info = NULL;
    sco_error *error = NULL;
    if (gzip_file_create(&file, path) != 0)
        return report_failure(path, errno);
    sco_call_options *options = sco_call_options_new();
    sco_status status = sco_call_options_set_interrupt(options, is_interrupted, NULL, &error);
    if (status == SCO_OK)
        status = sco_write_output_file(client, job_id, gzip_file_write, &file, options, &info,
                                       &error);
    gzip_file_close(&file, path, status == SCO_OK);
    if (file.error != 0) {
        exit_code = report_failure(path, file.error);
    } else if (status != SCO_OK) {
        fprintf(stderr, "stream_to_gzip: %s\n", sco_error_message(error));
        exit_code = status == SCO_ERROR_CANCELLED ? 128 + received_signal : EXIT_FAILURE;
    } else {
        printf("%s: %" PRIu64 " bytes\n", sco_file_info_name(info), sco_file_info_size(info));
        if (fflush(stdout) != 0 || ferror(stdout)) {
            perror("stream_to_gzip: standard output");
            exit_code = EXIT_FAILURE;
        }
    }
    sco_error_free(error);
    sco_file_info_free(info);
    sco_call_options_free(options);
    return exit_code;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "Usage: stream_to_gzip FILE JOB\n");
        return 2;
    }
    handle_signal(SIGINT);
    handle_signal(SIGTERM);
    handle_signal(SIGHUP);

    int exit_code = EXIT_FAILURE;
    int64_t job_id = 0;
    sco_client *client = NULL;
    sco_error *error = NULL;
    if (sco_parse_job_id(argv[2], &job_id, &error) != SCO_OK
        || sco_client_new(getenv("SELLERCLOUD_SERVER"), getenv("SELLERCLOUD_TOKEN"), NULL, &client,
                          &error) != SCO_OK)
        fprintf(stderr, "stream_to_gzip: %s\n", sco_error_message(error));
    else
        exit_code = stream(client, job_id, argv[1]);
    sco_error_free(error);
    sco_client_free(client);
    return exit_code;
}
