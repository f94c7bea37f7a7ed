"""The client: its settings and its methods."""

from __future__ import annotations

import ctypes
import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Literal, Protocol, Union

from . import _declarations as c
from . import _native
from ._errors import InvalidArgumentError
from ._file import (
    IfExists,
    OutputFile,
    SavedFile,
    WrittenFile,
    saved_file,
    set_save_options,
    written_file,
)
from ._job import QueuedJob, queued_job
from ._native import (
    Closeable,
    Handle,
    call,
    call_for_handle,
    checked_unsigned,
    encoded,
    encoded_path,
    interrupt_callback,
    is_of_signal_handler,
    library,
    log_ignored,
    milliseconds,
    optional_text,
    storing_exceptions,
    text,
)
from ._secret import Secret, hidden, hidden_pem

BodyEncoding = Literal["base64", "raw", "auto"]
"""How the server encodes files in its responses. `Client` describes the values."""

Pem = Union[str, bytes, "os.PathLike[str]"]
"""A certificate or a key: its text or bytes, or the path of a file with it."""

BODY_ENCODINGS: dict[str, int] = {
    "base64": c.SCO_BODY_BASE64,
    "raw": c.SCO_BODY_RAW,
    "auto": c.SCO_BODY_AUTO,
}


class Writer(Protocol):
    """Any object with a `write` method that takes bytes, such as a binary file."""

    def write(self, data: bytes, /) -> object:
        """Writes all of the data.

        The result is ignored, except that of an `io.RawIOBase`, which may write a part:
        what is left is then written again.

        Args:
            data: The next bytes of the file, never empty.
        """


@dataclass(frozen=True)
class Progress:
    """The progress of a file's download."""

    bytes_received: int
    """Bytes of the response's body received in this attempt, before decoding.

    The count starts over with every attempt.
    """

    total_bytes: int | None
    """The size of the response's body in bytes, or None if the server did not send it."""

    attempt: int
    """The number of the attempt. The first is 1."""


@dataclass(frozen=True)
class RequestRecord:
    """A record of one HTTP request, for a log. It holds no token, password or body."""

    method: str
    """The HTTP method: "GET" or "POST"."""

    url: str
    """The URL of the request."""

    http_status: int | None
    """The HTTP status code of the response, or None if there was no response."""

    error: str | None
    """Why there was no response, or only a part of one; None if the response is complete."""

    bytes_received: int
    """Bytes of the response's body received, before decoding."""

    duration: float
    """Seconds from the start of the request to the end of the response's body."""

    attempt: int
    """The number of the call's attempt. The first is 1."""


@dataclass(frozen=True)
class WaitOptions:
    """How a call waits for a job. All times are in seconds.

    The intervals must be greater than zero; the call raises InvalidArgumentError otherwise.
    """

    initial_interval: float = 1.0
    """The time between the first and the second request for the job's status.

    Each later interval is the one before multiplied by 1.5. Default: 1 s. Zero is rejected,
    and less than 0.1 s counts as 0.1 s.
    """

    max_interval: float = 30.0
    """The maximum interval between two requests for the job's status.

    Default: 30 s. Zero is rejected, and less than 0.1 s counts as 0.1 s.
    """

    grace: float = 120.0
    """How long failures may last before they end the wait.

    These failures are: a job that the server cannot find yet, a lost connection, a stalled
    response, a rate limit, a transient HTTP status, and a response that is not a job. Once
    the server has sent the job, status 500 is one of them too. The time starts over whenever
    the server sends the job. A time that the server asks to wait (Retry-After) does not
    count. Calls that download the file after the wait allow the same time for it to appear.

    Default: 120 s. Zero ends the wait at the first failure; math.inf sets no limit other than
    the call's timeout.
    """

    fail_on_hold: bool = True
    """Whether a job on hold ends the wait at once with JobFailedError.

    Default: True. False goes on waiting until a user releases the job.
    """


