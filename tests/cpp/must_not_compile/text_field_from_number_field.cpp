// A number field where a text field is required.
#include "sellercloud_output.hpp"

namespace sco = sellercloud_output;

bool has_field(const sco::Job &job)
{
#ifdef WRONG
    return job.text(sco::JobNumberField::priority).has_value(); // error: no matching
#else
    return job.text(sco::JobTextField::type).has_value();
#endif
}
