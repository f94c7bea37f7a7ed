// A view of a file that no longer exists when the view is used.
#include "sellercloud_output.hpp"

namespace sco = sellercloud_output;

std::optional<std::string_view> type_of(const sco::Client &client, sco::OutputFile &file)
{
    file = client.get_output_file(28142);
#ifdef WRONG
    return client.get_output_file(28142).content_type(); // error: deleted
#else
    return file.content_type();
#endif
}
