// The header in C++11: it compiles without a warning, and links.

#include "sellercloud_output.h"
#include "sellercloud_output.h"

int main()
{
    sco_status (*get)(const sco_client *, int64_t, const sco_call_options *, sco_output_file **, sco_error **) = sco_get_output_file;
    return get(nullptr, 1, nullptr, nullptr, nullptr) == SCO_ERROR_INVALID_ARGUMENT ? 0 : 1;
}
