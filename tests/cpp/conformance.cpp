/*
 * Makes the calls of a list (tests/conformance/README.md) and prints it with the answers.
 *
 *     conformance LIST
 */

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>

#include "sellercloud_output.hpp"

namespace sco = sellercloud_output;

namespace {

/* The questions of the record at hand, and the answers to them. */
class Record {
public:
    void ask(const std::string &line)
    {
        std::cout << line << '\n';
        const auto colon = line.find(": ");
        questions_[line.substr(0, colon)] = line.substr(colon + 2);
    }

    void answer() const
    {
        try {
            make_call();
        } catch (const sco::Error &error) {
            tell(error);
        }
    }

private:
    std::map<std::string, std::string> questions_;

    std::optional<std::string> asked(const std::string &key) const
    {
        const auto found = questions_.find(key);
        if (found == questions_.end())
            return std::nullopt;
        return found->second;
    }

    std::int64_t number(const std::string &key, std::int64_t otherwise) const
    {
        const auto value = asked(key);
        return value ? std::stoll(*value) : otherwise;
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
        options.server = asked("server").value_or(variable("STAND_IN"));
        options.team = asked("team");
        options.team_lookup_url = asked("team_lookup_url");
        options.token = asked("token");
        options.user_name = asked("user_name");
        options.password = asked("password");
        if (!options.token && !options.user_name && !asked("no_token"))
            options.token = variable("STAND_IN_TOKEN");
        options.body_encoding = static_cast<sco::BodyEncoding>(number("body_encoding", SCO_BODY_BASE64));
        if (asked("max_file_size"))
            options.max_file_size = static_cast<std::uint64_t>(number("max_file_size", 0));
        options.allow_plain_http = number("allow_plain_http", 0) != 0;
        options.proxy = asked("proxy");
        if (asked("ca"))
            options.ca_certificates = content_of(*asked("ca"));
        return options;
    }

    sco::CallOptions call_options() const
    {
        sco::CallOptions options;
        if (asked("timeout"))
            options.timeout = std::chrono::milliseconds(number("timeout", 0));
        if (asked("cancelled"))
            options.cancel_token.emplace().cancel();
        options.save.file_name = asked("file_name");
        options.save.if_exists = static_cast<sco::IfExists>(number("if_exists", SCO_IF_EXISTS_FAIL));
        options.wait.initial_interval = std::chrono::milliseconds(1);
        options.wait.max_interval = std::chrono::milliseconds(5);
        options.wait.grace = std::chrono::milliseconds(50);
        options.wait.fail_on_hold = number("fail_on_hold", 1) != 0;
        return options;
    }

    void make_call() const
    {
        const std::string call = asked("call").value();
        if (call == "parse_job_id")
            return tell("id", sco::Client::parse_job_id(asked("job").value()));
        const sco::Client client(client_options());
        const auto options = call_options();
        const auto job = number("job", 0);
        const auto directory = asked("directory").value_or("");
        if (call == "get_output_file") {
            tell(client.get_output_file(job, options));
        } else if (call == "output_file_save") {
            tell(client.get_output_file(job, options).save(directory, options.save), "");
        } else if (call == "save_output_file") {
            tell(client.save_output_file(job, directory, options), "");
        } else if (call == "write_output_file") {
            std::string written;
            const auto write = [&](sco::ByteView bytes) { written += bytes.text(); };
            const auto info = client.write_output_file(job, write, options);
            tell(info, written);
        } else if (call == "get_job") {
            tell(client.get_job(job, options));
        } else if (call == "wait_for_job") {
            tell(client.wait_for_job(job, options));
        } else if (call == "wait_for_output_file") {
            const auto [ended, file] = client.wait_for_output_file(job, options);
            tell(ended);
            tell(file);
        } else if (call == "wait_and_save_output_file") {
            const auto [ended, info] = client.wait_and_save_output_file(job, directory, options);
            tell(ended);
            tell(info, "");
        } else if (call == "wait_and_write_output_file") {
            std::string written;
            const auto write = [&](sco::ByteView bytes) { written += bytes.text(); };
            const auto ended_and_info = client.wait_and_write_output_file(job, write, options);
            tell(ended_and_info.first);
            tell(ended_and_info.second, written);
        } else {
            throw std::invalid_argument(call);
        }
    }

    template <typename Value>
    static void tell(std::string_view key, const Value &value)
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
    static void tell(std::string_view key, const std::optional<Value> &value)
    {
        if (value)
            tell(key, *value);
    }

    void tell_bytes(std::string_view bytes) const
    {
        if (const auto sample = asked("sample"))
            tell("bytes", content_of(*sample) == bytes ? "equal" : "different");
    }

    void tell(const sco::OutputFile &file) const
    {
        tell("name", file.name());
        tell("is_fallback_name", file.is_fallback_name());
        tell("content_type", file.content_type());
        tell("size", file.size());
        tell_bytes(file.bytes().text());
    }

    /* The bytes are those that were written, or are read back from where they were saved. */
    void tell(const sco::FileInfo &info, std::string_view written) const
    {
        tell("name", info.name);
        tell("is_fallback_name", info.is_fallback_name);
        tell("content_type", info.content_type);
        tell("size", info.size);
        if (info.path.empty())
            return tell_bytes(written);
        tell_bytes(content_of(info.path));
        tell("path", sco::detail::utf8(info.path));
    }

    static void tell(const sco::Job &job)
    {
        tell("id", job.id());
        tell("status", static_cast<std::int32_t>(job.status()));
        tell("status_name", job.status_name());
        tell("is_final", job.is_final());
        for (int field = SCO_JOB_TEXT_TYPE; field <= SCO_JOB_TEXT_INPUT_FILE; field++)
            tell("text " + std::to_string(field), job.text(static_cast<sco_job_text_field>(field)));
        for (int field = SCO_JOB_NUMBER_COMPANY_ID; field <= SCO_JOB_NUMBER_TOTAL_PROCESSED_IN_PHASE; field++)
            tell("number " + std::to_string(field), job.number(static_cast<sco_job_number_field>(field)));
    }

    static void tell(const sco::Error &error)
    {
        tell("kind", static_cast<std::int32_t>(error.kind()));
        tell("message", error.what());
        tell("http_status", error.http_status());
        tell("attempts", error.attempts());
        tell("is_retryable", error.is_retryable());
        if (const auto time = error.retry_after())
            tell("retry_after_ms", time->count());
        if (error.os_error())
            tell("os_error", error.os_error().value());
        tell("job_id", error.job_id());
        if (const auto job = error.job())
            tell(*job);
        for (const auto &line : error.job_log())
            tell("job_log_line", line);
    }
};

} // namespace

int main(int argc, char **argv)
{
    std::ifstream list(argc == 2 ? argv[1] : "");
    if (!list) {
        std::cerr << "conformance: give it the list\n";
        return 1;
    }
    Record record;
    for (std::string line; std::getline(list, line);) {
        if (line.empty()) {
            record.answer();
            record = Record();
            std::cout << '\n';
        } else if (line.rfind("> ", 0) != 0) {
            record.ask(line);
        }
    }
    record.answer();
    return 0;
}
