namespace SellercloudOutput
{
    /// <summary>Specifies what happens if a file of the same name already exists in the directory.</summary>
    public enum IfExists
    {
        /// <summary>
        /// The call fails with <see cref="SellercloudErrorKind.Io"/>. The existing file is not changed.
        /// </summary>
        Fail = 501,

        /// <summary>
        /// The new file replaces the existing file. A program that has the existing file open continues to read it.
        /// </summary>
        Replace = 502,

        /// <summary>
        /// Both files are kept. The new file is saved under the first free name of "report (1).csv",
        /// "report (2).csv", and so on.
        /// </summary>
        KeepBoth = 503,
    }
}
