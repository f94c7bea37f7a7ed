// A value of another enum than the option has.
#include "sellercloud_output.hpp"

namespace sco = sellercloud_output;

void set(sco::ClientOptions &options)
{
#ifdef WRONG
    options.body_encoding = sco::IfExists::replace; // error: (cannot convert|incompatible type)
#else
    options.body_encoding = sco::BodyEncoding::raw;
#endif
}
