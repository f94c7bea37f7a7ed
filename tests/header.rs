//! Checks that the committed C header is what the sources say. To write it again:
//! `SCO_WRITE_HEADER=1 cargo test --test header`

use std::path::Path;

fn generated_header() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut config = cbindgen::Config::from_file(root.join("cbindgen.toml")).unwrap();
    config.header = Some(std::fs::read_to_string(root.join("src/ffi/header.txt")).unwrap());
    // cbindgen follows the modules from there.
    let bindings = cbindgen::Builder::new()
        .with_config(config)
        .with_src(root.join("src/ffi/mod.rs"))
        .generate()
        .unwrap();
    let mut generated = Vec::new();
    bindings.write(&mut generated);
    // An attribute such as [[nodiscard]] must come before __declspec(dllimport).
    String::from_utf8(generated)
        .unwrap()
        .replace("SCO_API\nSCO_NODISCARD\n", "SCO_NODISCARD SCO_API\n")
}

#[test]
fn header_committed_equals_generated() {
    let generated = generated_header();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("include/sellercloud_output.h");
    if std::env::var_os("SCO_WRITE_HEADER").is_some() {
        std::fs::write(&path, &generated).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == generated,
        "include/sellercloud_output.h is stale; write it again with \
         SCO_WRITE_HEADER=1 cargo test --test header"
    );
}

#[test]
fn version_macros_equal_the_package_version() {
    let header = generated_header();
    for (name, version) in [
        ("MAJOR", env!("CARGO_PKG_VERSION_MAJOR")),
        ("MINOR", env!("CARGO_PKG_VERSION_MINOR")),
        ("PATCH", env!("CARGO_PKG_VERSION_PATCH")),
    ] {
        let line = format!("#define SCO_VERSION_{name} {version}");
        assert!(header.lines().any(|l| l == line), "{line} is missing");
    }
}
