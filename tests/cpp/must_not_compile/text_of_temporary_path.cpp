// The text of a path that no longer exists when the text is used.
#include "sellercloud_output.hpp"

namespace sco = sellercloud_output;

std::string_view text_of(const char *name, sco::Path &path)
{
    path = sco::Path(name);
#ifdef WRONG
    return sco::Path(name).text(); // error: deleted
#else
    return path.text();
#endif
}
