//! How to save a file.

/// How to save a file.
///
/// ```no_run
/// use sellercloud_output::{Client, IfExists, SaveOptions};
///
/// let client = Client::builder("tt").token("the bearer token").build()?;
/// let options = SaveOptions::default()
///     .file_name("orders.csv")
///     .if_exists(IfExists::KeepBoth);
/// let saved = client.call().save_options(options).save_output_file(28142, "exports")?;
/// println!("{}", saved.path.display());
/// # Ok::<(), sellercloud_output::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct SaveOptions {
    pub(crate) file_name: Option<String>,
    pub(crate) if_exists: IfExists,
    pub(crate) flush_to_disk: bool,
}

impl Default for SaveOptions {
    fn default() -> Self {
        Self {
            file_name: None,
            if_exists: IfExists::default(),
            flush_to_disk: true,
        }
    }
}

impl SaveOptions {
    /// Sets the file's name. Default: the server's name.
    ///
    /// It must be a single name of at most 255 bytes: no path, not `.` or `..`, without NUL
    /// and, on Windows, without what Windows rejects. Names that begin with
    /// `.sellercloud-output-` and end in `.part` are for temporary files. Any other name is
    /// an [`InvalidArgument`](crate::ErrorKind::InvalidArgument) before anything is sent.
    pub fn file_name(mut self, name: impl Into<String>) -> Self {
        self.file_name = Some(name.into());
        self
    }

    /// Sets what to do if a file of that name exists. Default: [`IfExists::Fail`].
    pub fn if_exists(mut self, if_exists: IfExists) -> Self {
        self.if_exists = if_exists;
        self
    }

    /// Sets whether to wait until the file and its name are on the disk, so that not even a
    /// power failure loses it or leaves half of it. Default: `true`.
    ///
    /// A file system that cannot do that is not an error; one that fails to do it is.
    pub fn flush_to_disk(mut self, enabled: bool) -> Self {
        self.flush_to_disk = enabled;
        self
    }
}

/// What to do if a file of the same name exists.
///
/// Each choice is free of races among threads and processes. On file systems that offer neither
/// hard links nor a rename that replaces nothing (SMB, vboxsf, many in FUSE), `Fail` and
/// `KeepBoth` are free of races among the users of this library on one computer.
///
/// See [`SaveOptions`] for an example.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum IfExists {
    /// Fails with [`Io`](crate::ErrorKind::Io) and
    /// [`AlreadyExists`](std::io::ErrorKind::AlreadyExists), and leaves the existing file alone.
    #[default]
    Fail,
    /// Replaces the existing file. A program that has it open continues to read the old one.
    ///
    /// The new file gets the permissions of the old one and, as far as the process may, its
    /// owner and group; not its access control lists. A symbolic link is itself replaced;
    /// what it points to stays. A directory, device, pipe or socket is an error.
    Replace,
    /// Keeps both: saves the file under the first free name of `report (1).csv`,
    /// `report (2).csv` and so on.
    KeepBoth,
}
