/* A job that belongs to an error and is freed. */
#include "sellercloud_output.h"

void free_all(sco_error *error, sco_job *job)
{
#ifdef WRONG
    sco_job_free(sco_error_job(error)); /* error: discards .*qualifier */
#endif
    sco_job_free(job);
    sco_error_free(error);
}
