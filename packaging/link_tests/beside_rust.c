/*
 * A program that links two static libraries in Rust. Panics unwind in each of them without reaching
 * the program or the other library.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "sellercloud_output.h"

int other_library_catches_panic(void);

static int clock_fails;

/* Replaces the function of the C library. Rust's standard library panics if the clock fails. */
int clock_gettime(clockid_t clock, struct timespec *time)
{
    if (clock_fails) {
        errno = EINVAL;
        return -1;
    }
    return (int)syscall(SYS_clock_gettime, clock, time);
}

static void expect(int condition, const char *text)
{
    if (!condition) {
        fprintf(stderr, "FAILED: %s\n", text);
        exit(1);
    }
}

static void check_download(const sco_client *client)
{
    sco_output_file *file = NULL;
    sco_error *error = NULL;
    sco_status status = sco_get_output_file(client, 28142, NULL, &file, &error);
    expect(status == SCO_OK, sco_error_message(error));
    expect(sco_output_file_size(file) > 0, "the file is empty");
    sco_output_file_free(file);
}

static void check_panic(const sco_client *client)
{
    sco_output_file *file = NULL;
    sco_error *error = NULL;
    sco_status status;
    clock_fails = 1;
    status = sco_get_output_file(client, 28142, NULL, &file, &error);
    clock_fails = 0;
    expect(status == SCO_ERROR_INTERNAL, "a panic is not SCO_ERROR_INTERNAL");
    expect(strstr(sco_error_message(error), "Invalid argument") != NULL, sco_error_message(error));
    sco_error_free(error);
}

int main(void)
{
    sco_client *client = NULL;
    sco_error *error = NULL;
    sco_status status = sco_client_new(getenv("MOCK_SERVER"), getenv("MOCK_SERVER_TOKEN"), NULL,
                                       &client, &error);
    int i;
    expect(status == SCO_OK, sco_error_message(error));
    for (i = 0; i < 2; i++) {
        check_download(client);
        expect(other_library_catches_panic() == 1, "the other library does not catch its panic");
        check_panic(client);
    }
    check_download(client);
    sco_client_free(client);
    return 0;
}
