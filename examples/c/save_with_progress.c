/*
 * Saves the output file of a job in a directory, shows the progress, and stops at Ctrl-C.
 *
 *     save_with_progress DIRECTORY JOB
 *
 * A signal cancels the download within 250 ms. The library then removes its temporary file, so
 * that nothing is left in the directory. The exit code is 128 plus the number of the signal, as in
 * a shell: 130 for Ctrl-C.
 */

#define _POSIX_C_SOURCE 200809L /* sigaction, isatty */

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sellercloud_output.h"

static volatile sig_atomic_t received_signal = 0;

/* A handler may do little more than set a flag. No function of the library may be called here. */
static void on_signal(int number)
{
    received_signal = number;
}

static void handle_signal(int number)
{
    struct sigaction action, before;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = (int)SA_RESETHAND; /* the second Ctrl-C ends the program at once */
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

#define NOTHING UINT64_MAX

struct display {
    int is_terminal;
    uint64_t shown; /* the number on the line; NOTHING if there is no line */
};

static int32_t show_progress(void *context, const sco_progress *progress)
{
    struct display *display = context;
    /* Without a size, the progress is shown in megabytes. */
    int has_total = progress->has_total_bytes && progress->total_bytes > 0;
    uint64_t now = has_total
        ? (uint64_t)(100.0 * (double)progress->bytes_received / (double)progress->total_bytes)
        : progress->bytes_received / 1000000;
    if (display->is_terminal && now != display->shown) {
        fprintf(stderr, "\r%6" PRIu64 " %s", now, has_total ? "%" : "MB");
        display->shown = now;
    }
    return 0; /* any other number cancels the call */
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "Usage: save_with_progress DIRECTORY JOB\n");
        return 2;
    }
    handle_signal(SIGINT);
    handle_signal(SIGTERM);
    handle_signal(SIGHUP);

    int exit_code = EXIT_SUCCESS;
    struct display display = {isatty(STDERR_FILENO), NOTHING};
    int64_t job_id = 0;
    sco_client *client = NULL;
    sco_file_info *saved = NULL;
    sco_error *error = NULL;
    sco_call_options *options = sco_call_options_new();
    sco_status status = sco_parse_job_id(argv[2], &job_id, &error);
    if (status == SCO_OK)
        status = sco_client_new(getenv("SELLERCLOUD_SERVER"), getenv("SELLERCLOUD_TOKEN"), NULL,
                                &client, &error);
    if (status == SCO_OK)
        status = sco_call_options_set_interrupt(options, is_interrupted, NULL, &error);
    if (status == SCO_OK)
        status = sco_call_options_set_on_progress(options, show_progress, &display, &error);
    if (status == SCO_OK)
        status = sco_save_output_file(client, job_id, argv[1], options, &saved, &error);
    if (display.shown != NOTHING)
        fputc('\n', stderr);

    if (status != SCO_OK) {
        fprintf(stderr, "save_with_progress: %s\n", sco_error_message(error));
        exit_code = status == SCO_ERROR_CANCELLED ? 128 + received_signal : EXIT_FAILURE;
    } else {
        printf("%s: %" PRIu64 " bytes\n", sco_file_info_path(saved), sco_file_info_size(saved));
        if (fflush(stdout) != 0 || ferror(stdout)) {
            perror("save_with_progress: standard output");
            exit_code = EXIT_FAILURE;
        }
    }
    sco_error_free(error);
    sco_file_info_free(saved);
    sco_call_options_free(options);
    sco_client_free(client);
    return exit_code;
}
