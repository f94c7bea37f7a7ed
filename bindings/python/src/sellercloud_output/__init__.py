"""Downloads the output file of a Sellercloud queued job.

    from sellercloud_output import Client

    with Client("tt", token="the-bearer-token") as client:
        saved = client.save_output_file(28142, "exports")
        print(saved.path)

`Client` has the methods and describes the settings. Every error is a `SellercloudError`.

This is an independent client. It is not affiliated with or endorsed by Sellercloud.
"""

from ._client import (
    BodyEncoding,
    CancelToken,
    Client,
    Pem,
    Progress,
    RequestRecord,
    WaitOptions,
    Writer,
)
from ._errors import (
    AuthenticationError,
    CallCancelledError,
    ConnectionFailedError,
    ErrorKind,
    ForbiddenError,
    InternalError,
    InvalidArgumentError,
    JobFailedError,
    MalformedBodyError,
    NotFoundError,
    RateLimitError,
    SellercloudError,
    ServerError,
    StorageError,
    TimedOutError,
    TlsError,
    TooLargeError,
    UnexpectedStatusError,
)
from ._file import IfExists, OutputFile, SavedFile, WrittenFile
from ._job import JobStatus, QueuedJob
from ._native import library, text

__version__: str = text(library.sco_version())
"""The version of the package and of its native library, such as "0.1.0"."""
del library, text

__all__ = [
    "AuthenticationError",
    "BodyEncoding",
    "CallCancelledError",
    "CancelToken",
    "Client",
    "ConnectionFailedError",
    "ErrorKind",
    "ForbiddenError",
    "IfExists",
    "InternalError",
    "InvalidArgumentError",
    "JobFailedError",
    "JobStatus",
    "MalformedBodyError",
    "NotFoundError",
    "OutputFile",
    "Pem",
    "Progress",
    "QueuedJob",
    "RateLimitError",
    "RequestRecord",
    "SavedFile",
    "SellercloudError",
    "ServerError",
    "StorageError",
    "TimedOutError",
    "TlsError",
    "TooLargeError",
    "UnexpectedStatusError",
    "WaitOptions",
    "Writer",
    "WrittenFile",
]
