#include "sellercloud_output.hpp"

namespace sco = sellercloud_output;

sco::OutputFile &fetch();

void wrong()
{
    sco::OutputFile copy = static_cast<const sco::OutputFile &>(fetch()); // error: deleted
}
