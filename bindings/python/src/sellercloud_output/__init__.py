"""Fetches the output file of a Sellercloud queued job.

    from sellercloud_output import Client

    with Client("tt", token="the bearer token") as client:
        saved = client.save_output_file(28142, "exports")
        print(saved.path)

An independent client, not affiliated with or endorsed by Sellercloud.
"""

from ._client import (
    BodyEncoding,
    CancelToken,
    Client,
    Pem,
    Progress,
    RequestRecord,
    Wait,
    Writer,
)
from ._errors import (
    AuthenticationError,
    Cancelled,
    ConnectionFailed,
    ErrorKind,
    Forbidden,
    InternalError,
    InvalidArgument,
    JobFailed,
    MalformedBody,
    NotFound,
    RateLimited,
    SellercloudError,
    ServerError,
    StorageError,
    TimedOut,
    TlsError,
    TooLarge,
    UnexpectedStatus,
)
from ._file import IfExists, OutputFile, SavedFile, WrittenFile
from ._job import JobStatus, QueuedJob
from ._native import library, text

__version__: str = text(library.sco_version())
del library, text

__all__ = [
    "AuthenticationError",
    "BodyEncoding",
    "CancelToken",
    "Cancelled",
    "Client",
    "ConnectionFailed",
    "ErrorKind",
    "Forbidden",
    "IfExists",
    "InternalError",
    "InvalidArgument",
    "JobFailed",
    "JobStatus",
    "MalformedBody",
    "NotFound",
    "OutputFile",
    "Pem",
    "Progress",
    "QueuedJob",
    "RateLimited",
    "RequestRecord",
    "SavedFile",
    "SellercloudError",
    "ServerError",
    "StorageError",
    "TimedOut",
    "TlsError",
    "TooLarge",
    "UnexpectedStatus",
    "Wait",
    "Writer",
    "WrittenFile",
]
