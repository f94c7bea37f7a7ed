//! Downloaded files, as callers receive them.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::{Context, Error};
use crate::model::JobId;
use crate::output::{Directory, SaveOptions};

/// The output file of a job, in memory.
///
/// # Examples
///
/// ```no_run
/// use sellercloud_output::Client;
///
/// let client = Client::builder("tt").token("the-bearer-token").build()?;
/// let file = client.get_output_file(28142)?;
/// println!("{}: {} bytes", file.name, file.bytes.len());
/// # Ok::<(), sellercloud_output::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub struct OutputFile {
    /// The id of the job that the file is the output of.
    pub job_id: JobId,
    /// The file name, safe on Windows and Unix: never a path, never empty, at most 255 bytes long.
    pub name: String,
    /// Whether the server sent no usable name. `name` is then `output-{job}`, with the
    /// extension of the content type if that is known.
    pub is_fallback_name: bool,
    /// The content of the file.
    pub bytes: Vec<u8>,
    /// The response's Content-Type. Servers that send base64 may name the type of the response
    /// (such as JSON) instead of the file's.
    pub content_type: Option<String>,
}

impl OutputFile {
    /// Saves the file under its name in `directory`, which must exist, and returns its path. The
    /// file appears completely or not at all. The current directory is `"."`.
    ///
    /// # Errors
    ///
    /// [`Io`](crate::ErrorKind::Io), with the path, if the file cannot be saved, or if a file of
    /// that name exists. The existing file is not changed.
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) if `directory` is empty or the
    /// name is not a file name.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    /// let path = client.get_output_file(28142)?.save("exports")?;
    /// println!("saved as {}", path.display());
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn save(&self, directory: impl AsRef<Path>) -> Result<PathBuf, Error> {
        self.save_with(directory, &SaveOptions::default())
    }

    /// Saves the file as [`save`](Self::save) does, with options.
    ///
    /// # Errors
    ///
    /// As [`save`](Self::save), but an existing file is an error only with
    /// [`IfExists::Fail`](crate::IfExists::Fail).
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use sellercloud_output::{IfExists, SaveOptions};
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    ///
    /// let options = SaveOptions::default().if_exists(IfExists::Replace);
    /// client.get_output_file(28142)?.save_with("exports", &options)?;
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
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
            error.with_context(Context {
                job_id: Some(self.job_id),
                attempts: 0,
            })
        })
    }
}

impl fmt::Debug for OutputFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutputFile")
            .field("job_id", &self.job_id)
            .field("name", &self.name)
            .field("is_fallback_name", &self.is_fallback_name)
            .field("bytes", &format_args!("[{} bytes]", self.bytes.len()))
            .field("content_type", &self.content_type)
            .finish()
    }
}

/// An output file that was written to a writer, for example by
/// [`Client::write_output_file`](crate::Client::write_output_file).
///
/// # Examples
///
/// ```no_run
/// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
/// let written = client.write_output_file(28142, &mut std::io::stdout())?;
/// eprintln!("{}: {} bytes", written.name, written.size);
/// # Ok::<(), sellercloud_output::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WrittenFile {
    /// The id of the job that the file is the output of.
    pub job_id: JobId,
    /// The file name, as [`OutputFile::name`].
    pub name: String,
    /// Whether the name is a fallback, as [`OutputFile::is_fallback_name`].
    pub is_fallback_name: bool,
    /// The size of the file, in bytes.
    pub size: u64,
    /// The response's Content-Type, as [`OutputFile::content_type`].
    pub content_type: Option<String>,
}

/// An output file that was saved in a directory, for example by
/// [`Client::save_output_file`](crate::Client::save_output_file).
///
/// # Examples
///
/// ```no_run
/// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
/// let saved = client.save_output_file(28142, "exports")?;
/// println!("{}: {} bytes", saved.path.display(), saved.size);
/// # Ok::<(), sellercloud_output::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SavedFile {
    /// The id of the job that the file is the output of.
    pub job_id: JobId,
    /// The path of the file: in the directory that was passed, which may be a relative path. If
    /// the process changed its working directory during the call, the path is absolute.
    pub path: PathBuf,
    /// The server's name for the file, as [`OutputFile::name`]. With
    /// [`SaveOptions::file_name`](crate::SaveOptions::file_name) or
    /// [`IfExists::KeepBoth`](crate::IfExists::KeepBoth) the path may end in another name.
    pub name: String,
    /// Whether the name is a fallback, as [`OutputFile::is_fallback_name`].
    pub is_fallback_name: bool,
    /// The size of the file, in bytes.
    pub size: u64,
    /// The response's Content-Type, as [`OutputFile::content_type`].
    pub content_type: Option<String>,
}
