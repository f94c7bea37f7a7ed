#include "sellercloud_output.hpp"

namespace sco = sellercloud_output;

sco::OutputFile &downloaded();

void wrong()
{
    sco::Client client("tt", "token");
    sco::Client copy = client; // error: deleted
}
