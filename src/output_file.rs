//! What a caller is given of an output file.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::About;
use crate::save::Directory;
use crate::{Error, JobId, SaveOptions};

/// A job's output file, in memory.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OutputFile {
    /// The job whose output it is.
    pub job: JobId,
    /// A file name that is safe on Windows and Unix: never a path, never
    /// empty, at most 255 bytes.
    pub name: String,
    /// Whether the server gave no name that could be used, so that `name` is
    /// `output-{job}` with the extension of the content type, if that is known.
    pub name_is_made_up: bool,
    /// The file.
    pub bytes: Vec<u8>,
    /// The answer's Content-Type. Servers that send base64 may name the type
    /// of the text (JSON, say) and not that of the file.
    pub content_type: Option<String>,
}

impl OutputFile {
    /// Saves the file under its name in `directory`, which must exist; returns its
    /// path. The file appears whole or not at all. The current directory is `"."`.
    ///
    /// # Errors
    ///
    /// [`Io`](crate::ErrorKind::Io), with the path; also if a file of that
    /// name exists, which is left alone.
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) if `directory` is empty or the
    /// name is not a file name.
    pub fn save(&self, directory: impl AsRef<Path>) -> Result<PathBuf, Error> {
        self.save_with(directory, &SaveOptions::default())
    }

    /// Saves the file as [`save`](Self::save) does, but as `options` have it.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn save_with(
        &self,
        directory: impl AsRef<Path>,
        options: &SaveOptions,
    ) -> Result<PathBuf, Error> {
        let save = || {
            let directory = Directory::open(directory.as_ref(), options)?;
            let mut file = directory.begin(Some(&self.name))?;
            file.write(&self.bytes)?;
            file.publish(&self.name)
        };
        save().map_err(|error| {
            error.of(About {
                job: Some(self.job.get()),
                attempts: 0,
            })
        })
    }
}

impl fmt::Debug for OutputFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutputFile")
            .field("job", &self.job)
            .field("name", &self.name)
            .field("name_is_made_up", &self.name_is_made_up)
            .field("bytes", &format_args!("[{} bytes]", self.bytes.len()))
            .field("content_type", &self.content_type)
            .finish()
    }
}

/// An output file that was written to a writer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WrittenFile {
    /// The job whose output it is.
    pub job: JobId,
    /// Its name, as [`OutputFile::name`].
    pub name: String,
    /// As [`OutputFile::name_is_made_up`].
    pub name_is_made_up: bool,
    /// How many bytes the file has.
    pub len: u64,
    /// As [`OutputFile::content_type`].
    pub content_type: Option<String>,
}

/// An output file that was saved.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SavedFile {
    /// The job whose output it is.
    pub job: JobId,
    /// Where it is: in the directory that was passed, which may be a relative path. If the
    /// process changed its working directory during the call, the path is absolute.
    pub path: PathBuf,
    /// The server's name for it, as [`OutputFile::name`]. The path may end in
    /// another, where the options say so.
    pub name: String,
    /// As [`OutputFile::name_is_made_up`].
    pub name_is_made_up: bool,
    /// How many bytes the file has.
    pub len: u64,
    /// As [`OutputFile::content_type`].
    pub content_type: Option<String>,
}
