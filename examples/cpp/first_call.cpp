// Saves the output file of a job in the current directory.
//
//     first_call JOB
//
// JOB is the id of the job, or the QueuedJobLink that the server returned for it.

#include <cstdlib>
#include <exception>
#include <iostream>

#include "sellercloud_output.hpp"

namespace sco = sellercloud_output;

int main(int argc, char **argv)
{
    if (argc != 2) {
        std::cerr << "Usage: first_call JOB\n";
        return 2;
    }
    try {
        const auto job_id = sco::Client::parse_job_id(argv[1]);
        // If a variable is not set, getenv returns NULL, and the library says what is missing.
        const sco::Client client(std::getenv("SELLERCLOUD_SERVER"),
                                 std::getenv("SELLERCLOUD_TOKEN"));
        const auto saved = client.save_output_file(job_id, ".");
        std::cout << saved.path << ": " << saved.size << " bytes" << std::endl;
    } catch (const std::exception &error) {
        std::cerr << "first_call: " << error.what() << '\n';
        return EXIT_FAILURE;
    }
    if (!std::cout) {
        std::cerr << "first_call: cannot write to standard output\n";
        return EXIT_FAILURE;
    }
}
