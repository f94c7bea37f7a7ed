# To be sourced by scripts that install the system packages they need.

# Installs the named Debian packages, if any, or prints why it cannot.
install_packages() {
    local problem=''
    [ $# -gt 0 ] || return 0
    command -v apt-get >/dev/null || problem="install these first: $*"
    [ "$(id -u)" = 0 ] || problem=${problem:-"these are missing, and only root can install them: apt-get install $*"}
    if [ -n "$problem" ]; then
        printf 'FAILED: %s\n' "$problem" >&2
        return 1
    fi
    echo "installing $*"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -qq -y --no-install-recommends "$@" >/dev/null
}
