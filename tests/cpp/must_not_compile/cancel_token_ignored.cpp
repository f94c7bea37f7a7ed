// A cancel token that is created and that nothing can cancel.
#include "sellercloud_output.hpp"

namespace sco = sellercloud_output;

void add_token(sco::CallOptions &options)
{
#ifdef WRONG
    sco::CancelToken(); // error: ignoring
    (void)options;
#else
    options.cancel_token = sco::CancelToken();
#endif
}
