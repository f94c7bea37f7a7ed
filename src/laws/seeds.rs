//! The laws, tried on chosen inputs: each form that there is, and whatever once broke a law.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::TARGETS;

fn entries(folder: &Path) -> BTreeSet<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn every_seed_keeps_the_laws() {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    // Cargo leaves this in a package, which holds no seeds.
    if project.join("Cargo.toml.orig").exists() {
        return;
    }
    let all = project.join("fuzz/seeds");
    let folders = TARGETS.map(|(name, _)| all.join(name));
    assert_eq!(entries(&all), BTreeSet::from(folders));
    for (name, law) in TARGETS {
        let seeds = entries(&all.join(name));
        assert!(seeds.len() >= 5, "{name}: {} seeds", seeds.len());
        for seed in seeds {
            // Shown where a law is broken.
            println!("{}", seed.display());
            law(&fs::read(seed).unwrap());
        }
    }
}
