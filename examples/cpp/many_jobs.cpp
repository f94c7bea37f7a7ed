// Saves the output files of many jobs in a directory, a few at the same time.
//
//     many_jobs DIRECTORY JOB...
//
// Prints the path of each file, and the error of each job that failed. One failure does not stop the
// other jobs. The exit code is 0 only if all of them succeeded. Ctrl-C cancels all downloads, and
// the exit code is then 130.

#include <atomic>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "sellercloud_output.hpp"

namespace sco = sellercloud_output;

// More calls at the same time are rarely faster, because servers limit the rate of requests.
constexpr std::size_t max_threads = 4;

// A handler and several threads use it, so it must be atomic without a lock.
static std::atomic<int> received_signal{0};
static_assert(std::atomic<int>::is_always_lock_free);

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

// Saves jobs on several threads, which use the same client, and with it one login.
class Pool {
public:
    Pool(const sco::Client &client, std::string directory, std::vector<std::string> jobs)
        : client_(client), directory_(std::move(directory)), jobs_(std::move(jobs))
    {
        // Several jobs may have files of the same name.
        options_.save.if_exists = sco::IfExists::keep_both;
        options_.interrupt = [] { return received_signal == 0; };
    }

    // Returns whether all files were saved.
    bool run()
    {
        std::vector<std::thread> threads;
        threads.reserve(max_threads);
        try {
            while (threads.size() + 1 < max_threads && threads.size() + 1 < jobs_.size())
                threads.emplace_back(&Pool::save_jobs, this);
        } catch (const std::system_error &) {
            // If the system has no more threads, the ones that run do all the work.
        }
        save_jobs();
        for (auto &thread : threads)
            thread.join();
        return saved_ == jobs_.size();
    }

private:
    void save_jobs() noexcept
    {
        for (auto job = next_++; job < jobs_.size() && received_signal == 0; job = next_++)
            save(jobs_[job]);
    }

    void save(const std::string &job) noexcept
    {
        try {
            const auto job_id = sco::Client::parse_job_id(job);
            const auto saved = client_.save_output_file(job_id, directory_, options_);
            ++saved_;
            const std::lock_guard<std::mutex> lock(output_);
            std::cout << saved.path << '\n';
        } catch (const std::exception &error) {
            const std::lock_guard<std::mutex> lock(output_);
            std::cerr << "many_jobs: " << error.what() << '\n';
        }
    }

    const sco::Client &client_;
    const std::string directory_;
    const std::vector<std::string> jobs_;
    sco::CallOptions options_;
    std::atomic<std::size_t> next_{0};
    std::atomic<std::size_t> saved_{0};
    std::mutex output_; // keeps the lines of the threads apart
};

int main(int argc, char **argv)
{
    if (argc < 3) {
        std::cerr << "Usage: many_jobs DIRECTORY JOB...\n";
        return 2;
    }
    handle_signal(SIGINT);
    handle_signal(SIGTERM);
    handle_signal(SIGHUP);
    // A reader of standard output that ends early must not end the downloads.
    std::signal(SIGPIPE, SIG_IGN);
    try {
        const sco::Client client(std::getenv("SELLERCLOUD_SERVER"),
                                 std::getenv("SELLERCLOUD_TOKEN"));
        Pool pool(client, argv[1], {argv + 2, argv + argc});
        // A signal that comes after the last download changes nothing.
        if (!pool.run())
            return received_signal != 0 ? 128 + received_signal : EXIT_FAILURE;
    } catch (const std::exception &error) {
        std::cerr << "many_jobs: " << error.what() << '\n';
        return EXIT_FAILURE;
    }
    if (!std::cout.flush()) {
        std::cerr << "many_jobs: cannot write to standard output\n";
        return EXIT_FAILURE;
    }
}
