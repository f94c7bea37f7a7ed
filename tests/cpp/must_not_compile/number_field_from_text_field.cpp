// A text field where a number field is required.
#include "sellercloud_output.hpp"

namespace sco = sellercloud_output;

bool has_field(const sco::Job &job)
{
#ifdef WRONG
    return job.number(SCO_JOB_TEXT_TYPE).has_value(); // error: cannot
#else
    return job.number(SCO_JOB_NUMBER_PRIORITY).has_value();
#endif
}
