// A view of a download that no longer exists when the view is used.
#include "sellercloud_output.hpp"

namespace sco = sellercloud_output;

std::optional<std::string_view> type_of(const sco::Client &client, sco::OutputFileDownload &download)
{
    download = client.open_output_file(28142);
#ifdef WRONG
    return client.open_output_file(28142).content_type(); // error: deleted
#else
    return download.content_type();
#endif
}
