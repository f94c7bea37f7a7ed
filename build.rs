//! Sets the shared library's name for the linker, which includes the version of its ABI. A program
//! that is linked against the library looks for this name at run time.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // By the rule of Cargo and cargo-c, each major version may break the ABI, and before 1.0.0
    // each minor version.
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
