# To be sourced: the stand-in servers that the tests of other languages talk to.

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
