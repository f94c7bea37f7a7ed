//! A file that appears whole or not at all.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::Error;
use crate::error::About;

/// Writes `bytes` to a new file `name` in `folder`, which must exist. Gives the
/// file's path. A file that is there already is left alone and is an error.
///
/// The bytes go to a temporary file beside the target, which gets its name
/// only once they are on the disk.
pub(crate) fn save(folder: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf, Error> {
    if Path::new(name).file_name() != Some(OsStr::new(name)) {
        return Err(Error::InvalidArgument(format!(
            "{name:?} is not a file name but a path"
        )));
    }
    let path = folder.join(name);
    let fail = |source: io::Error| Error::Io {
        about: About::default(),
        action: format!("cannot save {}", path.display()),
        path: Some(path.clone()),
        source: source.into(),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".sellercloud-output-").suffix(".part");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // What the process's umask leaves of it, as for any new file.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder).map_err(fail)?;
    file.write_all(bytes).map_err(fail)?;
    file.as_file().sync_all().map_err(fail)?;
    file.persist_noclobber(&path)
        .map_err(|error| fail(error.error))?;
    Ok(path)
}
