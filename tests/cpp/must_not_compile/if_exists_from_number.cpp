// A number where an enum is required.
#include "sellercloud_output.hpp"

namespace sco = sellercloud_output;

void set(sco::SaveOptions &options)
{
#ifdef WRONG
    options.if_exists = SCO_IF_EXISTS_REPLACE; // error: (cannot convert|incompatible type)
#else
    options.if_exists = sco::IfExists::replace;
#endif
}