class CancelToken:
    """A token that cancels the calls it is passed to.

    Any thread may use it at any time. A token cannot be reset, and cannot be pickled.
    """

    def __init__(self) -> None:
        """Creates a token that is not cancelled."""
        self._handle = Handle(library.sco_cancel_token_free, library.sco_cancel_token_new())

    def cancel(self) -> None:
        """Cancels every present and future call with this token.

        The calls raise CallCancelledError within a quarter of a second.
        """
        library.sco_cancel_token_cancel(self._handle)

    @property
    def is_cancelled(self) -> bool:
        """Whether the token was cancelled."""
        return bool(library.sco_cancel_token_is_cancelled(self._handle))


class Client(Closeable):
    """A client for one Sellercloud server and one user.

    Threads: several threads may use a client at the same time. They share its login and its
    connections, and their calls run in parallel.

    Processes: a client can be used after a fork, where the child's copy connects and logs in
    again. Pickling a client pickles its settings, secrets included.

    Callbacks run on the thread that makes the call. The call raises what its callbacks raise,
    except what `on_request` raises. KeyboardInterrupt, SystemExit and the exceptions of
    signal handlers always end the call.

    Secrets do not appear in tracebacks, reprs or debuggers. `close` overwrites the client's
    copies of them; it cannot overwrite the str that you passed in.

    Errors: each method raises a `SellercloudError` if it fails, and ValueError if the client
    is closed.
    """

    def __init__(
        self,
        server: str | None = None,
        *,
        team: str | None = None,
        team_lookup_url: str | None = None,
        token: str | None = None,
        user_name: str | None = None,
        password: str | None = None,
        token_provider: Callable[[bool], str] | None = None,
        body_encoding: BodyEncoding = "base64",
        max_file_size: int | None = None,
        allow_plain_http: bool = False,
        connect_timeout: float | None = 30.0,
        stall_timeout: float | None = 60.0,
        call_timeout: float | None = 3600.0,
        max_attempts: int = 5,
        initial_backoff: float = 1.0,
        max_backoff: float = 30.0,
        retry_server_errors: bool = False,
        proxy: str | None = None,
        ca_certificates: Pem | None = None,
        client_certificate: Pem | None = None,
        client_key: Pem | None = None,
        user_agent_suffix: str | None = None,
        on_request: Callable[[RequestRecord], object] | None = None,
    ) -> None:
        """Creates a client. Nothing is sent before the first call.

        Pass either `server` or `team`, and one of `token`, `user_name` with `password`, and
        `token_provider`. Passing two of them raises InvalidArgumentError.

        Args:
            server: A server id or a base URL; "tt" means https://tt.api.sellercloud.com/rest.
            team: The name of the team whose server the first call looks up.
            team_lookup_url: The base URL at which the team is looked up. Default:
                https://api.sellercloud.com.
            token: The bearer token, without "Bearer".
            user_name: The user name to log in with. All threads share one login, which is
                repeated when the token expires.
            password: The password of `user_name`.
            token_provider: A function that returns the bearer token for a request. Its
                argument is True if the server has just rejected the token that it returned
                last; returning the same token again raises AuthenticationError. Several
                threads may call it at the same time. It must not use this client.
            body_encoding: The encoding of files in responses: "base64" (the default; plain,
                as a JSON string or in a JSON object), "raw", or "auto" to guess by the first
                64 KiB.
            max_file_size: The size of the largest file to accept, in bytes after decoding.
                Default: 2 GiB for files in memory, no limit for files that are saved or
                written. Zero is rejected; 2**64 - 1 means no limit.
            allow_plain_http: Whether to allow http:// to hosts other than localhost, which
                sends the token and the files unencrypted. Default: False.
            connect_timeout: The longest time to connect, in seconds, including name lookup,
                proxy and TLS handshake. Default: 30 s. Zero is rejected; None or math.inf
                means no limit.
            stall_timeout: The longest time to wait for the next byte, in seconds. Default:
                60 s. Zero is rejected; None or math.inf means no limit.
            call_timeout: The longest time for a whole call, in seconds, including login,
                retries and waits. Default: 3600 s. Calls that wait for a job have 24 hours instead.
                Zero is rejected; None or math.inf means no limit.
            max_attempts: The maximum number of attempts of a call, including the first.
                Default: 5. 1 means no retry. Zero is rejected; 2**32 - 1 means no limit other
                than the timeout.
            initial_backoff: The maximum wait before the second attempt, in seconds. It doubles
                for each later attempt, up to `max_backoff`. The actual wait is random, between
                zero and the maximum. Default: 1 s. Zero retries at once.
            max_backoff: The maximum wait before any attempt, in seconds. Default: 30 s. Zero
                retries at once. A time that the server asks to wait (Retry-After) is added.
            retry_server_errors: Whether responses with status 500 are retried as well.
                Default: False.
            proxy: The URL of the HTTP proxy, such as "http://user:password@proxy:3128", with
                user name and password percent-encoded; "" for none. Default: that of the
                environment variables https_proxy, http_proxy, all_proxy and no_proxy. Servers
                on localhost are never reached through a proxy.
            ca_certificates: CA certificates to trust in addition to the system's: PEM, or one
                certificate in DER, or the path of a file with it.
            client_certificate: The certificate to present to the server, with its chain: PEM,
                or the path of a PEM file. Needs `client_key`.
            client_key: The private key of `client_certificate`: PEM, or the path of a PEM
                file.
            user_agent_suffix: Text to append to the User-Agent header of every request after a
                space, such as "nightly-export/2.1". It names the program in the logs of servers
                and proxies. 1 to 128 visible ASCII characters and spaces, with no space at the
                beginning or the end. Default: none.
            on_request: A function that is called with a record of each request when it has
                ended. Several threads may call it at the same time, and it may use this
                client. It never decides a call's outcome: the first Exception that it raises
                is logged as an error by the logger "sellercloud_output", and later ones are
                ignored.

        Raises:
            InvalidArgumentError: A setting is invalid or missing, or excludes another one.
            OSError: A certificate or key file cannot be read.
        """
        # Secrets are wrapped first: a traceback shows the variables of its frames.
        token, password, proxy = hidden(token), hidden(password), hidden(proxy)
        client_certificate, client_key = hidden_pem(client_certificate), hidden_pem(client_key)
        settings = dict(locals())
        del settings["self"]
        self._name = f"team={team!r}" if team is not None else repr(server)
        self._handle: Handle | None = None
        # The child of a fork creates a client of its own from these; so does unpickling.
        self._settings: dict[str, Any] = settings
        self._forks = _native.forks
        try:
            self._handle = _client_handle(**settings)
        except BaseException:
            self.close()
            raise

    @staticmethod
    def parse_job_id(job: str) -> int:
        """Parses the id of a job.

        Args:
            job: The id, or the QueuedJobLink that the server returned when the job was
                created, such as "/queued-jobs/queued-job-details.aspx?id=28142".

        Returns:
            The id, from 1 to 2147483647.

        Raises:
            InvalidArgumentError: The text names no job.
        """
        result = ctypes.c_int64()
        call(library.sco_parse_job_id, encoded(job, "job"), ctypes.byref(result))
        return result.value

    def get_output_file(
        self,
        job: int | str,
        *,
        timeout: float | None = None,
        cancel_token: CancelToken | None = None,
        on_progress: Callable[[Progress], object] | None = None,
    ) -> OutputFile:
        """Downloads a job's output file into memory.

        The call needs the decoded file's size in memory, and about 1 MiB.

        Args:
            job: The job's id, or text with it, as in `parse_job_id`.
            timeout: The longest time for the call, in seconds. Default: the client's
                `call_timeout`. Zero is rejected; math.inf means no limit.
            cancel_token: The token that cancels the call.
            on_progress: A function that is called at the start of each attempt and whenever
                bytes have arrived.

        Returns:
            The file.

        Raises:
            SellercloudError: The call failed; see its subclasses.
            ValueError: The client is closed.
        """
        options = _call_options(timeout, cancel_token, on_progress)
        return OutputFile(
            call_for_handle(
                library.sco_get_output_file,
                library.sco_output_file_free,
                self._opened(),
                _job_id(job),
                options,
            )
        )

    def save_output_file(
        self,
        job: int | str,
        directory: str | os.PathLike[str],
        *,
        file_name: str | None = None,
        if_exists: IfExists = "fail",
        flush_to_disk: bool = True,
        timeout: float | None = None,
        cancel_token: CancelToken | None = None,
        on_progress: Callable[[Progress], object] | None = None,
    ) -> SavedFile:
        """Saves a job's output file in a directory, either whole or not at all.

        The file is decoded while it arrives and needs about 1 MiB of memory at any size.

        Args:
            job: The job's id, or text with it, as in `parse_job_id`.
            directory: The directory, which must exist; "." for the current one.
            file_name: The name to save under, of at most 255 bytes and without a path.
                Default: the server's.
            if_exists: What to do if a file of that name exists: "fail" (the default)
                raises StorageError, "replace" replaces it, and "keep_both" saves under the
                first free name of "report (1).csv", "report (2).csv" and so on.
            flush_to_disk: Whether to wait until the file is on the disk, so that a power
                failure cannot lose it. Default: True.
            timeout: The longest time for the call, in seconds. Default: the client's
                `call_timeout`. Zero is rejected; math.inf means no limit.
            cancel_token: The token that cancels the call.
            on_progress: A function that is called at the start of each attempt and whenever
                bytes have arrived.

        Returns:
            The saved file's path, name and size.

        Raises:
            StorageError: The file cannot be saved; `errno` and `filename` say why and where.
            SellercloudError: The call failed in another way; see its subclasses.
            ValueError: The client is closed.
        """
        options = _call_options(timeout, cancel_token, on_progress)
        set_save_options(options, file_name, if_exists, flush_to_disk)
        info = call_for_handle(
            library.sco_save_output_file,
            library.sco_file_info_free,
            self._opened(),
            _job_id(job),
            encoded_path(directory, "directory"),
            options,
        )
        return saved_file(info)

    def write_output_file(
        self,
        job: int | str,
        writer: Writer,
        *,
        timeout: float | None = None,
        cancel_token: CancelToken | None = None,
        on_progress: Callable[[Progress], object] | None = None,
    ) -> WrittenFile:
        """Writes a job's output file to a writer while it arrives.

        The call needs about 1 MiB of memory at any file size. It is retried only while nothing
        has been written. If it raises, the writer may hold a part of the file: only a call that
        returns has written all of it.

        Args:
            job: The job's id, or text with it, as in `parse_job_id`.
            writer: The object whose `write` method takes the bytes.
            timeout: The longest time for the call, in seconds. Default: the client's
                `call_timeout`. Zero is rejected; math.inf means no limit.
            cancel_token: The token that cancels the call.
            on_progress: A function that is called at the start of each attempt and whenever
                bytes have arrived.

        Returns:
            The file's name and size.

        Raises:
            SellercloudError: The call failed; see its subclasses.
            BlockingIOError: The writer is a non-blocking file that takes no bytes.
            ValueError: The client is closed.
        """
        info = call_for_handle(
            library.sco_write_output_file,
            library.sco_file_info_free,
            self._opened(),
            _job_id(job),
            _write_callback(writer),
            None,
            _call_options(timeout, cancel_token, on_progress),
        )
        return written_file(info)

    def get_job(
        self,
        job: int | str,
        *,
        timeout: float | None = None,
        cancel_token: CancelToken | None = None,
    ) -> QueuedJob:
        """Gets a job's status. A job that failed is not an error of this call.

        Args:
            job: The job's id, or text with it, as in `parse_job_id`.
            timeout: The longest time for the call, in seconds. Default: the client's
                `call_timeout`. Zero is rejected; math.inf means no limit.
            cancel_token: The token that cancels the call.

        Returns:
            The job.

        Raises:
            SellercloudError: The call failed; see its subclasses.
            ValueError: The client is closed.
        """
        found = call_for_handle(
            library.sco_get_job,
            library.sco_job_free,
            self._opened(),
            _job_id(job),
            _call_options(timeout, cancel_token),
        )
        return queued_job(library, found)

    def wait_for_job(
        self,
        job: int | str,
        *,
        wait: WaitOptions = WaitOptions(),
        timeout: float | None = None,
        cancel_token: CancelToken | None = None,
    ) -> QueuedJob:
        """Waits until a job has succeeded, at least for some of its records.

        Args:
            job: The job's id, or text with it, as in `parse_job_id`.
            wait: How to wait.
            timeout: The longest time for the call, in seconds. Default: 24 hours. Zero is
                rejected; math.inf means no limit.
            cancel_token: The token that cancels the call.

        Returns:
            The job.

        Raises:
            JobFailedError: The job ended without success, or is on hold.
            SellercloudError: The call failed in another way; see its subclasses.
            ValueError: The client is closed.
        """
        ended = call_for_handle(
            library.sco_wait_for_job,
            library.sco_job_free,
            self._opened(),
            _job_id(job),
            _call_options(timeout, cancel_token, wait=wait),
        )
        return queued_job(library, ended)

    def wait_for_output_file(
        self,
        job: int | str,
        *,
        wait: WaitOptions = WaitOptions(),
        timeout: float | None = None,
        cancel_token: CancelToken | None = None,
        on_progress: Callable[[Progress], object] | None = None,
    ) -> tuple[QueuedJob, OutputFile]:
        """Waits until a job has succeeded, and downloads its output file into memory.

        Args:
            job: The job's id, or text with it, as in `parse_job_id`.
            wait: How to wait.
            timeout: The longest time for the call, in seconds. Default: 24 hours. Zero is
                rejected; math.inf means no limit.
            cancel_token: The token that cancels the call.
            on_progress: A function that is called at the start of each attempt and whenever
                bytes of the file have arrived.

        Returns:
            The job and the file.

        Raises:
            JobFailedError: The job ended without success, or is on hold.
            SellercloudError: The call failed in another way; see its subclasses.
            ValueError: The client is closed.
        """
        ended = Handle(library.sco_job_free)
        file = call_for_handle(
            library.sco_wait_for_output_file,
            library.sco_output_file_free,
            self._opened(),
            _job_id(job),
            _call_options(timeout, cancel_token, on_progress, wait),
            ended.out_param(),
        )
        return queued_job(library, ended), OutputFile(file)

    def wait_and_save_output_file(
        self,
        job: int | str,
        directory: str | os.PathLike[str],
        *,
        file_name: str | None = None,
        if_exists: IfExists = "fail",
        flush_to_disk: bool = True,
        wait: WaitOptions = WaitOptions(),
        timeout: float | None = None,
        cancel_token: CancelToken | None = None,
        on_progress: Callable[[Progress], object] | None = None,
    ) -> tuple[QueuedJob, SavedFile]:
        """Waits until a job has succeeded, and saves its output file in a directory.

        The directory, and `file_name` if it is set, are checked before the wait begins. The
        file is saved as `save_output_file` does.

        Args:
            job: The job's id, or text with it, as in `parse_job_id`.
            directory: The directory, which must exist; "." for the current one.
            file_name: The name to save under, of at most 255 bytes and without a path.
                Default: the server's.
            if_exists: What to do if a file of that name exists: "fail" (the default)
                raises StorageError, "replace" replaces it, and "keep_both" saves under the
                first free name of "report (1).csv", "report (2).csv" and so on.
            flush_to_disk: Whether to wait until the file is on the disk, so that a power
                failure cannot lose it. Default: True.
            wait: How to wait.
            timeout: The longest time for the call, in seconds. Default: 24 hours. Zero is
                rejected; math.inf means no limit.
            cancel_token: The token that cancels the call.
            on_progress: A function that is called at the start of each attempt and whenever
                bytes of the file have arrived.

        Returns:
            The job, and the saved file's path, name and size.

        Raises:
            JobFailedError: The job ended without success, or is on hold.
            StorageError: The file cannot be saved; `errno` and `filename` say why and where.
            SellercloudError: The call failed in another way; see its subclasses.
            ValueError: The client is closed.
        """
        options = _call_options(timeout, cancel_token, on_progress, wait)
        set_save_options(options, file_name, if_exists, flush_to_disk)
        ended = Handle(library.sco_job_free)
        info = call_for_handle(
            library.sco_wait_and_save_output_file,
            library.sco_file_info_free,
            self._opened(),
            _job_id(job),
            encoded_path(directory, "directory"),
            options,
            ended.out_param(),
        )
        return queued_job(library, ended), saved_file(info)

    def wait_and_write_output_file(
        self,
        job: int | str,
        writer: Writer,
        *,
        wait: WaitOptions = WaitOptions(),
        timeout: float | None = None,
        cancel_token: CancelToken | None = None,
        on_progress: Callable[[Progress], object] | None = None,
    ) -> tuple[QueuedJob, WrittenFile]:
        """Waits until a job has succeeded, and writes its output file to a writer.

        The download is retried only while nothing has been written. If the call raises, the
        writer may hold a part of the file: only a call that returns has written all of it.

        Args:
            job: The job's id, or text with it, as in `parse_job_id`.
            writer: The object whose `write` method takes the bytes.
            wait: How to wait.
            timeout: The longest time for the call, in seconds. Default: 24 hours. Zero is
                rejected; math.inf means no limit.
            cancel_token: The token that cancels the call.
            on_progress: A function that is called at the start of each attempt and whenever
                bytes of the file have arrived.

        Returns:
            The job, and the file's name and size.

        Raises:
            JobFailedError: The job ended without success, or is on hold.
            SellercloudError: The call failed in another way; see its subclasses.
            BlockingIOError: The writer is a non-blocking file that takes no bytes.
            ValueError: The client is closed.
        """
        ended = Handle(library.sco_job_free)
        info = call_for_handle(
            library.sco_wait_and_write_output_file,
            library.sco_file_info_free,
            self._opened(),
            _job_id(job),
            _write_callback(writer),
            None,
            _call_options(timeout, cancel_token, on_progress, wait),
            ended.out_param(),
        )
        return queued_job(library, ended), written_file(info)

    def close(self) -> None:
        """Closes the client and overwrites its secrets.

        Running calls end as usual, and the connections close when the last of them has
        ended. Files that the client returned stay valid. Closing a closed client does nothing.
        """
        settings, self._handle, self._settings = self._settings, None, {}
        for value in settings.values():
            if isinstance(value, Secret):
                value.wipe()

    def _opened(self) -> Handle:
        handle, settings = self._handle, self._settings
        if handle is None or not settings:
            raise ValueError("the client is closed")
        if self._forks != _native.forks:
            handle = self._handle = _client_handle(**settings)
            self._forks = _native.forks
        return handle

    def __getstate__(self) -> dict[str, Any]:
        """Returns the client's settings, secrets included, for pickle and copy."""
        self._opened()
        return self._settings

    def __setstate__(self, settings: dict[str, Any]) -> None:
        """Creates the client from its settings."""
        self.__init__(**settings)  # type: ignore[misc]

    def __repr__(self) -> str:
        """Returns the client's server or team, and no secret."""
        return f"<Client {self._name}>"


