using System;
using System.IO;

namespace SellercloudOutput
{
    /// <summary>
    /// A job's output file, in native memory until it is disposed of. Any number of threads may use it. After
    /// <see cref="Dispose"/> every member throws <see cref="ObjectDisposedException"/>.
    /// </summary>
    public sealed class OutputFile : IDisposable
    {
        private readonly OutputFileHandle handle;
        private readonly IntPtr data;
        private readonly string name;
        private readonly bool nameIsMadeUp;
        private readonly string contentType;
        private readonly long length;

        /// <summary>Takes the handle over.</summary>
        internal OutputFile(OutputFileHandle handle)
        {
            this.handle = handle;
            data = NativeMethods.sco_output_file_data(handle);
            name = Utf8.Read(NativeMethods.sco_output_file_name(handle));
            nameIsMadeUp = NativeMethods.sco_output_file_name_is_made_up(handle) != 0;
            contentType = Utf8.Read(NativeMethods.sco_output_file_content_type(handle));
            length = (long)NativeMethods.sco_output_file_len(handle);
            handle.AddPressure(length);
        }

        /// <summary>
        /// The file's name, safe on Windows and Unix: never a path, never empty, at most 255 bytes of UTF-8.
        /// </summary>
        /// <exception cref="ObjectDisposedException">The file was disposed of.</exception>
        public string Name
        {
            get
            {
                ThrowIfDisposed();
                return name;
            }
        }

        /// <summary>
        /// Whether the server gave no name that could be used, so that the name is "output-{job}" with the extension
        /// of the content type, if that is known.
        /// </summary>
        /// <exception cref="ObjectDisposedException">The file was disposed of.</exception>
        public bool NameIsMadeUp
        {
            get
            {
                ThrowIfDisposed();
                return nameIsMadeUp;
            }
        }

        /// <summary>
        /// The answer's Content-Type, such as "text/csv; charset=utf-8"; null if it had none. Servers that send base64
        /// may name the type of the text (JSON, say) and not that of the file.
        /// </summary>
        /// <exception cref="ObjectDisposedException">The file was disposed of.</exception>
        public string ContentType
        {
            get
            {
                ThrowIfDisposed();
                return contentType;
            }
        }

        /// <summary>How many bytes the file has.</summary>
        /// <exception cref="ObjectDisposedException">The file was disposed of.</exception>
        public long Length
        {
            get
            {
                ThrowIfDisposed();
                return length;
            }
        }

        /// <summary>
        /// The file's bytes, without a copy. The span does not keep the file: use it inside of the
        /// <c>using (file)</c>, and not after.
        /// </summary>
        /// <returns>A view of the native memory, which is there until the file is disposed of or collected.</returns>
        /// <exception cref="InvalidOperationException">
        /// The file has 2 GiB or more: use <see cref="AsStream"/>.
        /// </exception>
        /// <exception cref="ObjectDisposedException">The file was disposed of.</exception>
        public unsafe ReadOnlySpan<byte> AsSpan()
        {
            return new ReadOnlySpan<byte>((void*)data, IntLength());
        }

        /// <summary>
        /// A stream over the file's bytes, without a copy: for reading and seeking, whatever the file's size. Each
        /// call gives one of its own, from the beginning; one thread at a time may use it.
        /// </summary>
        /// <returns>
        /// A stream that keeps the memory while it is in use itself, and that throws
        /// <see cref="ObjectDisposedException"/> once the file was disposed of. It need not be disposed of.
        /// </returns>
        /// <exception cref="ObjectDisposedException">The file was disposed of.</exception>
        public Stream AsStream()
        {
            ThrowIfDisposed();
            return new OutputFileStream(handle, data, length);
        }

        /// <summary>A copy of the file's bytes.</summary>
        /// <returns>A new array.</returns>
        /// <exception cref="InvalidOperationException">
        /// The file has 2 GiB or more: use <see cref="AsStream"/>.
        /// </exception>
        /// <exception cref="ObjectDisposedException">The file was disposed of.</exception>
        public byte[] ToArray()
        {
            var bytes = new byte[IntLength()];
            handle.Copy(data, bytes, 0, bytes.Length);
            return bytes;
        }

        /// <summary>
        /// Saves the file under its name in a folder. It appears there whole or not at all, with the permissions that
        /// the process gives new files.
        /// </summary>
        /// <param name="folder">
        /// A directory that exists; "." for the current one, while an empty path is rejected.
        /// </param>
        /// <param name="options">For their part that is about saving; null for the defaults.</param>
        /// <returns>What was saved, and where.</returns>
        /// <exception cref="SellercloudException">
        /// <see cref="SellercloudErrorKind.Io"/> if it cannot be saved, also where a file of that name is there
        /// already, which is left alone unless the options say otherwise.
        /// </exception>
        /// <exception cref="ObjectDisposedException">The file was disposed of.</exception>
        public OutputFileInfo Save(string folder, CallOptions options = null)
        {
            ThrowIfDisposed();
            if (folder == null)
            {
                throw new ArgumentNullException(nameof(folder));
            }
            using (var native = (options ?? new CallOptions()).ToNative())
            using (var path = new NativeText(folder, nameof(folder)))
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
        /// Frees the file's memory. Streams of it throw from now on, and spans of it must not be used.
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
                    "The file has " + length + " bytes, more than an array or a span can: use AsStream or Save.");
            }
            return (int)length;
        }
    }
}
