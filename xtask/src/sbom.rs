//! Writes a software bill of materials in the format CycloneDX.

use crate::packages::{Id, LIBRARY, Package, Packages};
use serde_json::{Value, json};

/// Returns the bill of materials of the library, in the version 1.5 of the format.
///
/// It is the same for the same packages, so that it has no time and no serial number.
pub(crate) fn document(packages: &Packages, rust_version: &str) -> Value {
    let rust = format!("rust@{rust_version}");
    let mut library = Value::Null;
    let mut components = vec![json!({
        "type": "library",
        "bom-ref": rust,
        "name": "Rust standard library",
        "version": rust_version,
        "licenses": [{"expression": "MIT OR Apache-2.0"}],
        "purl": format!("pkg:github/rust-lang/{rust}"),
    })];
    let mut dependencies = vec![json!({"ref": rust, "dependsOn": []})];
    for (id, package) in packages {
        let is_library = id.0 == LIBRARY;
        let mut depends_on: Vec<String> = package.dependencies.iter().map(reference).collect();
        if is_library {
            library = component(id, package);
            depends_on.push(rust.clone());
        } else {
            components.push(component(id, package));
        }
        dependencies.push(json!({"ref": reference(id), "dependsOn": depends_on}));
    }
    json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": library},
        "components": components,
        "dependencies": dependencies,
    })
}

fn component(id: &Id, package: &Package) -> Value {
    let mut value = json!({
        "type": "library",
        "bom-ref": reference(id),
        "name": id.0,
        "version": id.1,
        "licenses": [{"expression": package.license}],
        // A version may contain a plus sign, which a package URL encodes.
        "purl": format!("pkg:cargo/{}@{}", id.0, id.1.replace('+', "%2B")),
    });
    if !package.checksum.is_empty() {
        value["hashes"] = json!([{"alg": "SHA-256", "content": package.checksum}]);
    }
    if !package.repository.is_empty() {
        value["externalReferences"] = json!([{"type": "vcs", "url": package.repository}]);
    }
    value
}

fn reference((name, version): &Id) -> String {
    format!("{name}@{version}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn document_lists_each_package_and_its_dependencies() {
        let id = |name: &str, version: &str| (name.to_owned(), version.to_owned());
        let library = Package {
            dependencies: BTreeSet::from([id("a", "2.0.0+b")]),
            license: "MIT".to_owned(),
            ..Package::default()
        };
        let a = Package {
            license: "ISC".to_owned(),
            repository: "https://host/a".to_owned(),
            checksum: "12ab".to_owned(),
            ..Package::default()
        };
        let packages = Packages::from([(id(LIBRARY, "1.0.0"), library), (id("a", "2.0.0+b"), a)]);
        let document = document(&packages, "1.89.0");
        assert_eq!(
            document["metadata"]["component"],
            json!({
                "type": "library",
                "bom-ref": "sellercloud-output@1.0.0",
                "name": "sellercloud-output",
                "version": "1.0.0",
                "licenses": [{"expression": "MIT"}],
                "purl": "pkg:cargo/sellercloud-output@1.0.0",
            })
        );
        assert_eq!(document["components"][0]["bom-ref"], "rust@1.89.0");
        assert_eq!(
            document["components"][1],
            json!({
                "type": "library",
                "bom-ref": "a@2.0.0+b",
                "name": "a",
                "version": "2.0.0+b",
                "licenses": [{"expression": "ISC"}],
                "purl": "pkg:cargo/a@2.0.0%2Bb",
                "hashes": [{"alg": "SHA-256", "content": "12ab"}],
                "externalReferences": [{"type": "vcs", "url": "https://host/a"}],
            })
        );
        assert_eq!(
            document["dependencies"],
            json!([
                {"ref": "rust@1.89.0", "dependsOn": []},
                {"ref": "a@2.0.0+b", "dependsOn": []},
                {"ref": "sellercloud-output@1.0.0", "dependsOn": ["a@2.0.0+b", "rust@1.89.0"]},
            ])
        );
    }
}
