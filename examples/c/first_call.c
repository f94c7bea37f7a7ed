/*
 * Saves the output file of a job in the current directory.
 *
 *     first_call JOB
 *
 * JOB is the id of the job, or the QueuedJobLink that the server returned for it.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "sellercloud_output.h"

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "Usage: first_call JOB\n");
        return 2;
    }
    int exit_code = EXIT_SUCCESS;
    int64_t job_id = 0;
    sco_client *client = NULL;
    sco_file_info *saved = NULL;
    sco_error *error = NULL;
    /* If a variable is not set, getenv returns NULL, and the library says what is missing. */
    if (sco_parse_job_id(argv[1], &job_id, &error) != SCO_OK
        || sco_client_new(getenv("SELLERCLOUD_SERVER"), getenv("SELLERCLOUD_TOKEN"), NULL, &client,
                          &error) != SCO_OK
        || sco_save_output_file(client, job_id, ".", NULL, &saved, &error) != SCO_OK) {
        fprintf(stderr, "first_call: %s\n", sco_error_message(error));
        exit_code = EXIT_FAILURE;
    } else {
        printf("%s: %" PRIu64 " bytes\n", sco_file_info_path(saved), sco_file_info_size(saved));
        if (fflush(stdout) != 0 || ferror(stdout)) {
            perror("first_call: standard output");
            exit_code = EXIT_FAILURE;
        }
    }
    sco_error_free(error);
    sco_file_info_free(saved);
    sco_client_free(client);
    return exit_code;
}
