# To be sourced. Starts the mock servers for the tests of other languages, and runs the
# README's programs and the list of calls that all languages share against them.

# Starts the mock servers, and exports where they are: STAND_IN and the like.
start_servers() {
    cargo build --locked --package mock_server
    coproc SERVERS { exec "${CARGO_TARGET_DIR:-target}/debug/mock_server"; }
    local name value
    while IFS='=' read -r name value <&"${SERVERS[0]}" && [ -n "$name" ]; do
        export "$name=$value"
    done
    echo "${STAND_IN:?the mock servers did not start}"
}

# Stops the mock servers. Fails if they failed.
stop_servers() {
    eval "exec ${SERVERS[1]}>&-"
    wait "$SERVERS_PID"
}

# Prints the README's program in a language.
readme_program() {
    awk -v start="\`\`\`$1" '$0 == start {inside = 1; next} /^```/ {inside = 0} inside' README.md
}

# check_readme_program PROGRAM DIRECTORY: runs the README's program, built, in an empty
# directory below DIRECTORY. It must save job 28142's file, and fail with a wrong token.
check_readme_program() {
    local program directory
    program=$(realpath "$1")
    directory=$(mktemp -d "$2/directory.XXXXXX")
    (cd "$directory" && SELLERCLOUD_SERVER=$STAND_IN SELLERCLOUD_TOKEN=$STAND_IN_TOKEN "$program")
    cmp "$directory/Orders é 2026-11-23.csv" tests/samples/orders.csv
    if (cd "$directory" && SELLERCLOUD_SERVER=$STAND_IN SELLERCLOUD_TOKEN=wrong "$program"); then
        echo "FAILED: the README's program succeeded with a wrong token" >&2
        return 1
    fi
}

# check_conformance PROGRAM...: runs a program that makes the calls of the list that all
# languages share, and compares its output with the list. See tests/conformance/README.md.
check_conformance() {
    local directory
    directory=$(mktemp -d)
    mkdir "$directory/saved"
    SAMPLES=tests/samples FOLDER=$directory/saved awk '
        !/^#/ {
            while (match($0, /\{[A-Z_]+(:host)?\}/)) {
                name = substr($0, RSTART + 1, RLENGTH - 2)
                value = ENVIRON[name]
                if (sub(/:host$/, "", name)) {
                    value = ENVIRON[name]
                    gsub(/^[a-z]+:\/\/|\/.*$/, "", value)
                }
                $0 = substr($0, 1, RSTART - 1) value substr($0, RSTART + RLENGTH)
            }
            print
        }' tests/conformance/calls >"$directory/calls"
    "$@" "$directory/calls" >"$directory/responses" || return 1
    diff -u "$directory/calls" "$directory/responses" || return 1
    echo "$(grep -c '^call: ' "$directory/calls") calls with the results in tests/conformance/calls"
    rm -r "$directory"
}
