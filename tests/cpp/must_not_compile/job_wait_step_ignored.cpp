// A step whose result is not used.
#include "sellercloud_output.hpp"

namespace sco = sellercloud_output;

sco::JobWaitStep step_of(sco::JobWait &wait)
{
#ifdef WRONG
    wait.step(); // error: ignoring return value
    return {std::nullopt, {}};
#else
    return wait.step();
#endif
}
