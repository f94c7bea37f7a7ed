#include "sellercloud_output.hpp"

namespace sco = sellercloud_output;

sco::OutputFile &downloaded();

void wrong()
{
    const int kind = sco::Error(nullptr).kind(); // error: cannot
    (void)kind;
}
