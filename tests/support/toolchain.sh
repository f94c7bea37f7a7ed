# Sourced by scripts that need unstable options of Rust, such as sanitizers.

# Selects the toolchain for the rest of the script: RUSTUP_TOOLCHAIN if it is set, otherwise nightly
# if it is installed, otherwise the default toolchain. Allows unstable options on a toolchain that
# is not nightly. Sets `is_nightly` to `yes` or to the empty string.
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
    printf 'using %s%s\n' "$(rustc --version)" "${RUSTC_BOOTSTRAP:+ with unstable options}"
}
