//! Reads the text files of a directory tree.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Text files by their path relative to the directory that was read, with `/` as separator.
pub(crate) type Tree = BTreeMap<String, String>;

/// Directories that tools write to. They hold no source of this project.
const GENERATED_DIRECTORIES: [&str; 10] = [
    "target",
    "build",
    "dist",
    "bin",
    "obj",
    "runtimes",
    "notices",
    "__pycache__",
    ".venv",
    ".pytest_cache",
];

/// Adds the text files at `path`, a file or a directory below `root`, to `tree`.
///
/// Files that are not UTF-8 and directories that tools write to are left out.
///
/// # Errors
///
/// Returns a message that names the path if it cannot be read.
pub(crate) fn read(root: &Path, path: &str, tree: &mut Tree) -> Result<(), String> {
    let full = root.join(path);
    let failed = |error| format!("cannot read {}: {error}", full.display());
    if full.is_dir() {
        for entry in fs::read_dir(&full).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_directory = entry.file_type().map_err(failed)?.is_dir();
            if !(is_directory && is_generated(&name)) {
                let separator = if path.is_empty() { "" } else { "/" };
                read(root, &format!("{path}{separator}{name}"), tree)?;
            }
        }
    } else if let Ok(text) = String::from_utf8(fs::read(&full).map_err(failed)?) {
        tree.insert(path.to_owned(), text);
    }
    Ok(())
}

fn is_generated(name: &str) -> bool {
    GENERATED_DIRECTORIES.contains(&name) || name.ends_with(".egg-info")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_directory_skips_generated_and_binary_files() {
        let root = std::env::temp_dir().join(format!("xtask-files-{}", std::process::id()));
        fs::create_dir_all(root.join("a/bin")).unwrap();
        fs::create_dir_all(root.join("a/b")).unwrap();
        fs::write(root.join("a/bin/skipped.cs"), "text").unwrap();
        fs::write(root.join("a/b/kept.cs"), "text").unwrap();
        fs::write(root.join("a/library.dll"), b"\xff\xfe").unwrap();
        let mut tree = Tree::new();
        let result = read(&root, "a", &mut tree);
        let missing = read(&root, "absent", &mut Tree::new());
        fs::remove_dir_all(&root).unwrap();
        result.unwrap();
        assert_eq!(tree.keys().collect::<Vec<_>>(), ["a/b/kept.cs"]);
        assert!(missing.unwrap_err().contains("absent"));
    }
}
