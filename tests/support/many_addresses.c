/*
 * Resolves every name to the addresses in SCO_TEST_ADDRESSES. For LD_PRELOAD, which puts this
 * before the real function.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

typedef int look_up_fn(const char *, const char *, const struct addrinfo *, struct addrinfo **);

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **found)
{
    look_up_fn *look_up = (look_up_fn *)dlsym(RTLD_NEXT, "getaddrinfo");
    char addresses[256] = "";
    (void)node;
    strncpy(addresses, getenv("SCO_TEST_ADDRESSES"), sizeof addresses - 1);
    for (char *address = strtok(addresses, " "); address != NULL; address = strtok(NULL, " ")) {
        int outcome = look_up(address, service, hints, found);
        if (outcome != 0)
            return outcome;
        while (*found != NULL)
            found = &(*found)->ai_next;
    }
    return 0;
}
