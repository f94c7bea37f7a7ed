// Saves the output file of a job in a directory, shows the progress, and stops at Ctrl-C.
//
//     save_with_progress DIRECTORY JOB
//
// A signal cancels the download within 250 ms. The library then removes its temporary file, so that
// nothing is left in the directory. The exit code is 128 plus the number of the signal, as in a
// shell: 130 for Ctrl-C.

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <iomanip>
#include <iostream>
#include <optional>

#include <unistd.h> // isatty

#include "sellercloud_output.hpp"

namespace sco = sellercloud_output;

static volatile std::sig_atomic_t received_signal = 0;

// A handler may do little more than set a flag. No function of the library may be called here.
extern "C" {
static void on_signal(int number)
{
    received_signal = number;
    std::signal(number, SIG_DFL); // the second Ctrl-C ends the program at once
}
}

static void handle_signal(int number)
{
    // nohup, for example, starts programs with signals that they must continue to ignore.
    if (std::signal(number, on_signal) == SIG_IGN)
        std::signal(number, SIG_IGN);
}

// The progress on the last line of a terminal. Anywhere else it shows nothing.
class Display {
public:
    void show(const sco::Progress &progress)
    {
        const double received = static_cast<double>(progress.bytes_received);
        // Without a size, the progress is shown in megabytes.
        const bool has_total = progress.total_bytes.value_or(0) > 0;
        const double total = has_total ? static_cast<double>(*progress.total_bytes) : 100e6;
        const auto now = static_cast<std::uint64_t>(100 * received / total);
        if (!is_terminal_ || now == shown_)
            return;
        std::cerr << '\r' << std::setw(6) << now << (has_total ? " %" : " MB") << std::flush;
        shown_ = now;
    }

    void end()
    {
        if (shown_)
            std::cerr << '\n';
    }

private:
    const bool is_terminal_ = isatty(STDERR_FILENO) == 1;
    std::optional<std::uint64_t> shown_;
};

static void save(const char *directory, const char *job)
{
    const auto job_id = sco::Client::parse_job_id(job);
    const sco::Client client(std::getenv("SELLERCLOUD_SERVER"),
                             std::getenv("SELLERCLOUD_TOKEN"));
    Display display;
    sco::CallOptions options;
    options.interrupt = [] { return received_signal == 0; };
    options.on_progress = [&display](const sco::Progress &progress) {
        display.show(progress);
        return true; // false cancels the call
    };
    try {
        const auto saved = client.save_output_file(job_id, directory, options);
        display.end();
        std::cout << saved.path << ": " << saved.size << " bytes" << std::endl;
    } catch (...) {
        display.end();
        throw;
    }
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        std::cerr << "Usage: save_with_progress DIRECTORY JOB\n";
        return 2;
    }
    handle_signal(SIGINT);
    handle_signal(SIGTERM);
    handle_signal(SIGHUP);
    try {
        save(argv[1], argv[2]);
    } catch (const sco::CallCancelledError &error) {
        std::cerr << "save_with_progress: " << error.what() << '\n';
        return 128 + received_signal;
    } catch (const std::exception &error) {
        std::cerr << "save_with_progress: " << error.what() << '\n';
        return EXIT_FAILURE;
    }
    if (!std::cout) {
        std::cerr << "save_with_progress: cannot write to standard output\n";
        return EXIT_FAILURE;
    }
}
