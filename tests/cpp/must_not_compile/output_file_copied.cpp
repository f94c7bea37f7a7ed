// A file in memory that is copied.
#include "sellercloud_output.hpp"

namespace sco = sellercloud_output;

sco::OutputFile other_of(sco::OutputFile &file)
{
#ifdef WRONG
    return file; // error: deleted
#else
    return std::move(file);
#endif
}
