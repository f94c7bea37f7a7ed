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
        .replace("SCO_API SCO_NODISCARD ", "SCO_NODISCARD SCO_API ")
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

/// Returns the functions of the header: the macros, the type of the result and the name of each.
fn functions(header: &str) -> Vec<(String, String, String)> {
    let declarations = header.split("*/").filter_map(|part| {
        let part = part.trim_start();
        let is_function = part.starts_with("SCO_API") || part.starts_with("SCO_NODISCARD");
        is_function.then(|| part.split_once('(').unwrap().0)
    });
    declarations
        .map(|declaration| {
            let words: Vec<_> = declaration.split_whitespace().collect();
            let macros = words
                .iter()
                .take_while(|word| word.starts_with("SCO_"))
                .count();
            let (macros, rest) = words.split_at(macros);
            let (name, result) = rest.split_last().unwrap();
            let stars = name.len() - name.trim_start_matches('*').len();
            let result = format!("{} {}", result.join(" "), &name[..stars]);
            (
                macros.join(" "),
                result.trim_end().to_owned(),
                name[stars..].to_owned(),
            )
        })
        .collect()
}

#[test]
fn statuses_and_new_handles_must_be_used() {
    let functions = functions(&generated_header());
    for name in ["sco_client_new", "sco_call_options_new", "sco_version"] {
        assert!(
            functions.iter().any(|function| function.2 == name),
            "{name} is not found"
        );
    }
    for (macros, result, name) in functions {
        let is_handle = result.starts_with("sco_") && result.ends_with('*');
        let expected = match result == "sco_status" || is_handle {
            true => "SCO_NODISCARD SCO_API",
            false => "SCO_API",
        };
        assert_eq!(macros, expected, "{result} {name}");
    }
}
