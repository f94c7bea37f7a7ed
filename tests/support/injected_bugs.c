/*
 * Injected bugs that show in the library's code. tests/sanitize checks that its sanitizers
 * report them.
 */

#include <pthread.h>
#include <string.h>

#include "sellercloud_output.h"

static void leak(void)
{
    /* Many, because a stale pointer on the stack may still point to one. */
    for (int i = 0; i < 100; i++)
        (void)sco_client_options_new();
}

static void use_after_free(void)
{
    sco_client_options *config = sco_client_options_new();
    sco_client_options_free(config);
    sco_client_options_set_allow_plain_http(config, 1, NULL);
}

/* Once each, because ThreadSanitizer forgets old accesses. */
static void *change(void *config)
{
    sco_client_options_set_allow_plain_http(config, 1, NULL);
    return NULL;
}

static void race(void)
{
    sco_client_options *config = sco_client_options_new();
    pthread_t other;
    if (pthread_create(&other, NULL, change, config) == 0) {
        change(config);
        pthread_join(other, NULL);
    }
    sco_client_options_free(config);
}

int main(int argc, char **argv)
{
    const char *bug = argc == 2 ? argv[1] : "";
    if (strcmp(bug, "leak") == 0)
        leak();
    if (strcmp(bug, "use after free") == 0)
        use_after_free();
    if (strcmp(bug, "race") == 0)
        race();
    return 0;
}
