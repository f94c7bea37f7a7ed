#include "sellercloud_output.hpp"

namespace sco = sellercloud_output;

sco::OutputFile &fetch();

void wrong()
{
    fetch().bytes().begin()[0] = 0; // error: read-only
}
