// A job id that is parsed and not used.
#include "sellercloud_output.hpp"

namespace sco = sellercloud_output;

std::int64_t parse()
{
#ifdef WRONG
    sco::Client::parse_job_id("28142"); // error: ignoring return value
    return 0;
#else
    return sco::Client::parse_job_id("28142");
#endif
}
