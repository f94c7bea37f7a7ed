// A job's status that is compared with the kind of an error.
#include "sellercloud_output.hpp"

namespace sco = sellercloud_output;

bool has_failed(const sco::Job &job)
{
#ifdef WRONG
    return job.status() == sco::ErrorKind::job_failed; // error: (no match for|invalid operands)
#else
    return job.status() == sco::JobStatus::failed;
#endif
}
