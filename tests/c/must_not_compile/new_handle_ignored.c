/* A new handle that nothing can free. */
#include "sellercloud_output.h"

sco_call_options *create_options(void)
{
#ifdef WRONG
    sco_call_options_new(); /* error: ignoring return value */
    return NULL;
#else
    return sco_call_options_new();
#endif
}
