// Bytes of a file that is moved away.
#include "sellercloud_output.hpp"

namespace sco = sellercloud_output;

sco::ByteView bytes_of(sco::OutputFile &file)
{
#ifdef WRONG
    return std::move(file).bytes(); // error: deleted
#else
    return file.bytes();
#endif
}
