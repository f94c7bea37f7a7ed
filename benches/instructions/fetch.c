/*
 * Downloads a job's output file into memory several times, with one client.
 *
 *     fetch URL JOB CALLS
 *
 * Prints the size of all files together.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "sellercloud_output.h"

/* The header of version 7ab9528, an alternative to compare with, has no version macros. */
#ifndef SCO_VERSION_MAJOR
#define sco_output_file_size sco_output_file_len
#endif

int main(int argc, char **argv)
{
    sco_client *client = NULL;
    sco_error *error = NULL;
    uint64_t total = 0;
    if (argc != 4) {
        fprintf(stderr, "usage: fetch URL JOB CALLS\n");
        return 2;
    }
    int64_t job = strtol(argv[2], NULL, 10);
    int calls = atoi(argv[3]);
    sco_status status = sco_client_new(argv[1], "token", NULL, &client, &error);
    for (int i = 0; status == SCO_OK && i < calls; i++) {
        sco_output_file *file = NULL;
        status = sco_get_output_file(client, job, NULL, &file, &error);
        total += sco_output_file_size(file);
        sco_output_file_free(file);
    }
    if (status != SCO_OK)
        fprintf(stderr, "%s\n", sco_error_message(error));
    sco_error_free(error);
    sco_client_free(client);
    printf("%" PRIu64 "\n", total);
    return status != SCO_OK;
}
