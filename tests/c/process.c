/*
 * What the header says under "Process": stack, signals, fork, exit and pthread_cancel.
 * Against the mock servers, which the environment names.
 *
 *     process
 *
 * C99 with POSIX threads.
 */

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

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

static const char *variable(const char *name)
{
    const char *value = getenv(name);
    if (value == NULL) {
        fprintf(stderr, "%s is not set\n", name);
        exit(2);
    }
    return value;
}

static sco_client *new_client(const char *server_variable, sco_client_options *options)
{
    sco_client *client = NULL;
    CHECK(sco_client_new(variable(server_variable), variable("MOCK_SERVER_TOKEN"), options, &client,
                         NULL) == SCO_OK);
    sco_client_options_free(options);
    return client;
}

static sco_client *new_tls_client(void)
{
    static uint8_t pem[20000];
    char path[4096];
    snprintf(path, sizeof path, "%s/ca.pem", variable("MOCK_SERVER_CERTIFICATES"));
    FILE *file = fopen(path, "rb");
    CHECK(file != NULL);
    const size_t size = fread(pem, 1, sizeof pem, file);
    fclose(file);
    sco_client_options *options = sco_client_options_new();
    CHECK(sco_client_options_add_ca_certificates(options, pem, size, NULL) == SCO_OK);
    return new_client("TLS_SERVER", options);
}

/* Downloads the file of 2400 bytes into memory and into a directory. */
static void download(const sco_client *client)
{
    char directory[] = "/tmp/sellercloud-output-XXXXXX";
    sco_output_file *file = NULL;
    sco_file_info *info = NULL;
    CHECK(sco_get_output_file(client, 28142, NULL, &file, NULL) == SCO_OK);
    CHECK(sco_output_file_size(file) == 2400);
    sco_output_file_free(file);
    CHECK(mkdtemp(directory) != NULL);
    CHECK(sco_save_output_file(client, 28142, directory, NULL, &info, NULL) == SCO_OK);
    CHECK(remove(sco_file_info_path(info)) == 0);
    CHECK(remove(directory) == 0);
    sco_file_info_free(info);
}

static void *use_most_of_the_interface(void *unused)
{
    sco_client *client = new_client("MOCK_SERVER", NULL);
    sco_call_options *options = sco_call_options_new();
    sco_output_file *file = NULL;
    sco_job *job = NULL;
    sco_error *error = NULL;
    download(client);
    /* Each form of a body, gzip, and a failed job with its log. */
    static const int64_t jobs[] = {28143, 28144, 28145, 28147, 60004};
    for (size_t i = 0; i < sizeof jobs / sizeof jobs[0]; i++) {
        CHECK(sco_get_output_file(client, jobs[i], options, &file, NULL) == SCO_OK);
        sco_output_file_free(file);
    }
    CHECK(sco_wait_for_job(client, 50002, options, &job, &error) == SCO_ERROR_JOB_FAILED);
    sco_error_free(error);
    sco_call_options_free(options);
    sco_client_free(client);
    client = new_tls_client();
    download(client);
    sco_client_free(client);
    return unused;
}

