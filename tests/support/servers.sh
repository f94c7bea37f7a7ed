# To be sourced: the stand-in servers that the tests of other languages talk to, and
# the README's programs and the list of all languages against them.

# Starts them, and exports where they are: STAND_IN and the like.
start_servers() {
    cargo build --locked --example stand_in
    coproc SERVERS { exec "${CARGO_TARGET_DIR:-target}/debug/examples/stand_in"; }
    local name value
    while IFS='=' read -r name value <&"${SERVERS[0]}" && [ -n "$name" ]; do
        export "$name=$value"
    done
    echo "${STAND_IN:?it did not start}"
}

# Stops them; fails where they have.
stop_servers() {
    eval "exec ${SERVERS[1]}>&-"
    wait "$SERVERS_PID"
}

# The README's program in a language, as it is printed there.
readme_program() {
    awk -v start="\`\`\`$1" '$0 == start {inside = 1; next} /^```/ {inside = 0} inside' README.md
}

# Runs it, built, in an empty folder below the given one: it saves job 28142's file,
# and fails with a wrong token.
check_readme_program() {
    local program folder
    program=$(realpath "$1")
    folder=$(mktemp -d "$2/folder.XXXXXX")
    (cd "$folder" && SELLERCLOUD_SERVER=$STAND_IN SELLERCLOUD_TOKEN=$STAND_IN_TOKEN "$program")
    cmp "$folder/Orders é 2026-11-23.csv" tests/samples/orders.csv
    if (cd "$folder" && SELLERCLOUD_SERVER=$STAND_IN SELLERCLOUD_TOKEN=wrong "$program"); then
        echo "FAILED: the README's program succeeded with a wrong token" >&2
        return 1
    fi
}

# Runs a program that makes the calls of the list that all languages share, and compares
# what it prints with the list: see tests/conformance/README.md.
check_conformance() {
    local folder
    folder=$(mktemp -d)
    mkdir "$folder/saved"
    SAMPLES=tests/samples FOLDER=$folder/saved awk '
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
        }' tests/conformance/calls >"$folder/calls"
    "$@" "$folder/calls" >"$folder/answers" || return 1
    diff -u "$folder/calls" "$folder/answers" || return 1
    echo "$(grep -c '^call: ' "$folder/calls") calls answered as in tests/conformance/calls"
    rm -r "$folder"
}
