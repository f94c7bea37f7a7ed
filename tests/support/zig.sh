# Sourced by tests that need a newer compiler than the system has.

# Installs zig, a compiler for C and C++ with a standard library of its own, from PyPI into a
# directory of the build, and sets the array zig to its command. Needs python3 with venv.
install_zig() {
    local venv
    venv=$(realpath -m "${CARGO_TARGET_DIR:-target}")/zig
    if [ ! -e "$venv/done" ]; then
        rm -rf "$venv"
        python3 -m venv "$venv"
        "$venv/bin/pip" install --quiet --disable-pip-version-check 'ziglang<1'
        touch "$venv/done"
    fi
    export ZIG_GLOBAL_CACHE_DIR=$venv/cache
    zig=("$venv/bin/python" -m ziglang)
}
