/* A job's status compared with the kind of an error. */
#include "sellercloud_output.h"

#ifdef WRONG
#define STATUS sco_error_kind(error) /* error: comparison (between|of different) */
#else
#define STATUS sco_job_status(sco_error_job(error))
#endif

int is_status_of_error(const sco_job *job, const sco_error *error)
{
    return sco_job_status(job) == STATUS;
}
