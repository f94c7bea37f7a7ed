// Saves the output file of a job in the current directory.
//
//     first_call JOB
//
// JOB is the id of the job, or the QueuedJobLink that the server returned for it.

#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>

#include "sellercloud_output.hpp"

namespace sco = sellercloud_output;

// Returns an empty string for a variable that is not set. The library then says what is missing.
static std::string setting(const char *name)
{
    const char *value = std::getenv(name);
    return value != nullptr ? value : "";
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        std::cerr << "Usage: first_call JOB\n";
        return 2;
    }
    try {
        const auto job_id = sco::Client::parse_job_id(argv[1]);
        const sco::Client client(setting("SELLERCLOUD_SERVER"), setting("SELLERCLOUD_TOKEN"));
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
