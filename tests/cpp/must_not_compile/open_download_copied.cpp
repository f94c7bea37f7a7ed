// An open download that is copied.
#include "sellercloud_output.hpp"

namespace sco = sellercloud_output;

sco::OutputFileDownload other_of(sco::OutputFileDownload &download)
{
#ifdef WRONG
    return download; // error: deleted
#else
    return std::move(download);
#endif
}
