// The string of an option that no longer exists when the string is used.
#include "sellercloud_output.hpp"

namespace sco = sellercloud_output;

std::string_view server_of(sco::ClientOptions &options)
{
    options.server = "tt";
#ifdef WRONG
    return sco::Text("tt").value(); // error: deleted
#else
    return options.server.value();
#endif
}