def _client_handle(
    *,
    server: str | None,
    team: str | None,
    team_lookup_url: str | None,
    token: Secret | None,
    user_name: str | None,
    password: Secret | None,
    token_provider: Callable[[bool], str] | None,
    body_encoding: BodyEncoding,
    max_file_size: int | None,
    allow_plain_http: bool,
    connect_timeout: float | None,
    stall_timeout: float | None,
    call_timeout: float | None,
    max_attempts: int,
    initial_backoff: float,
    max_backoff: float,
    retry_server_errors: bool,
    proxy: Secret | None,
    ca_certificates: Pem | None,
    client_certificate: Secret | os.PathLike[str] | None,
    client_key: Secret | os.PathLike[str] | None,
    user_agent_suffix: str | None,
    on_request: Callable[[RequestRecord], object] | None,
) -> Handle:
    _reject_two("server", server, "team", team)
    for name, value in (("user_name", user_name), ("password", password)):
        _reject_two("token", token, name, value)
        _reject_two(name, value, "token_provider", token_provider)
    _reject_two("token", token, "token_provider", token_provider)
    options = Handle(library.sco_client_options_free, library.sco_client_options_new())
    client = Handle(library.sco_client_free)

    def set_option(name: str, *values: object) -> None:
        call(getattr(library, f"sco_client_options_{name}"), options, *values)

    if team is not None:
        set_option("set_team", encoded(team, "team"))
    if team_lookup_url is not None:
        set_option("set_team_lookup_url", encoded(team_lookup_url, "team_lookup_url"))
    if user_name is not None or password is not None:
        secret = b"" if password is None else password.checked("password")
        set_option("set_credentials", encoded(user_name or "", "user_name"), secret)
    if token_provider is not None:
        provider = client.keep_alive(_token_callback(token_provider))
        set_option("set_token_provider", provider, None)
    if body_encoding not in BODY_ENCODINGS:
        names = ", ".join(map(repr, BODY_ENCODINGS))
        raise InvalidArgumentError(f"body_encoding must be one of {names}, not {body_encoding!r}")
    set_option("set_body_encoding", BODY_ENCODINGS[body_encoding])
    if max_file_size is not None:
        size = checked_unsigned(max_file_size, "max_file_size", 64)
        set_option("set_max_file_size_bytes", size)
    set_option("set_allow_plain_http", int(allow_plain_http))
    set_option("set_connect_timeout_ms", milliseconds(connect_timeout, "connect_timeout"))
    set_option("set_stall_timeout_ms", milliseconds(stall_timeout, "stall_timeout"))
    set_option("set_call_timeout_ms", milliseconds(call_timeout, "call_timeout"))
    set_option("set_max_attempts", checked_unsigned(max_attempts, "max_attempts", 32))
    set_option("set_initial_backoff_ms", milliseconds(initial_backoff, "initial_backoff"))
    set_option("set_max_backoff_ms", milliseconds(max_backoff, "max_backoff"))
    set_option("set_retry_server_errors", int(retry_server_errors))
    if proxy is not None:
        set_option("set_proxy", proxy.checked("proxy"))
    if ca_certificates is not None:
        pem = _pem(ca_certificates)
        set_option("add_ca_certificates", pem, pem.size)
    if client_certificate is not None or client_key is not None:
        chain, key = _pem(client_certificate), _pem(client_key)
        set_option("set_client_certificate", chain, chain.size, key, key.size)
        chain.wipe()
        key.wipe()
    if user_agent_suffix is not None:
        set_option("set_user_agent_suffix", encoded(user_agent_suffix, "user_agent_suffix"))
    if on_request is not None:
        callback = client.keep_alive(_request_callback(on_request))
        set_option("set_on_request", callback, None)
    call(
        library.sco_client_new,
        None if server is None else encoded(server, "server"),
        None if token is None else token.checked("token"),
        options,
        client.out_param(),
    )
    return client


