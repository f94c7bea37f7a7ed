// A text field of a job that no longer exists when the text is used.
#include "sellercloud_output.hpp"

namespace sco = sellercloud_output;

std::optional<std::string_view> type_of(const sco::Client &client, std::optional<sco::Job> &job)
{
    job = client.get_job(28142);
#ifdef WRONG
    return client.get_job(28142).text(sco::JobTextField::type); // error: deleted
#else
    return job->text(sco::JobTextField::type);
#endif
}
