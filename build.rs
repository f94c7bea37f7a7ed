//! Names the shared library for the linker, so that a program linked against
//! it by path looks for it by name at run time. Writes nothing.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let name = match std::env::var("CARGO_CFG_TARGET_OS").as_deref() {
        Ok("macos") => "-Wl,-install_name,@rpath/libsellercloud_output.dylib",
        Ok("windows") => return,
        _ => "-Wl,-soname,libsellercloud_output.so",
    };
    println!("cargo::rustc-cdylib-link-arg={name}");
}
