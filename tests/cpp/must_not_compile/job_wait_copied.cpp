// A wait that is copied.
#include "sellercloud_output.hpp"

namespace sco = sellercloud_output;

sco::JobWait other_of(sco::JobWait &wait)
{
#ifdef WRONG
    return wait; // error: deleted
#else
    return std::move(wait);
#endif
}
