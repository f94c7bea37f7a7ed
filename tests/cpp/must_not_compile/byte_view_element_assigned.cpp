#include "sellercloud_output.hpp"

namespace sco = sellercloud_output;

sco::OutputFile &downloaded();

void wrong()
{
    downloaded().bytes().begin()[0] = 0; // error: read-only
}
