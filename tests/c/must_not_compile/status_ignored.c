/* A status that is not checked. */
#include "sellercloud_output.h"

int set_timeout(sco_call_options *options)
{
#ifdef WRONG
    sco_call_options_set_timeout_ms(options, 1000, NULL); /* error: ignoring return value */
    return 1;
#else
    return sco_call_options_set_timeout_ms(options, 1000, NULL) == SCO_OK;
#endif
}
