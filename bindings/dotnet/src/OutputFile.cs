using System;
using System.IO;

namespace SellercloudOutput
{
    /// <summary>
    /// A job's output file in native memory. Dispose it to free that memory; undisposed files are finalized.
    /// </summary>
    /// <remarks>
    /// Several threads may use a file at the same time. After <see cref="Dispose"/>, every other member throws
    /// <see cref="ObjectDisposedException"/>. A file remains usable after its client is disposed.
    /// </remarks>
    public sealed class OutputFile : IDisposable
    {
        private readonly OutputFileHandle handle;
        private readonly IntPtr data;
        private readonly string name;
        private readonly bool isFallbackName;
        private readonly string contentType;
        private readonly long length;

        /// <summary>Takes ownership of the handle.</summary>
        internal OutputFile(OutputFileHandle handle)
        {
            this.handle = handle;
            data = NativeMethods.sco_output_file_data(handle);
            name = Utf8.Read(NativeMethods.sco_output_file_name(handle));
            isFallbackName = NativeMethods.sco_output_file_is_fallback_name(handle) != 0;
            contentType = Utf8.Read(NativeMethods.sco_output_file_content_type(handle));
            length = (long)NativeMethods.sco_output_file_size(handle);
            handle.AddMemoryPressure(length);
        }

        /// <summary>
        /// Gets the name of the file. The name is safe on Windows and Unix: it is never empty, never a path, and has at
        /// most 255 bytes in UTF-8.
        /// </summary>
        /// <exception cref="ObjectDisposedException">The file was disposed.</exception>
        public string Name
        {
            get
            {
                ThrowIfDisposed();
                return name;
            }
        }

        /// <summary>Gets a value indicating whether <see cref="Name"/> is a fallback name.</summary>
        /// <value>
        /// <see langword="true"/> if the server sent no usable name, so that the name is "output-{job}" with the
        /// extension of the content type, if that is known; otherwise, <see langword="false"/>.
        /// </value>
        /// <exception cref="ObjectDisposedException">The file was disposed.</exception>
        public bool IsFallbackName
        {
            get
            {
                ThrowIfDisposed();
                return isFallbackName;
            }
        }

        /// <summary>
        /// Gets the Content-Type of the response, such as "text/csv; charset=utf-8", or <see langword="null"/> if there
        /// was none. A server that sends base64 may name the type of that text, such as JSON, and not the type of the
        /// file.
        /// </summary>
        /// <exception cref="ObjectDisposedException">The file was disposed.</exception>
        public string ContentType
        {
            get
            {
                ThrowIfDisposed();
                return contentType;
            }
        }

        /// <summary>Gets the size of the file in bytes.</summary>
        /// <exception cref="ObjectDisposedException">The file was disposed.</exception>
        public long Length
        {
            get
            {
                ThrowIfDisposed();
                return length;
            }
        }

        /// <summary>Returns a span over the file's bytes, without a copy.</summary>
        /// <returns>A read-only span over the native memory.</returns>
        /// <remarks>
        /// The span does not keep the file alive. Use it only before the file is disposed or finalized, such as inside
        /// the <c>using</c> statement of the file. A span that is used later reads freed memory.
        /// </remarks>
        /// <exception cref="InvalidOperationException">
        /// The file has 2 GiB or more. Use <see cref="AsStream"/> instead.
        /// </exception>
        /// <exception cref="ObjectDisposedException">The file was disposed.</exception>
        public unsafe ReadOnlySpan<byte> AsSpan()
        {
            return new ReadOnlySpan<byte>((void*)data, IntLength());
        }

        /// <summary>
        /// Returns a read-only, seekable stream over the file's bytes, without a copy. The file may have any size.
        /// </summary>
        /// <returns>A new stream with its position at the beginning.</returns>
        /// <remarks>
        /// Each call returns an independent stream. One thread at a time may use a stream. A stream keeps the memory of
        /// an undisposed file alive. After the file is disposed, the stream throws
        /// <see cref="ObjectDisposedException"/>. The stream itself holds no resources, so that disposing it is
        /// optional.
        /// </remarks>
        /// <exception cref="ObjectDisposedException">The file was disposed.</exception>
        public Stream AsStream()
        {
            ThrowIfDisposed();
            return new OutputFileStream(handle, data, length);
        }

        /// <summary>Copies the file's bytes to a new array.</summary>
        /// <returns>The new array.</returns>
        /// <exception cref="InvalidOperationException">
        /// The file has 2 GiB or more. Use <see cref="AsStream"/> instead.
        /// </exception>
        /// <exception cref="ObjectDisposedException">The file was disposed.</exception>
        public byte[] ToArray()
        {
            var bytes = new byte[IntLength()];
            handle.Copy(data, bytes, 0, bytes.Length);
            return bytes;
        }

        /// <summary>
        /// Saves the file in a directory under its name. The file appears there complete or not at all, with the
        /// permissions that the process gives new files.
        /// </summary>
        /// <param name="directory">
        /// An existing directory; "." is the current directory. An empty path is rejected.
        /// </param>
        /// <param name="options">
        /// The options <see cref="CallOptions.FileName"/>, <see cref="CallOptions.IfExists"/> and
        /// <see cref="CallOptions.FlushToDisk"/>, or <see langword="null"/> for the defaults. Other options are not
        /// used.
        /// </param>
        /// <returns>The name and path of the saved file.</returns>
        /// <exception cref="ArgumentNullException"><paramref name="directory"/> is <see langword="null"/>.</exception>
        /// <exception cref="ArgumentException">
        /// A string contains a NUL character or an unpaired surrogate, or a time is negative.
        /// </exception>
        /// <exception cref="SellercloudException">
        /// <see cref="SellercloudErrorKind.Io"/> if the file cannot be written, or if a file of the same name exists
        /// and <see cref="CallOptions.IfExists"/> is <see cref="IfExists.Fail"/>;
        /// <see cref="SellercloudErrorKind.InvalidArgument"/> if an argument or option is invalid.
        /// </exception>
        /// <exception cref="ObjectDisposedException">The file was disposed.</exception>
        public OutputFileInfo Save(string directory, CallOptions options = null)
        {
            ThrowIfDisposed();
            if (directory == null)
            {
                throw new ArgumentNullException(nameof(directory));
            }
            using (var native = (options ?? new CallOptions()).ToNative())
            using (var path = new NativeText(directory, nameof(directory)))
            {
                var status = NativeMethods.sco_output_file_save(handle, path, native, out var info, out var error);
                using (info)
                {
                    SellercloudException.ThrowIfFailed(status, error);
                    return new OutputFileInfo(info);
                }
            }
        }

        /// <summary>
        /// Frees the file's memory. Streams over the file throw <see cref="ObjectDisposedException"/> afterwards, and
        /// spans over it must no longer be used. Further calls have no effect.
        /// </summary>
        public void Dispose()
        {
            handle.Dispose();
        }

        private void ThrowIfDisposed()
        {
            if (handle.IsDisposed)
            {
                throw new ObjectDisposedException(nameof(OutputFile));
            }
        }

        private int IntLength()
        {
            if (Length > int.MaxValue)
            {
                throw new InvalidOperationException(
                    "The file has " + length + " bytes, which is more than an array or a span can hold. Use AsStream "
                    + "or Save instead.");
            }
            return (int)length;
        }
    }
}
