/*
 * Calls made by so many threads, measured: seconds, seconds of processor time, and
 * the peak of memory over the idle process in bytes, on one line.
 */

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

struct measured {
    int calls;
    int threads;
    /* What a thread hands to its calls, and one call. */
    void *(*begin)(void);
    void (*call)(void *mine);
    pthread_barrier_t barrier;
};

struct measured_thread {
    struct measured *all;
    int index;
};

static void *measured_calls(void *argument)
{
    struct measured_thread *thread = argument;
    struct measured *all = thread->all;
    void *mine = all->begin();
    /* One that is not counted: it connects. */
    all->call(mine);
    pthread_barrier_wait(&all->barrier);
    pthread_barrier_wait(&all->barrier);
    for (int i = thread->index; i < all->calls; i += all->threads)
        all->call(mine);
    return NULL;
}

static double cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
        (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* In KiB, from the operating system. */
static long memory(const char *what)
{
    FILE *status = fopen("/proc/self/status", "r");
    char line[256];
    long found = 0;
    while (status != NULL && fgets(line, sizeof line, status) != NULL)
        if (strncmp(line, what, strlen(what)) == 0)
            found = strtol(line + strlen(what) + 1, NULL, 10);
    if (status != NULL)
        fclose(status);
    return found;
}

static void measure(struct measured *all)
{
    enum { MOST = 64 };
    pthread_t running[MOST];
    struct measured_thread threads[MOST];
    long idle = memory("VmRSS");
    if (all->threads < 1 || all->threads > MOST)
        exit(2);
    pthread_barrier_init(&all->barrier, NULL, (unsigned)all->threads + 1);
    for (int i = 0; i < all->threads; i++) {
        threads[i].all = all;
        threads[i].index = i;
        pthread_create(&running[i], NULL, measured_calls, &threads[i]);
    }
    pthread_barrier_wait(&all->barrier);
    double start = seconds(), cpu = cpu_seconds();
    pthread_barrier_wait(&all->barrier);
    for (int i = 0; i < all->threads; i++)
        pthread_join(running[i], NULL);
    double wall = seconds() - start;
    printf("%f %f %ld\n", wall, cpu_seconds() - cpu, (memory("VmHWM") - idle) * 1024);
}
