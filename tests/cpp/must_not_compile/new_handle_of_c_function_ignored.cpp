// A new handle of the C interface that nothing can free.
#include "sellercloud_output.hpp"

sco_call_options *create_options()
{
#ifdef WRONG
    sco_call_options_new(); // error: ignoring return value
    return nullptr;
#else
    return sco_call_options_new();
#endif
}
