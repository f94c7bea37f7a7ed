// Loads the output file of a job, a CSV file, into a table of a SQLite database while it is
// downloaded.
//
//     stream_to_sqlite DATABASE TABLE JOB
//
// The first row names the columns. The table appears complete or not at all, and an existing one is
// replaced: the rows go to a temporary table, which becomes the table after the download has
// succeeded. The database is not locked before. If the program is killed, the database is unchanged.
//
// The library does not retry a download once it has passed on the first bytes, because it cannot
// take them back. Client::save_output_file does retry.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <functional>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sqlite3.h>

#include "sellercloud_output.hpp"

namespace sco = sellercloud_output;

using Row = std::vector<std::string>;

// Splits CSV text (RFC 4180) that arrives in chunks into rows.
class CsvParser {
public:
    explicit CsvParser(std::function<void(const Row &)> on_row) : on_row_(std::move(on_row)) {}

    void parse(std::string_view chunk)
    {
        for (const char character : chunk)
            parse(character);
    }

    // Passes on a last row that does not end with a line break.
    void finish()
    {
        if (state_ == State::quoted)
            throw std::runtime_error("the CSV file ends within quotation marks");
        if (!row_.empty() || !field_.empty() || state_ == State::after_quote)
            end_row();
    }

private:
    enum class State { plain, quoted, after_quote };

    void parse(char character)
    {
        if (state_ == State::quoted) {
            if (character == '"')
                state_ = State::after_quote;
            else
                append(character);
        } else if (character == '"' && (state_ == State::after_quote || field_.empty())) {
            // A field may begin with a quotation mark. Two in a quoted field stand for one.
            if (state_ == State::after_quote)
                append(character);
            state_ = State::quoted;
        } else if (character == ',') {
            end_field();
        } else if (character == '\n') {
            end_row();
        } else if (character != '\r') {
            append(character);
        }
    }

    void append(char character)
    {
        // A quotation mark that is missing must not fill the memory.
        constexpr std::size_t max_field_size = 1 << 20;
        if (field_.size() == max_field_size)
            throw std::runtime_error("a field of the CSV file is larger than 1 MiB");
        field_ += character;
        if (is_first_row_ && row_.empty() && field_ == "\xEF\xBB\xBF")
            field_.clear(); // the byte order mark of UTF-8
    }

    void end_field()
    {
        row_.push_back(std::exchange(field_, {}));
        state_ = State::plain;
    }

    void end_row()
    {
        end_field();
        on_row_(row_);
        row_.clear();
        is_first_row_ = false;
    }

    std::function<void(const Row &)> on_row_;
    State state_ = State::plain;
    bool is_first_row_ = true;
    std::string field_;
    Row row_;
};

class Database {
public:
    explicit Database(const char *path)
    {
        sqlite3 *handle = nullptr;
        const int result = sqlite3_open(path, &handle);
        handle_.reset(handle); // SQLite returns a handle even for a database that it cannot open
        check(result);
        // Another program may be writing to the database.
        sqlite3_busy_timeout(handle, 60'000);
    }

    void execute(const std::string &sql)
    {
        check(sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr));
    }

    void prepare(const std::string &sql)
    {
        sqlite3_stmt *statement = nullptr;
        check(sqlite3_prepare_v2(handle_.get(), sql.c_str(), -1, &statement, nullptr));
        statement_.reset(statement);
    }

    // Executes the prepared statement with these values.
    void insert(const Row &values)
    {
        int index = 0;
        for (const auto &value : values)
            check(sqlite3_bind_text64(statement_.get(), ++index, value.data(), value.size(),
                                      SQLITE_STATIC, SQLITE_UTF8));
        sqlite3_step(statement_.get());
        check(sqlite3_reset(statement_.get())); // returns the error of the step, if it failed
    }

private:
    template <auto free>
    struct Free {
        template <typename T>
        void operator()(T *handle) const
        {
            free(handle);
        }
    };

    void check(int result)
    {
        if (result != SQLITE_OK)
            throw std::runtime_error(sqlite3_errmsg(handle_.get()));
    }

    // Closing the database rolls back a transaction that was not committed.
    std::unique_ptr<sqlite3, Free<sqlite3_close>> handle_;
    std::unique_ptr<sqlite3_stmt, Free<sqlite3_finalize>> statement_;
};

// Quotes a name that may contain anything for SQL.
static std::string quoted(const std::string &name)
{
    std::string sql = "\"";
    for (const char character : name)
        sql.append(character == '"' ? 2 : 1, character);
    return sql + '"';
}

// Copies rows into a table that replaces another one when all rows are there.
class TableLoader {
public:
    TableLoader(Database &database, std::string table)
        : database_(database), table_(std::move(table))
    {
    }

    void add(const Row &row)
    {
        ++rows_;
        if (rows_ == 1)
            create(row);
        else if (row.size() != columns_)
            throw std::runtime_error("row " + std::to_string(rows_) + " of the CSV file has "
                                     + std::to_string(row.size()) + " fields instead of "
                                     + std::to_string(columns_));
        else
            database_.insert(row);
    }

    void commit()
    {
        if (rows_ == 0)
            throw std::runtime_error("the CSV file is empty");
        database_.execute("DROP TABLE IF EXISTS main." + quoted(table_));
        database_.execute("CREATE TABLE main." + quoted(table_) + " AS SELECT * FROM temp.rows");
        database_.execute("COMMIT");
    }

    // The number of rows without the first one.
    std::size_t size() const { return rows_ - 1; }

private:
    void create(const Row &names)
    {
        columns_ = names.size();
        std::string columns, values;
        for (const auto &name : names) {
            columns += (columns.empty() ? "" : ", ") + quoted(name) + " TEXT";
            values += values.empty() ? "?" : ", ?";
        }
        // The transaction locks the database only when commit() uses its tables.
        database_.execute("BEGIN");
        database_.execute("CREATE TEMP TABLE rows (" + columns + ")");
        database_.prepare("INSERT INTO temp.rows VALUES (" + values + ")");
    }

    Database &database_;
    const std::string table_;
    std::size_t columns_ = 0;
    std::size_t rows_ = 0;
};

int main(int argc, char **argv)
{
    if (argc != 4) {
        std::cerr << "Usage: stream_to_sqlite DATABASE TABLE JOB\n";
        return 2;
    }
    try {
        const auto job_id = sco::Client::parse_job_id(argv[3]);
        const sco::Client client(std::getenv("SELLERCLOUD_SERVER"),
                                 std::getenv("SELLERCLOUD_TOKEN"));
        Database database(argv[1]);
        TableLoader loader(database, argv[2]);
        CsvParser parser([&loader](const Row &row) { loader.add(row); });
        // An exception of the function ends the download, and the call throws it.
        const auto file = client.write_output_file(
            job_id, [&parser](sco::ByteView chunk) { parser.parse(chunk.text()); });
        // The call has succeeded, so these are all rows.
        parser.finish();
        loader.commit();
        std::cout << file.name << ": " << loader.size() << " rows" << std::endl;
    } catch (const std::exception &error) {
        std::cerr << "stream_to_sqlite: " << error.what() << '\n';
        return EXIT_FAILURE;
    }
    if (!std::cout) {
        std::cerr << "stream_to_sqlite: cannot write to standard output\n";
        return EXIT_FAILURE;
    }
}
