#include "sellercloud_output.hpp"

namespace sco = sellercloud_output;

sco::OutputFile &downloaded();

void wrong()
{
    sco::OutputFile copy = static_cast<const sco::OutputFile &>(downloaded()); // error: deleted
}
