// The download of a buffer that is moved away.
#include "sellercloud_output.hpp"

namespace sco = sellercloud_output;

const sco::OutputFileDownload &download_of(sco::OutputFileStreamBuffer &buffer)
{
#ifdef WRONG
    return std::move(buffer).download(); // error: deleted
#else
    return buffer.download();
#endif
}
