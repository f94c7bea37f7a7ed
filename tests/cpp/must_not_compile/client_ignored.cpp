// A client that is created and not used.
#include "sellercloud_output.hpp"

namespace sco = sellercloud_output;

void create()
{
#ifdef WRONG
    sco::Client("tt", "token"); // error: ignoring
#else
    const sco::Client client("tt", "token");
    (void)client.get_job(28142);
#endif
}
