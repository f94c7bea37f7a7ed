// A client that is copied.
#include "sellercloud_output.hpp"

namespace sco = sellercloud_output;

sco::Client other_of(sco::Client &client)
{
#ifdef WRONG
    return client; // error: deleted
#else
    return std::move(client);
#endif
}
