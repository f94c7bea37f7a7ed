/*
 * Makes the calls of a list (tests/conformance/README.md) and prints the list with the
 * results.
 *
 *     conformance LIST
 */

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>

#include "sellercloud_output.hpp"

namespace sco = sellercloud_output;

namespace {

/* The inputs of one record. */
class Record {
public:
    void add(const std::string &line)
    {
        std::cout << line << '\n';
        const auto colon = line.find(": ");
        inputs_[line.substr(0, colon)] = line.substr(colon + 2);
    }

    void make() const
    {
        try {
            make_call();
        } catch (const sco::Error &error) {
            print(error);
        }
    }

private:
    std::map<std::string, std::string> inputs_;

    std::optional<std::string> input(const std::string &key) const
    {
        const auto found = inputs_.find(key);
        if (found == inputs_.end())
            return std::nullopt;
        return found->second;
    }

    std::int64_t number(const std::string &key, std::int64_t fallback) const
    {
        const auto value = input(key);
        return value ? std::stoll(*value) : fallback;
    }

    static std::string variable(const char *name)
    {
        const char *value = std::getenv(name);
        return value == nullptr ? "" : value;
    }

    static std::string content_of(const std::filesystem::path &path)
    {
        std::ifstream file(path, std::ios::binary);
        std::ostringstream content;
        content << file.rdbuf();
        return content.str();
    }

    sco::ClientOptions client_options() const
    {
        sco::ClientOptions options;
        options.initial_backoff = std::chrono::milliseconds(1);
        options.max_backoff = std::chrono::milliseconds(10);
        options.retry_server_errors = number("retry_server_errors", 0) != 0;
        options.max_attempts = static_cast<unsigned>(number("max_attempts", 1));
        options.server = input("server").value_or(variable("MOCK_SERVER"));
        options.team = input("team");
        options.team_lookup_url = input("team_lookup_url");
        options.token = input("token");
        options.user_name = input("user_name");
        options.password = input("password");
        if (!input("token") && !input("user_name") && !input("no_token"))
            options.token = variable("MOCK_SERVER_TOKEN");
        options.body_encoding = static_cast<sco::BodyEncoding>(number("body_encoding", SCO_BODY_BASE64));
        if (input("max_file_size"))
            options.max_file_size = static_cast<std::uint64_t>(number("max_file_size", 0));
        options.allow_plain_http = number("allow_plain_http", 0) != 0;
        options.proxy = input("proxy");
        options.user_agent_suffix = input("user_agent_suffix");
        if (input("ca"))
            options.ca_certificates = content_of(*input("ca"));
        return options;
    }

    sco::CallOptions call_options() const
    {
        sco::CallOptions options;
        if (input("timeout"))
            options.timeout = std::chrono::milliseconds(number("timeout", 0));
        if (input("cancelled"))
            options.cancel_token.emplace().cancel();
        options.save.file_name = input("file_name");
        options.save.if_exists = static_cast<sco::IfExists>(number("if_exists", SCO_IF_EXISTS_FAIL));
        options.wait.initial_interval = std::chrono::milliseconds(1);
        options.wait.max_interval = std::chrono::milliseconds(5);
        options.wait.grace = std::chrono::milliseconds(50);
        options.wait.fail_on_hold = number("fail_on_hold", 1) != 0;
        return options;
    }

