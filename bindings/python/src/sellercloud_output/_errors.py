"""The exceptions: one class for each kind of error, in one hierarchy."""

from __future__ import annotations

import copyreg
import enum
from typing import TYPE_CHECKING, Any

from . import _declarations as c

if TYPE_CHECKING:
    from ._job import QueuedJob


class ErrorKind(enum.IntEnum):
    """The kind of an error: the same names and numbers in every language.

    Each kind has an exception class of its own; `SellercloudError.kind` holds the kind.
    """

    INVALID_ARGUMENT = c.SCO_ERROR_INVALID_ARGUMENT
    """An argument is invalid. Usually nothing was sent."""

    AUTHENTICATION = c.SCO_ERROR_AUTHENTICATION
    """HTTP 401, or a redirect to a login page: the server rejected the token or the login.

    Also: `token_provider` returned no usable token.
    """

    FORBIDDEN = c.SCO_ERROR_FORBIDDEN
    """HTTP 403: the user lacks the permission."""

    NOT_FOUND = c.SCO_ERROR_NOT_FOUND
    """HTTP 404: the server does not know the job or the URL."""

    RATE_LIMITED = c.SCO_ERROR_RATE_LIMITED
    """HTTP 429, or another error status whose message is "too many requests"."""

    SERVER = c.SCO_ERROR_SERVER
    """HTTP 500 to 599: the server failed, or does not know the job (yet)."""

    UNEXPECTED_STATUS = c.SCO_ERROR_UNEXPECTED_STATUS
    """An HTTP status other than 200 that no other kind covers."""

    CONNECTION = c.SCO_ERROR_CONNECTION
    """The connection failed, or broke before the response was complete."""

    TLS = c.SCO_ERROR_TLS
    """The TLS handshake failed, or the server's certificate is not trusted."""

    TIMEOUT = c.SCO_ERROR_TIMEOUT
    """The call timed out: while connecting, between two bytes, or as a whole."""

    CANCELLED = c.SCO_ERROR_CANCELLED
    """The call was cancelled."""

    MALFORMED_BODY = c.SCO_ERROR_MALFORMED_BODY
    """The response's body is not a file in the expected encoding."""

    TOO_LARGE = c.SCO_ERROR_TOO_LARGE
    """The file is larger than `max_file_size`."""

    IO = c.SCO_ERROR_IO
    """The file could not be saved or written, or memory for it was not available."""

    INTERNAL = c.SCO_ERROR_INTERNAL
    """A defect of this library. Please report it."""

    JOB_FAILED = c.SCO_ERROR_JOB_FAILED
    """The job ended as failed, cancelled or aborted, or is on hold."""


class SellercloudError(Exception):
    """The base class of every error that the library reports.

    `str(error)` is one line for people: what failed, for which job, why, and what to do. It
    holds no secret. Errors can be pickled.
    """

    kind: ErrorKind = ErrorKind.INTERNAL
    """The kind of the error. Each subclass has its own."""

    http_status: int | None = None
    """The HTTP status code, such as 500, if the error is a response of the server.

    Otherwise, None.
    """

    retry_after: float | None = None
    """How long to wait before the next call, in seconds.

    It is the time that the server asks for, or the backoff for which the call had no time
    left. None if there is neither.
    """

    attempts: int = 0
    """How many times the request was attempted; 0 if nothing was sent."""

    is_retryable: bool = False
    """Whether the same call may succeed later without any change.

    True for lost connections, timeouts, rate limits, and HTTP statuses of a server that is
    unavailable for a time.
    """

    job_id: int | None = None
    """The id of the job that the call was for; None if there is none, or it is invalid."""

    job: QueuedJob | None = None
    """The job as the server last described it, for `JobFailedError`; otherwise None."""

    job_log: tuple[str, ...] = ()
    """The first error lines of the job's log, for `JobFailedError`; otherwise empty."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Returns what pickle needs: the message, and the attributes as the state."""
        # OSError's own __reduce__ would take the message apart into errno and strerror.
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]


class InvalidArgumentError(SellercloudError, ValueError):
    """An argument is invalid. Usually nothing was sent."""

    kind = ErrorKind.INVALID_ARGUMENT


class AuthenticationError(SellercloudError, PermissionError):
    """The server rejected the token, or the user name and password.

    Raised for HTTP 401, for a redirect to a login page, and if `token_provider` returns no
    usable token.
    """

    kind = ErrorKind.AUTHENTICATION


class ForbiddenError(SellercloudError, PermissionError):
    """HTTP 403: the user lacks the permission."""

    kind = ErrorKind.FORBIDDEN


class NotFoundError(SellercloudError, LookupError):
    """HTTP 404: the server does not know the job or the URL."""

    kind = ErrorKind.NOT_FOUND


class RateLimitError(SellercloudError):
    """HTTP 429, or another error status whose message is "too many requests"."""

    kind = ErrorKind.RATE_LIMITED


class ServerError(SellercloudError):
    """HTTP 500 to 599: the server failed, or does not know the job (yet)."""

    kind = ErrorKind.SERVER


class UnexpectedStatusError(SellercloudError):
    """An HTTP status other than 200 that no other class covers."""

    kind = ErrorKind.UNEXPECTED_STATUS


class ConnectionFailedError(SellercloudError, ConnectionError):
    """The connection failed, or broke before the response was complete."""

    kind = ErrorKind.CONNECTION


class TlsError(SellercloudError, ConnectionError):
    """The TLS handshake failed, or the server's certificate is not trusted."""

    kind = ErrorKind.TLS


class TimedOutError(SellercloudError, TimeoutError):
    """The call timed out: while connecting, between two bytes, or as a whole."""

    kind = ErrorKind.TIMEOUT


class CallCancelledError(SellercloudError):
    """The call was cancelled, by its `CancelToken` or because the interpreter exits."""

    kind = ErrorKind.CANCELLED


class MalformedBodyError(SellercloudError, ValueError):
    """The response's body is not a file in the expected encoding."""

    kind = ErrorKind.MALFORMED_BODY


class TooLargeError(SellercloudError):
    """The file is larger than the client's `max_file_size`."""

    kind = ErrorKind.TOO_LARGE


class StorageError(SellercloudError, OSError):
    """The file could not be saved or written, or memory for it was not available.

    `errno` and `strerror` hold the operating system's error, such as `errno.EEXIST` for a
    file that exists already, `errno.ENOENT` for a missing directory or `errno.ENOSPC` for a
    full disk; they are None if the error is not the operating system's. `filename` is the
    path of the file or directory concerned, or None.
    """

    kind = ErrorKind.IO

    def __str__(self) -> str:
        """Returns the message, with the job and what to do, which OSError would leave out."""
        return str(self.args[0]) if self.args else ""

    def __reduce__(self) -> tuple[Any, ...]:
        """Returns what pickle needs, with the attributes that OSError keeps elsewhere."""
        new, arguments, state = super().__reduce__()
        names = ("errno", "strerror", "filename")
        return new, arguments, {**state, **{name: getattr(self, name) for name in names}}


class InternalError(SellercloudError):
    """A defect of this library. Please report it."""

    kind = ErrorKind.INTERNAL


class JobFailedError(SellercloudError):
    """The job ended as failed, cancelled or aborted, or is on hold.

    Raised by the calls that wait for a job. `job` holds the job and `job_log` the first
    error lines of its log.
    """

    kind = ErrorKind.JOB_FAILED


CLASSES: dict[int, type[SellercloudError]] = {
    subclass.kind: subclass for subclass in SellercloudError.__subclasses__()
}
