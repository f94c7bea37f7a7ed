// A file that is downloaded into memory and not used.
#include "sellercloud_output.hpp"

namespace sco = sellercloud_output;

void download(const sco::Client &client)
{
#ifdef WRONG
    client.get_output_file(28142); // error: ignoring return value
#else
    (void)client.get_output_file(28142);
#endif
}
