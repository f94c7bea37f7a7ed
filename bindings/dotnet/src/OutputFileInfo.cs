namespace SellercloudOutput
{
    /// <summary>What is known of an output file that was saved or copied. Immutable.</summary>
    public sealed class OutputFileInfo
    {
        /// <summary>Copies what the handle holds.</summary>
        internal OutputFileInfo(FileInfoHandle info)
        {
            Name = Utf8.Read(NativeMethods.sco_file_info_name(info));
            NameIsMadeUp = NativeMethods.sco_file_info_name_is_made_up(info) != 0;
            ContentType = Utf8.Read(NativeMethods.sco_file_info_content_type(info));
            Length = (long)NativeMethods.sco_file_info_len(info);
            Path = Utf8.Read(NativeMethods.sco_file_info_path(info));
        }

        /// <summary>
        /// The server's name for the file, safe on Windows and Unix: never a path, never empty, at most 255 bytes of
        /// UTF-8. It may be saved under another: see <see cref="Path"/>.
        /// </summary>
        public string Name { get; }

        /// <summary>
        /// Whether the server gave no name that could be used, so that the name is "output-{job}" with the extension
        /// of the content type, if that is known.
        /// </summary>
        public bool NameIsMadeUp { get; }

        /// <summary>
        /// The answer's Content-Type, such as "text/csv; charset=utf-8"; null if it had none. Servers that send base64
        /// may name the type of the text (JSON, say) and not that of the file.
        /// </summary>
        public string ContentType { get; }

        /// <summary>How many bytes the file has.</summary>
        public long Length { get; }

        /// <summary>
        /// Where the file is: in the folder that was given, which may be a relative path. Null if it was not saved.
        /// </summary>
        public string Path { get; }
    }
}
