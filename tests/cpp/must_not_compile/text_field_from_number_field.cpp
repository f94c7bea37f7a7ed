#include "sellercloud_output.hpp"

namespace sco = sellercloud_output;

void wrong(const sco::Job &job)
{
    job.text(SCO_JOB_NUMBER_PRIORITY); // error: cannot
}
