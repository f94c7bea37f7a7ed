/* Options for calls where options for a client are required. */
#include "sellercloud_output.h"

#ifdef WRONG
#define OPTIONS sco_call_options /* error: incompatible pointer type */
#else
#define OPTIONS sco_client_options
#endif

sco_status allow(OPTIONS *options)
{
    return sco_client_options_set_allow_plain_http(options, 1, NULL);
}
