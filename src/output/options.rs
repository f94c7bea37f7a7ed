//! The options of saving a file.

/// Options of saving a file: its name, what to do if it exists, and whether to wait for the
/// disk.
///
/// # Examples
///
/// ```no_run
/// use sellercloud_output::{Client, IfExists, SaveOptions};
///
/// let client = Client::builder("tt").token("the-bearer-token").build()?;
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
    /// Sets the name of the file. Default: the name that the server sends.
    ///
    /// The name must be a single name of at most 255 bytes: not a path, not `.` or `..`, without
    /// NUL and, on Windows, without characters that Windows rejects. Names that begin with
    /// `.sellercloud-output-` and end with `.part` are reserved for temporary files. Any other
    /// name fails with [`InvalidArgument`](crate::ErrorKind::InvalidArgument) before a request
    /// is sent.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use sellercloud_output::SaveOptions;
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    ///
    /// let options = SaveOptions::default().file_name("orders.csv");
    /// let saved = client.call().save_options(options).save_output_file(28142, "exports")?;
    /// assert!(saved.path.ends_with("orders.csv"));
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn file_name(mut self, name: impl Into<String>) -> Self {
        self.file_name = Some(name.into());
        self
    }

    /// Sets what to do if a file with the same name exists. Default: [`IfExists::Fail`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use sellercloud_output::{IfExists, SaveOptions};
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    ///
    /// let options = SaveOptions::default().if_exists(IfExists::Replace);
    /// let saved = client.call().save_options(options).save_output_file(28142, "exports")?;
    /// println!("{}", saved.path.display());
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn if_exists(mut self, if_exists: IfExists) -> Self {
        self.if_exists = if_exists;
        self
    }

    /// Sets whether to wait until the file and its name are on the disk, so that even a power
    /// failure neither loses nor truncates it. Default: `true`.
    ///
    /// It has no effect on file systems that do not support it. If the file system reports a
    /// failure, saving fails.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use sellercloud_output::SaveOptions;
    /// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
    ///
    /// let options = SaveOptions::default().flush_to_disk(false);
    /// let saved = client.call().save_options(options).save_output_file(28142, "exports")?;
    /// println!("{}", saved.path.display());
    /// # Ok::<(), sellercloud_output::Error>(())
    /// ```
    pub fn flush_to_disk(mut self, enabled: bool) -> Self {
        self.flush_to_disk = enabled;
        self
    }
}

/// What to do if a file with the same name exists.
///
/// Every choice is free of races between threads and processes. Some file systems support neither
/// hard links nor renaming without replacing (SMB, vboxsf, many FUSE file systems). On those,
/// `Fail` and `KeepBoth` are free of races only between programs that use this library on the
/// same computer.
///
/// # Examples
///
/// ```no_run
/// use sellercloud_output::{IfExists, SaveOptions};
/// # let client = sellercloud_output::Client::builder("tt").token("the-bearer-token").build()?;
///
/// let options = SaveOptions::default().if_exists(IfExists::KeepBoth);
/// let saved = client.call().save_options(options).save_output_file(28142, "exports")?;
/// println!("{} is saved as {}", saved.name, saved.path.display());
/// # Ok::<(), sellercloud_output::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum IfExists {
    /// Fails with [`Io`](crate::ErrorKind::Io) and
    /// [`AlreadyExists`](std::io::ErrorKind::AlreadyExists). The existing file is unchanged.
    #[default]
    Fail,
    /// Replaces the existing file. A program that has it open continues to read the old one.
    ///
    /// The new file has the permissions of the old one and, if the process is allowed to set
    /// them, its owner and group, but not its access control lists. A symbolic link is replaced
    /// itself; its target is unchanged. A directory, device, pipe or socket is an error.
    Replace,
    /// Keeps both files. The new file has the first free name of `report (1).csv`,
    /// `report (2).csv` and so on.
    KeepBoth,
}
