/*
 * Faults of a program, seen within the library's code, that tests/sanitize must see
 * reported, or its sanitizers are not on.
 */

#include <pthread.h>
#include <string.h>

#include "sellercloud_output.h"

static void leak(void)
{
    /* Many, as what lies about on the stack may still point to one. */
    for (int i = 0; i < 100; i++)
        (void)sco_config_new();
}

static void use_after_free(void)
{
    sco_config *config = sco_config_new();
    sco_config_free(config);
    sco_config_set_allow_plain_http(config, 1, NULL);
}

/* Once: ThreadSanitizer forgets what is long ago. */
static void *change(void *config)
{
    sco_config_set_allow_plain_http(config, 1, NULL);
    return NULL;
}

static void race(void)
{
    sco_config *config = sco_config_new();
    pthread_t other;
    if (pthread_create(&other, NULL, change, config) == 0) {
        change(config);
        pthread_join(other, NULL);
    }
    sco_config_free(config);
}

int main(int argc, char **argv)
{
    const char *fault = argc == 2 ? argv[1] : "";
    if (strcmp(fault, "leak") == 0)
        leak();
    if (strcmp(fault, "use after free") == 0)
        use_after_free();
    if (strcmp(fault, "race") == 0)
        race();
    return 0;
}
