// A status of the C interface that is not checked.
#include "sellercloud_output.hpp"

bool set_timeout(sco_call_options *options)
{
#ifdef WRONG
    sco_call_options_set_timeout_ms(options, 1000, nullptr); // error: ignoring return value
    return true;
#else
    return sco_call_options_set_timeout_ms(options, 1000, nullptr) == SCO_OK;
#endif
}
