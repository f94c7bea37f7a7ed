// The kind of an error that is used as a number.
#include "sellercloud_output.hpp"

namespace sco = sellercloud_output;

int number_of(const sco::Error &error)
{
#ifdef WRONG
    return error.kind(); // error: cannot
#else
    return static_cast<int>(error.kind());
#endif
}
