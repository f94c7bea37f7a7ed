/* Makes every name lookup take ten seconds: for LD_PRELOAD, before the real one. */
#include <netdb.h>
#include <unistd.h>

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **found)
{
    (void)node, (void)service, (void)hints, (void)found;
    sleep(10);
    return EAI_AGAIN;
}
