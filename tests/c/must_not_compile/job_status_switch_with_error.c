/* An error's constant in a switch over job statuses. */
#include "sellercloud_output.h"

#ifdef WRONG
#define CONSTANT SCO_ERROR_JOB_FAILED /* error: case value .*not in enumerated type */
#else
#define CONSTANT SCO_JOB_STATUS_FAILED
#endif

int has_failed(const sco_job *job)
{
    switch (sco_job_status(job)) {
    case CONSTANT: return 1;
    default: return 0;
    }
}