    void make_call() const
    {
        const std::string call = input("call").value();
        if (call == "parse_job_id")
            return print("id", sco::Client::parse_job_id(input("job").value()));
        const sco::Client client(client_options());
        const auto options = call_options();
        const auto job = number("job", 0);
        const auto directory = input("directory").value_or("");
        if (call == "get_output_file") {
            print(client.get_output_file(job, options));
        } else if (call == "output_file_save") {
            print(client.get_output_file(job, options).save(directory, options.save));
        } else if (call == "save_output_file") {
            print(client.save_output_file(job, directory, options));
        } else if (call == "write_output_file") {
            std::string written;
            const auto write = [&](sco::ByteView bytes) { written += bytes.text(); };
            const auto info = client.write_output_file(job, write, options);
            print(info, written);
        } else if (call == "get_job") {
            print(client.get_job(job, options));
        } else if (call == "wait_for_job") {
            print(client.wait_for_job(job, options));
        } else if (call == "wait_for_output_file") {
            const auto [ended, file] = client.wait_for_output_file(job, options);
            print(ended);
            print(file);
        } else if (call == "wait_and_save_output_file") {
            const auto [ended, info] = client.wait_and_save_output_file(job, directory, options);
            print(ended);
            print(info);
        } else if (call == "wait_and_write_output_file") {
            std::string written;
            const auto write = [&](sco::ByteView bytes) { written += bytes.text(); };
            const auto ended_and_info = client.wait_and_write_output_file(job, write, options);
            print(ended_and_info.first);
            print(ended_and_info.second, written);
        } else {
            throw std::invalid_argument(call);
        }
    }

    template <typename Value>
    static void print(std::string_view key, const Value &value)
    {
        std::ostringstream text;
        text << value;
        std::cout << "> " << key << ": ";
        for (const char letter : text.str()) {
            if (letter == '\r')
                std::cout << "\\r";
            else if (letter == '\n')
                std::cout << "\\n";
            else
                std::cout << letter;
        }
        std::cout << '\n';
    }

    template <typename Value>
    static void print(std::string_view key, const std::optional<Value> &value)
    {
        if (value)
            print(key, *value);
    }

    void print_bytes(std::string_view bytes) const
    {
        if (const auto sample = input("sample"))
            print("bytes", content_of(*sample) == bytes ? "equal" : "different");
    }

    void print(const sco::OutputFile &file) const
    {
        print("name", file.name());
        print("is_fallback_name", file.is_fallback_name());
        print("content_type", file.content_type());
        print("size", file.size());
        print_bytes(file.bytes().text());
    }

    /* Compares the bytes that were written. */
    void print(const sco::WrittenFile &info, std::string_view written) const
    {
        print_properties(info);
        print_bytes(written);
    }

    /* Compares the bytes that were saved. */
    void print(const sco::SavedFile &info) const
    {
        print_properties(info);
        print_bytes(content_of(info.path));
        print("path", info.path.text());
    }

    static void print_properties(const sco::WrittenFile &info)
    {
        print("name", info.name);
        print("is_fallback_name", info.is_fallback_name);
        print("content_type", info.content_type);
        print("size", info.size);
    }

    static void print(const sco::Job &job)
    {
        print("id", job.id());
        print("status", static_cast<std::int32_t>(job.status()));
        print("status_name", job.status_name());
        print("is_final", job.is_final());
        for (int field = SCO_JOB_TEXT_TYPE; field <= SCO_JOB_TEXT_INPUT_FILE; field++)
            print("text " + std::to_string(field), job.text(static_cast<sco::JobTextField>(field)));
        for (int field = SCO_JOB_NUMBER_COMPANY_ID; field <= SCO_JOB_NUMBER_TOTAL_PROCESSED_IN_PHASE; field++)
            print("number " + std::to_string(field), job.number(static_cast<sco::JobNumberField>(field)));
    }

    static void print(const sco::Error &error)
    {
        print("kind", static_cast<std::int32_t>(error.kind()));
        print("message", error.what());
        print("http_status", error.http_status());
        print("attempts", error.attempts());
        print("is_retryable", error.is_retryable());
        if (const auto time = error.retry_after())
            print("retry_after_ms", time->count());
        if (error.os_error())
            print("os_error", error.os_error().value());
        print("job_id", error.job_id());
        if (const auto job = error.job())
            print(*job);
        for (const auto &line : error.job_log())
            print("job_log_line", line);
    }
};

} // namespace

int main(int argc, char **argv)
{
    std::ifstream list(argc == 2 ? argv[1] : "");
    if (!list) {
        std::cerr << "usage: conformance LIST\n";
        return 1;
    }
    Record record;
    for (std::string line; std::getline(list, line);) {
        if (line.empty()) {
            record.make();
            record = Record();
            std::cout << '\n';
        } else if (line.rfind("> ", 0) != 0) {
            record.add(line);
        }
    }
    record.make();
    return 0;
}
