// A text field where a number field is required.
#include "sellercloud_output.hpp"

namespace sco = sellercloud_output;

bool has_field(const sco::Job &job)
{
#ifdef WRONG
    return job.number(sco::JobTextField::type).has_value(); // error: cannot
#else
    return job.number(sco::JobNumberField::priority).has_value();
#endif
}