def _reject_two(name: str, value: object, other_name: str, other: object) -> None:
    # The library would ignore one of them without an error.
    if value is not None and other is not None:
        raise InvalidArgumentError(f"{name} and {other_name} are both set: pass one of them")


def _token_callback(token_provider: Callable[[bool], str]) -> object:
    def provide(context: int | None, renew: int, result: int) -> int:
        token = Secret(token_provider(bool(renew)))
        try:
            call(
                library.sco_token_result_set, result, token.checked("the result of token_provider")
            )
        finally:
            token.wipe()
        return 0

    return c.sco_token_callback(storing_exceptions(provide))


def _request_callback(on_request: Callable[[RequestRecord], object]) -> object:
    is_logged = False

    def report(context: int | None, native: Any) -> int:
        nonlocal is_logged
        request = native.contents
        record = RequestRecord(
            method=text(request.method),
            url=text(request.url),
            http_status=request.http_status or None,
            error=optional_text(request.error),
            bytes_received=request.bytes_received,
            duration=request.duration_seconds,
            attempt=request.attempt,
        )
        try:
            on_request(record)
        except Exception as error:
            if is_of_signal_handler(error):
                raise
            if not is_logged:
                is_logged = True
                log_ignored(error, "the on_request callback of a Client")
        return 0

    return c.sco_request_callback(storing_exceptions(report))


