// A zero where a text is required.
#include "sellercloud_output.hpp"

namespace sco = sellercloud_output;

void set(sco::ClientOptions &options)
{
#ifdef WRONG
    options.token = 0; // error: ambiguous
#else
    options.token = nullptr;
#endif
}
