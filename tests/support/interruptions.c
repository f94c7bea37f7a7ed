/*
 * Loaded with LD_PRELOAD: interrupts the program's system calls a thousand times a second, by a
 * signal whose handler does not restart them.
 */

#define _GNU_SOURCE
#include <signal.h>
#include <sys/time.h>

static void do_nothing(int number)
{
    (void)number;
}

__attribute__((constructor)) static void start_timer(void)
{
    struct sigaction action = {.sa_handler = do_nothing};
    struct itimerval interval = {{0, 1000}, {0, 1000}};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &interval, NULL);
}