def _progress_callback(on_progress: Callable[[Progress], object]) -> object:
    def report(context: int | None, native: Any) -> int:
        progress = native.contents
        total = progress.total_bytes if progress.has_total_bytes else None
        on_progress(Progress(progress.bytes_received, total, progress.attempt))
        return 0

    return c.sco_progress_callback(storing_exceptions(report))


def _write_callback(writer: Writer) -> object:
    def write(context: int | None, data: int, length: int) -> int:
        _write_all(writer, ctypes.string_at(data, length))
        return 0

    return c.sco_write_callback(storing_exceptions(write))


def _pem(pem: Secret | Pem | None) -> Secret:
    # Returns a copy, which the caller may wipe.
    if isinstance(pem, os.PathLike):
        return Secret(Path(pem).read_bytes())
    return pem.copy() if isinstance(pem, Secret) else Secret(pem or b"")


def _job_id(job: int | str) -> int:
    # ctypes would truncate a number of more than 64 bits; as text the library rejects it.
    if isinstance(job, int) and -(2**63) <= job < 2**63:
        return job
    return Client.parse_job_id(str(job))


def _call_options(
    timeout: float | None,
    cancel_token: CancelToken | None,
    on_progress: Callable[[Progress], object] | None = None,
    wait: WaitOptions | None = None,
) -> Handle:
    # The options keep the callbacks alive.
    options = Handle(library.sco_call_options_free, library.sco_call_options_new())

    def set_option(name: str, *values: object) -> None:
        call(getattr(library, f"sco_call_options_{name}"), options, *values)

    if timeout is not None:
        set_option("set_timeout_ms", milliseconds(timeout, "timeout"))
    if cancel_token is not None:
        set_option("set_cancel_token", cancel_token._handle)
    if on_progress is not None:
        callback = options.keep_alive(_progress_callback(on_progress))
        set_option("set_on_progress", callback, None)
    if wait is not None:
        for name in ("initial_interval", "max_interval", "grace"):
            set_option(f"set_wait_{name}_ms", milliseconds(getattr(wait, name), name))
        set_option("set_fail_on_hold", int(wait.fail_on_hold))
    set_option("set_interrupt", interrupt_callback, None)
    return options


def _write_all(writer: Writer, chunk: bytes) -> None:
    left = memoryview(chunk)
    while left:
        written = writer.write(bytes(left) if len(left) < len(chunk) else chunk)
        # Only a raw file may write a part, or nothing if it does not block.
        if not isinstance(writer, io.RawIOBase):
            return
        if not isinstance(written, int) or written == 0:
            raise BlockingIOError("the writer is non-blocking and takes no bytes now")
        left = left[written:]
