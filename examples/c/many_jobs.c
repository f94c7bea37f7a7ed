/*
 * Saves the output files of many jobs in a directory, a few at the same time.
 *
 *     many_jobs DIRECTORY JOB...
 *
 * Prints the path of each file, and the error of each job that failed. One failure does not stop
 * the other jobs. The exit code is 0 only if all of them succeeded. Ctrl-C cancels all downloads,
 * and the exit code is then 130.
 */

#define _POSIX_C_SOURCE 200809L /* sigaction */

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sellercloud_output.h"

/* More calls at the same time are rarely faster, because servers limit the rate of requests. */
enum { MAX_THREADS = 4 };

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

/* What the threads share. They all use the same client, and with it one login. */
struct pool {
    const sco_client *client;
    const sco_call_options *options;
    const char *directory;
    pthread_mutex_t mutex; /* guards the members below */
    char **next_job;       /* in a list that ends with NULL, as argv does */
    size_t failures;
};

/* Returns the next job, or NULL if there is none or the program was interrupted. */
static const char *take_job(struct pool *pool)
{
    const char *job = NULL;
    pthread_mutex_lock(&pool->mutex);
    if (*pool->next_job != NULL && received_signal == 0)
        job = *pool->next_job++;
    pthread_mutex_unlock(&pool->mutex);
    return job;
}

static void save(struct pool *pool, const char *job)
{
    int64_t job_id = 0;
    sco_file_info *saved = NULL;
    sco_error *error = NULL;
    if (sco_parse_job_id(job, &job_id, &error) == SCO_OK
        && sco_save_output_file(pool->client, job_id, pool->directory, pool->options, &saved,
                                &error) == SCO_OK) {
        /* One call of printf writes the whole line, so lines of several threads do not mix. */
        printf("%s\n", sco_file_info_path(saved));
    } else {
        fprintf(stderr, "many_jobs: %s\n", sco_error_message(error));
        pthread_mutex_lock(&pool->mutex);
        pool->failures++;
        pthread_mutex_unlock(&pool->mutex);
    }
    sco_file_info_free(saved);
    sco_error_free(error);
}

static void *save_jobs(void *argument)
{
    struct pool *pool = argument;
    const char *job = NULL;
    while ((job = take_job(pool)) != NULL)
        save(pool, job);
    return NULL;
}

/* Saves all jobs on several threads, of which this thread is one. */
static void run(struct pool *pool, size_t jobs)
{
    pthread_t threads[MAX_THREADS - 1];
    size_t count = 0;
    /* If the system has no more threads, the ones that run do all the work. */
    while (count < MAX_THREADS - 1 && count + 1 < jobs
           && pthread_create(&threads[count], NULL, save_jobs, pool) == 0)
        count++;
    save_jobs(pool);
    while (count > 0)
        pthread_join(threads[--count], NULL);
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "Usage: many_jobs DIRECTORY JOB...\n");
        return 2;
    }
    handle_signal(SIGINT);
    handle_signal(SIGTERM);
    handle_signal(SIGHUP);
    /* A reader of standard output that ends early must not end the downloads. */
    signal(SIGPIPE, SIG_IGN);

    int exit_code = EXIT_SUCCESS;
    sco_client *client = NULL;
    sco_error *error = NULL;
    sco_call_options *options = sco_call_options_new();
    /* Several jobs may have files of the same name. */
    if (sco_call_options_set_if_exists(options, SCO_IF_EXISTS_KEEP_BOTH, &error) != SCO_OK
        || sco_call_options_set_interrupt(options, is_interrupted, NULL, &error) != SCO_OK
        || sco_client_new(getenv("SELLERCLOUD_SERVER"), getenv("SELLERCLOUD_TOKEN"), NULL, &client,
                          &error) != SCO_OK) {
        fprintf(stderr, "many_jobs: %s\n", sco_error_message(error));
        exit_code = EXIT_FAILURE;
    } else {
        struct pool pool = {client, options, argv[1], PTHREAD_MUTEX_INITIALIZER, argv + 2, 0};
        run(&pool, (size_t)argc - 2);
        const int all_saved = *pool.next_job == NULL && pool.failures == 0;
        if (fflush(stdout) != 0 || ferror(stdout)) {
            perror("many_jobs: standard output");
            exit_code = EXIT_FAILURE;
        }
        /* A signal that comes after the last download changes nothing. */
        if (!all_saved)
            exit_code = received_signal != 0 ? 128 + received_signal : EXIT_FAILURE;
    }
    sco_error_free(error);
    sco_call_options_free(options);
    sco_client_free(client);
    return exit_code;
}
