//! Names the shared library for the linker, with the version of its ABI: that is the
//! name that a program linked against it looks for at run time. Writes nothing.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // What Cargo, and cargo-c, take for a release that may break: before 1.0.0 each minor
    // one, else each major one.
    let abi = match (
        env!("CARGO_PKG_VERSION_MAJOR"),
        env!("CARGO_PKG_VERSION_MINOR"),
    ) {
        ("0", minor) => format!("0.{minor}"),
        (major, _) => major.to_owned(),
    };
    let name = match std::env::var("CARGO_CFG_TARGET_OS").as_deref() {
        Ok("macos") => format!("-install_name,@rpath/libsellercloud_output.{abi}.dylib"),
        Ok("windows") => return,
        _ => format!("-soname,libsellercloud_output.so.{abi}"),
    };
    println!("cargo::rustc-cdylib-link-arg=-Wl,{name}");
}
