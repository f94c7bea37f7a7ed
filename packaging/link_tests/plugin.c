/* A plugin that downloads a file. Prints the version of the library that serves it. */

#include <stdio.h>
#include <stdlib.h>

#include "sellercloud_output.h"

int run_plugin(void)
{
    sco_client *client = NULL;
    sco_output_file *file = NULL;
    sco_error *error = NULL;
    int done = sco_client_new(getenv("MOCK_SERVER"), getenv("MOCK_SERVER_TOKEN"), NULL, &client,
                              &error) == SCO_OK
        && sco_get_output_file(client, 28142, NULL, &file, &error) == SCO_OK;
    if (done)
        printf("%s\n", sco_version());
    else
        fprintf(stderr, "%s\n", sco_error_message(error));
    sco_error_free(error);
    sco_output_file_free(file);
    sco_client_free(client);
    return done ? 0 : 1;
}
