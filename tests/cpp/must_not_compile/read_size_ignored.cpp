// The number of bytes of a read, without which the end of the file is not noticed.
#include "sellercloud_output.hpp"

namespace sco = sellercloud_output;

bool read_ten(sco::OutputFileDownload &download, char *buffer)
{
#ifdef WRONG
    download.read(buffer, 10); // error: ignoring return value
    return true;
#else
    return download.read(buffer, 10) == 10;
#endif
}
