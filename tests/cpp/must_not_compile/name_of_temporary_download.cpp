// A view of a download that no longer exists when the view is used.
#include "sellercloud_output.hpp"

namespace sco = sellercloud_output;

std::string_view name_of(const sco::Client &client, sco::OutputFileDownload &download)
{
    download = client.open_output_file(28142);
#ifdef WRONG
    return client.open_output_file(28142).name(); // error: deleted
#else
    return download.name();
#endif
}
