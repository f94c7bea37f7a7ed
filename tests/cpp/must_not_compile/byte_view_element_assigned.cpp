// A byte of a file in memory that is assigned to.
#include "sellercloud_output.hpp"

namespace sco = sellercloud_output;

std::uint8_t first_byte(const sco::OutputFile &file)
{
#ifdef WRONG
    return file.bytes().begin()[0] = 0; // error: read-only
#else
    return file.bytes().begin()[0];
#endif
}
