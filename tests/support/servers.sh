# Sourced by the tests of C, C++, .NET, Python and the documentation. Starts the mock servers, and
# runs the programs of the README and the shared list of calls against them.

# Starts the mock servers and exports their addresses and secrets: MOCK_SERVER and others.
start_servers() {
    cargo build --locked --package mock_server
    coproc SERVERS { exec "${CARGO_TARGET_DIR:-target}/debug/mock_server"; }
    local name value
    while IFS='=' read -r name value <&"${SERVERS[0]}" && [ -n "$name" ]; do
        export "$name=$value"
    done
    echo "${MOCK_SERVER:?the mock servers did not start}"
}

# Stops the mock servers. Fails if they exit with an error.
stop_servers() {
    eval "exec ${SERVERS[1]}>&-"
    wait "$SERVERS_PID"
}

# Prints the README's program in a language: the first line of its code block is ```LANGUAGE.
readme_program() {
    python3 -B tests/support/inputs.py program "$1"
}

# Runs a compiled program of the README in a new directory below the second argument. The program
# must save the file of job 28142, and must fail with a wrong token.
check_readme_program() {
    local program directory
    program=$(realpath "$1")
    directory=$(mktemp -d "$2/directory.XXXXXX")
    (cd "$directory" && SELLERCLOUD_SERVER=$MOCK_SERVER SELLERCLOUD_TOKEN=$MOCK_SERVER_TOKEN "$program")
    cmp "$directory/Orders é 2026-11-23.csv" tests/fixtures/orders.csv
    if (cd "$directory" && SELLERCLOUD_SERVER=$MOCK_SERVER SELLERCLOUD_TOKEN=wrong "$program"); then
        echo "FAILED: the README's program succeeded with a wrong token" >&2
        return 1
    fi
}

# Runs a program that makes the calls listed in tests/conformance/calls, and compares its output with
# the list. tests/conformance/README.md describes the format.
check_conformance() {
    local directory
    directory=$(mktemp -d)
    mkdir "$directory/saved"
    FIXTURES=tests/fixtures DIRECTORY=$directory/saved \
        python3 -B tests/support/inputs.py calls >"$directory/calls" || return 1
    "$@" "$directory/calls" >"$directory/results" || return 1
    diff -u "$directory/calls" "$directory/results" || return 1
    echo "$(grep -c '^call: ' "$directory/calls") calls have the results in tests/conformance/calls"
    rm -r "$directory"
}
