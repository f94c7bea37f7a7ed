using System;
using System.IO;
using System.Threading;
using System.Threading.Tasks;

namespace SellercloudOutput
{
    /// <summary>
    /// A read-only stream over the memory of an output file. It refers to the handle and not to the file, so that it
    /// keeps the memory of an undisposed file alive.
    /// </summary>
    internal sealed class OutputFileStream : Stream
    {
        private readonly OutputFileHandle handle;
        private readonly IntPtr data;
        private readonly long length;
        private long position;
        private bool isDisposed;

        public OutputFileStream(OutputFileHandle handle, IntPtr data, long length)
        {
            this.handle = handle;
            this.data = data;
            this.length = length;
        }

        public override bool CanRead => !IsClosed;

        public override bool CanSeek => !IsClosed;

        public override bool CanWrite => false;

        public override long Length
        {
            get
            {
                ThrowIfClosed();
                return length;
            }
        }

        public override long Position
        {
            get
            {
                ThrowIfClosed();
                return position;
            }
            set => Seek(value, SeekOrigin.Begin);
        }

        private bool IsClosed => isDisposed || handle.IsDisposed;

        public override int Read(byte[] buffer, int offset, int count)
        {
            if (buffer == null)
            {
                throw new ArgumentNullException(nameof(buffer));
            }
            if (offset < 0)
            {
                throw new ArgumentOutOfRangeException(nameof(offset));
            }
            if (count < 0 || count > buffer.Length - offset)
            {
                throw new ArgumentOutOfRangeException(nameof(count));
            }
            ThrowIfClosed();
            var copied = (int)Math.Min(count, Math.Max(length - position, 0));
            handle.Copy(new IntPtr((long)data + position), buffer, offset, copied);
            position += copied;
            return copied;
        }

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
        {
            // Reading memory does not block, so that the read completes at once.
            if (cancellationToken.IsCancellationRequested)
            {
                return Task.FromCanceled<int>(cancellationToken);
            }
            try
            {
                return Task.FromResult(Read(buffer, offset, count));
            }
            catch (Exception exception)
            {
                return Task.FromException<int>(exception);
            }
        }

        public override long Seek(long offset, SeekOrigin origin)
        {
            ThrowIfClosed();
            long start;
            switch (origin)
            {
                case SeekOrigin.Begin:
                    start = 0;
                    break;
                case SeekOrigin.Current:
                    start = position;
                    break;
                case SeekOrigin.End:
                    start = length;
                    break;
                default:
                    throw new ArgumentOutOfRangeException(nameof(origin));
            }
            if (offset < -start || offset > long.MaxValue - start)
            {
                throw new IOException("The position must not be negative or larger than Int64.MaxValue.");
            }
            position = start + offset;
            return position;
        }

        public override void Flush()
        {
        }

        public override void SetLength(long value)
        {
            throw new NotSupportedException("The stream of an output file is read-only.");
        }

        public override void Write(byte[] buffer, int offset, int count)
        {
            throw new NotSupportedException("The stream of an output file is read-only.");
        }

        protected override void Dispose(bool disposing)
        {
            isDisposed = true;
            base.Dispose(disposing);
        }

        private void ThrowIfClosed()
        {
            if (IsClosed)
            {
                throw new ObjectDisposedException(isDisposed ? nameof(Stream) : nameof(OutputFile));
            }
        }
    }
}
