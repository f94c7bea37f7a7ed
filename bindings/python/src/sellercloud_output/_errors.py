"""The exceptions: one for each kind of error, in one hierarchy."""

from __future__ import annotations

import copyreg
import enum
from typing import TYPE_CHECKING, Any

from . import _declarations as c

if TYPE_CHECKING:
    from ._job import QueuedJob


class ErrorKind(enum.IntEnum):
    """What went wrong; the table in the project's README says when."""

    INVALID_ARGUMENT = c.SCO_INVALID_ARGUMENT
    AUTHENTICATION = c.SCO_AUTHENTICATION
    FORBIDDEN = c.SCO_FORBIDDEN
    NOT_FOUND = c.SCO_NOT_FOUND
    RATE_LIMITED = c.SCO_RATE_LIMITED
    SERVER = c.SCO_SERVER
    UNEXPECTED_STATUS = c.SCO_UNEXPECTED_STATUS
    CONNECTION = c.SCO_CONNECTION
    TLS = c.SCO_TLS
    TIMEOUT = c.SCO_TIMEOUT
    CANCELLED = c.SCO_CANCELLED
    MALFORMED_BODY = c.SCO_MALFORMED_BODY
    TOO_LARGE = c.SCO_TOO_LARGE
    IO = c.SCO_IO
    INTERNAL = c.SCO_INTERNAL
    JOB_FAILED = c.SCO_JOB_FAILED


class SellercloudError(Exception):
    """Why a call failed. Its text is a sentence for people, without any secret.

    kind: the error's kind, that of its class.
    http_status: the HTTP status code, where the server's answer is the error.
    retry_after: how many seconds to wait before the next call, where the server says so.
    attempts: how many times the request was tried.
    retry_may_help: whether the same call may succeed later as it is.
    job: the job as it ended, for JobFailed.
    log_lines: the first error lines of that job's log.
    """

    kind: ErrorKind = ErrorKind.INTERNAL
    http_status: int | None = None
    retry_after: float | None = None
    attempts: int = 0
    retry_may_help: bool = False
    job: QueuedJob | None = None
    log_lines: tuple[str, ...] = ()

    def __reduce__(self) -> tuple[Any, ...]:
        # OSError's own would make an OSError's arguments of the message.
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]


class InvalidArgument(SellercloudError, ValueError):
    """An argument cannot be used; nothing was sent."""

    kind = ErrorKind.INVALID_ARGUMENT


class AuthenticationError(SellercloudError, PermissionError):
    """HTTP 401, or a redirect to a login page: the token or the login is wrong."""

    kind = ErrorKind.AUTHENTICATION


class Forbidden(SellercloudError, PermissionError):
    """HTTP 403: the user may not do this."""

    kind = ErrorKind.FORBIDDEN


class NotFound(SellercloudError, LookupError):
    """HTTP 404: the server does not know this."""

    kind = ErrorKind.NOT_FOUND


class RateLimited(SellercloudError):
    """HTTP 429, or any refusal that speaks of too many requests."""

    kind = ErrorKind.RATE_LIMITED


class ServerError(SellercloudError):
    """HTTP 500 to 599: the server failed, or does not know the job (yet)."""

    kind = ErrorKind.SERVER


class UnexpectedStatus(SellercloudError):
    """Any other HTTP status but 200."""

    kind = ErrorKind.UNEXPECTED_STATUS


class ConnectionFailed(SellercloudError, ConnectionError):
    """No connection, or it broke before the answer was complete."""

    kind = ErrorKind.CONNECTION


class TlsError(SellercloudError, ConnectionError):
    """TLS: the certificate, or the handshake."""

    kind = ErrorKind.TLS


class TimedOut(SellercloudError, TimeoutError):
    """No connection in time, silence, or the whole call took too long."""

    kind = ErrorKind.TIMEOUT


class Cancelled(SellercloudError):
    """By the cancel token."""

    kind = ErrorKind.CANCELLED


class MalformedBody(SellercloudError, ValueError):
    """The answer is no file in the expected form."""

    kind = ErrorKind.MALFORMED_BODY


class TooLarge(SellercloudError):
    """The file is larger than max_size."""

    kind = ErrorKind.TOO_LARGE


class StorageError(SellercloudError, OSError):
    """The file could not be kept: disk, memory, permissions, the name is taken.

    errno and strerror: the operating system's error, such as errno.EEXIST for a name that
    is taken, errno.ENOENT for a missing directory or errno.ENOSPC for a full disk; None
    if the error is not the system's. filename: the path of the file or directory
    concerned, if there is one.
    """

    kind = ErrorKind.IO

    def __str__(self) -> str:
        # OSError's own would leave out the job and what to do.
        return str(self.args[0]) if self.args else ""

    def __reduce__(self) -> tuple[Any, ...]:
        new, arguments, state = super().__reduce__()
        names = ("errno", "strerror", "filename")
        return new, arguments, {**state, **{name: getattr(self, name) for name in names}}


class InternalError(SellercloudError):
    """A defect of this library; please report it."""

    kind = ErrorKind.INTERNAL


class JobFailed(SellercloudError):
    """The job that was waited for ended as failed, cancelled or aborted."""

    kind = ErrorKind.JOB_FAILED


CLASSES: dict[int, type[SellercloudError]] = {
    kind.kind: kind for kind in SellercloudError.__subclasses__()
}
