// The handle of a cancel token that no longer exists when the handle is used.
#include "sellercloud_output.hpp"

namespace sco = sellercloud_output;

const sco_cancel_token *handle_of(const sco::CancelToken &token)
{
    token.cancel();
#ifdef WRONG
    return sco::CancelToken().handle(); // error: deleted
#else
    return token.handle();
#endif
}
