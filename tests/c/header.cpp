// Checks that the header compiles in C++11 without warnings, and links.

#include "sellercloud_output.h"
#include "sellercloud_output.h"

int main()
{
    static_assert(sizeof(sco_status) == 4 && sizeof(sco_job_status_code) == 4, "enums have 4 bytes");
    static_assert(SCO_VERSION_AT_LEAST(0, 1, 0) && !SCO_VERSION_AT_LEAST(1000, 0, 0), "the header has a version");
    sco_status (*get)(const sco_client *, int64_t, const sco_call_options *, sco_output_file **, sco_error **) = sco_get_output_file;
    return get(nullptr, 1, nullptr, nullptr, nullptr) == SCO_ERROR_INVALID_ARGUMENT ? 0 : 1;
}
