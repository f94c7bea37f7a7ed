// A job that is received and not used.
#include "sellercloud_output.hpp"

namespace sco = sellercloud_output;

void poll(const sco::Client &client)
{
#ifdef WRONG
    client.get_job(28142); // error: ignoring return value
#else
    (void)client.get_job(28142);
#endif
}
