# Sourced by scripts that install the system packages they need.

# Installs the named Debian packages, or prints why it cannot and fails. Without arguments it does
# nothing.
install_packages() {
    local problem=''
    [ $# -gt 0 ] || return 0
    command -v apt-get >/dev/null || problem="these packages are missing: $*. Install them first"
    [ "$(id -u)" = 0 ] || problem=${problem:-"these packages are missing. As root, run: apt-get install $*"}
    if [ -n "$problem" ]; then
        printf 'FAILED: %s\n' "$problem" >&2
        return 1
    fi
    echo "installing $*"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -qq -y --no-install-recommends "$@" >/dev/null
}
