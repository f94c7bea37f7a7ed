/*
 * This library by its C interface, measured.
 *
 *     ours buffer|save|write URL JOB CALLS THREADS [CA]
 *
 * All threads use one client. "save" saves in the directory $DIRECTORY.
 */

#include "measure.h"
#include "sellercloud_output.h"

static sco_client *client;
static sco_call_options *replacing;
static int64_t job;
static const char *way;

static int32_t ignore(void *context, const uint8_t *data, size_t length)
{
    (void)data;
    *(size_t *)context += length;
    return 0;
}

static void *begin(void)
{
    return NULL;
}

static void call(void *mine)
{
    sco_error *error = NULL;
    sco_output_file *file = NULL;
    size_t length = 0;
    sco_status status;
    (void)mine;
    if (strcmp(way, "save") == 0)
        status = sco_save_output_file(client, job, getenv("DIRECTORY"), replacing, NULL, &error);
    else if (strcmp(way, "write") == 0)
        status = sco_write_output_file(client, job, ignore, &length, NULL, NULL, &error);
    else
        status = sco_get_output_file(client, job, NULL, &file, &error);
    if (status != SCO_OK) {
        fprintf(stderr, "%s\n", sco_error_message(error));
        exit(1);
    }
    sco_output_file_free(file);
}

int main(int argc, char **argv)
{
    if (argc < 6) {
        fprintf(stderr, "ours buffer|save|write URL JOB CALLS THREADS [CA]\n");
        return 2;
    }
    way = argv[1];
    job = strtol(argv[3], NULL, 10);
    sco_client_options *config = sco_client_options_new();
    static unsigned char ca[20000];
    if (argc > 6) {
        FILE *pem = fopen(argv[6], "rb");
        size_t length = pem == NULL ? 0 : fread(ca, 1, sizeof ca, pem);
        if (sco_client_options_add_ca_certificates(config, ca, length, NULL) != SCO_OK)
            return 1;
    }
    sco_error *error = NULL;
    if (sco_client_new(argv[2], "token", config, &client, &error) != SCO_OK) {
        fprintf(stderr, "%s\n", sco_error_message(error));
        return 1;
    }
    replacing = sco_call_options_new();
    if (sco_call_options_set_if_exists(replacing, SCO_IF_EXISTS_REPLACE, NULL) != SCO_OK)
        return 1;
    struct measured all = {atoi(argv[4]), atoi(argv[5]), begin, call, {{0}}};
    measure(&all);
    return 0;
}