static void call_on_256_kib_stack_succeeds(void)
{
    pthread_attr_t attributes;
    pthread_t thread;
    CHECK(pthread_attr_init(&attributes) == 0);
    CHECK(pthread_attr_setstacksize(&attributes, 256 * 1024) == 0);
    CHECK(pthread_create(&thread, &attributes, use_most_of_the_interface, NULL) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    pthread_attr_destroy(&attributes);
}

static volatile sig_atomic_t signals;

static void count_signal(int number)
{
    (void)number;
    signals++;
}

/* Without SA_RESTART, system calls return EINTR. */
static void call_interrupted_by_signals_succeeds(void)
{
    struct sigaction action, previous;
    memset(&action, 0, sizeof action);
    action.sa_handler = count_signal;
    CHECK(sigaction(SIGALRM, &action, &previous) == 0);
    const struct itimerval every_millisecond = {{0, 1000}, {0, 1000}};
    CHECK(setitimer(ITIMER_REAL, &every_millisecond, NULL) == 0);
    sco_client *client = new_tls_client();
    for (int i = 0; i < 20 || signals < 20; i++)
        download(client);
    sco_client_free(client);
    /* Two responses with status 503, each followed by a wait and a retry. */
    client = new_client("MOCK_SERVER", NULL);
    sco_output_file *file = NULL;
    CHECK(sco_get_output_file(client, 40001, NULL, &file, NULL) == SCO_OK);
    sco_output_file_free(file);
    sco_client_free(client);
    const struct itimerval never = {{0, 0}, {0, 0}};
    CHECK(setitimer(ITIMER_REAL, &never, NULL) == 0);
    CHECK(sigaction(SIGALRM, &previous, NULL) == 0);
}

/* The server closes connections at several points; SIGPIPE would end this program. */
static void lost_connection_raises_no_signal(void)
{
    struct sigaction action;
    sco_client_options *options = sco_client_options_new();
    CHECK(sco_client_options_set_initial_backoff_ms(options, 0, NULL) == SCO_OK);
    sco_client *client = new_client("FLAKY_SERVER", options);
    sco_output_file *file = NULL;
    CHECK(sco_get_output_file(client, 28142, NULL, &file, NULL) == SCO_OK);
    sco_output_file_free(file);
    sco_client_free(client);
    CHECK(sigaction(SIGPIPE, NULL, &action) == 0);
    CHECK(action.sa_handler == SIG_DFL);
}

static int exit_code_of(pid_t child)
{
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* Must run before this process has threads. */
static void forked_child_with_own_client_succeeds(void)
{
    sco_client *client = new_client("MOCK_SERVER", NULL);
    download(client);
    const pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        sco_client *own = new_client("MOCK_SERVER", NULL);
        download(own);
        sco_client_free(own);
        _exit(0);
    }
    CHECK(exit_code_of(child) == 0);
    download(client);
    sco_client_free(client);
}

static int32_t report_start(void *pipe_end)
{
    const char byte = 1;
    static int is_reported = 0;
    if (!is_reported++)
        CHECK(write(*(int *)pipe_end, &byte, 1) == 1);
    return 0;
}

static void *call_and_report_start(void *pipe_end)
{
    sco_client *client = new_client("UNRESPONSIVE_SERVER", NULL);
    sco_call_options *options = sco_call_options_new();
    sco_output_file *file = NULL;
    CHECK(sco_call_options_set_interrupt(options, report_start, pipe_end, NULL) == SCO_OK);
    CHECK(sco_get_output_file(client, 1, options, &file, NULL) != SCO_OK);
    return NULL;
}

static void exit_during_call_ends_the_process(void)
{
    const pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        int ends[2];
        char byte;
        pthread_t thread;
        CHECK(pipe(ends) == 0);
        CHECK(pthread_create(&thread, NULL, call_and_report_start, &ends[1]) == 0);
        CHECK(read(ends[0], &byte, 1) == 1);
        exit(7);
    }
    CHECK(exit_code_of(child) == 7);
}

/* Cancels its own thread, so that the request is pending when the call begins. */
static void *call_with_cancel_pending(void *unused)
{
    int previous;
    sco_client *client = new_client("MOCK_SERVER", NULL);
    CHECK(pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &previous) == 0);
    CHECK(pthread_cancel(pthread_self()) == 0);
    download(client);
    sco_client_free(client);
    CHECK(pthread_setcancelstate(previous, &previous) == 0);
    pthread_testcancel();
    return unused;
}

static void pthread_cancel_disabled_call_succeeds(void)
{
    void *result = NULL;
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, call_with_cancel_pending, NULL) == 0);
    CHECK(pthread_join(thread, &result) == 0);
    CHECK(result == PTHREAD_CANCELED);
}

int main(void)
{
    forked_child_with_own_client_succeeds();
    exit_during_call_ends_the_process();
    call_on_256_kib_stack_succeeds();
    call_interrupted_by_signals_succeeds();
    lost_connection_raises_no_signal();
    pthread_cancel_disabled_call_succeeds();
    printf("%d checks passed\n", checks);
    return 0;
}
