# To be sourced by scripts that need unstable options of Rust, such as sanitizers.

# Chooses the toolchain for everything that the script runs: RUSTUP_TOOLCHAIN if it is set,
# else nightly, else the default one. A toolchain other than nightly gets RUSTC_BOOTSTRAP,
# which allows unstable options.
use_unstable_toolchain() {
    if [ -z "${RUSTUP_TOOLCHAIN:-}" ] && rustc +nightly --version >/dev/null 2>&1; then
        export RUSTUP_TOOLCHAIN=nightly
    fi
    is_nightly=yes
    case $(rustc --version) in
        *-nightly* | *-dev*) ;;
        *)
            is_nightly=
            export RUSTC_BOOTSTRAP=1
            ;;
    esac
    printf 'with %s%s\n' "$(rustc --version)" "${RUSTC_BOOTSTRAP:+ and its unstable options}"
}
