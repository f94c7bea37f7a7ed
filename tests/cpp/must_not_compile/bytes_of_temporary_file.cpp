// Bytes of a file that no longer exists when they are used.
#include "sellercloud_output.hpp"

namespace sco = sellercloud_output;

sco::ByteView bytes_of(const sco::Client &client, sco::OutputFile &file)
{
    file = client.get_output_file(28142);
#ifdef WRONG
    return client.get_output_file(28142).bytes(); // error: deleted
#else
    return file.bytes();
#endif
}
