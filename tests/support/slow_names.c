/*
 * Delays every name lookup by ten seconds. For LD_PRELOAD, which puts this before the real
 * function.
 */
#include <netdb.h>
#include <unistd.h>

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **found)
{
    (void)node, (void)service, (void)hints, (void)found;
    sleep(10);
    return EAI_AGAIN;
}
