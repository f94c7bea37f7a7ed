namespace SellercloudOutput
{
    /// <summary>A description of an output file that was saved or written to a stream. Immutable.</summary>
    public sealed class OutputFileInfo
    {
        /// <summary>Copies the values of a handle, which remains the caller's.</summary>
        internal OutputFileInfo(FileInfoHandle info)
        {
            Name = Utf8.Read(NativeMethods.sco_file_info_name(info));
            IsFallbackName = NativeMethods.sco_file_info_is_fallback_name(info) != 0;
            ContentType = Utf8.Read(NativeMethods.sco_file_info_content_type(info));
            Length = (long)NativeMethods.sco_file_info_size(info);
            Path = Utf8.Read(NativeMethods.sco_file_info_path(info));
        }

        /// <summary>
        /// Gets the server's name for the file. The name is safe on Windows and Unix: it is never empty, never a path,
        /// and has at most 255 bytes in UTF-8. The saved file may have another name: see <see cref="Path"/>.
        /// </summary>
        public string Name { get; }

        /// <summary>Gets a value indicating whether <see cref="Name"/> is a fallback name.</summary>
        /// <value>
        /// <see langword="true"/> if the server sent no usable name, so that the name is "output-{job}" with the
        /// extension of the content type, if that is known; otherwise, <see langword="false"/>.
        /// </value>
        public bool IsFallbackName { get; }

        /// <summary>
        /// Gets the Content-Type of the response, such as "text/csv; charset=utf-8", or <see langword="null"/> if there
        /// was none. A server that sends base64 may name the type of that text, such as JSON, and not the type of the
        /// file.
        /// </summary>
        public string ContentType { get; }

        /// <summary>Gets the size of the file in bytes.</summary>
        public long Length { get; }

        /// <summary>
        /// Gets the path of the saved file, or <see langword="null"/> if the file was written to a stream. The path
        /// begins with the directory that was passed to the call, and is relative if that is. If the process changed
        /// its working directory during the call, the path is absolute.
        /// </summary>
        public string Path { get; }
    }
}
