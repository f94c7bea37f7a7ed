// A download that is opened and not read.
#include "sellercloud_output.hpp"

namespace sco = sellercloud_output;

void open(const sco::Client &client)
{
#ifdef WRONG
    client.open_output_file(28142); // error: ignoring return value
#else
    (void)client.open_output_file(28142);
#endif
}
