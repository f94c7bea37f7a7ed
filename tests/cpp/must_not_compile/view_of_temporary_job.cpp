// A view of a job that no longer exists when the view is used.
#include "sellercloud_output.hpp"

namespace sco = sellercloud_output;

std::string_view status_of(const sco::Client &client, std::optional<sco::Job> &job)
{
    job = client.get_job(28142);
#ifdef WRONG
    return client.get_job(28142).status_name(); // error: deleted
#else
    return job->status_name();
#endif
}
