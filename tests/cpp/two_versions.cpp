/*
 * A part of a program whose other part includes another version of the header. Each must use its
 * own: with one namespace the linker would keep one of the two definitions for both.
 */

#include <string>

#include "sellercloud_output.hpp"

/* PART is the name of this part's function. It returns a message that the header contains. */
std::string PART()
{
    try {
        (void)sellercloud_output::Client::parse_job_id(std::string(1, '\0'));
    } catch (const sellercloud_output::Error &error) {
        return error.what();
    }
    return {};
}

#ifdef WITH_MAIN
#include <iostream>

std::string other_part();

int main()
{
    std::cout << PART() << '\n' << other_part() << '\n';
}
#endif
