// A number field where a text field is required.
#include "sellercloud_output.hpp"

namespace sco = sellercloud_output;

bool has_field(const sco::Job &job)
{
#ifdef WRONG
    return job.text(SCO_JOB_NUMBER_PRIORITY).has_value(); // error: no matching
#else
    return job.text(SCO_JOB_TEXT_TYPE).has_value();
#endif
}
