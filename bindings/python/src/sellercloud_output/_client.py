"""The client: what a caller asks for."""

from __future__ import annotations

import ctypes
import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Literal, Protocol, Union

from . import _declarations as c
from . import _native
from ._file import (
    IfExists,
    OutputFile,
    SavedFile,
    WrittenFile,
    saved_file,
    set_save,
    written_file,
)
from ._job import QueuedJob, queued_job
from ._native import (
    Closing,
    Handle,
    ask_signals,
    call,
    get,
    guarded,
    is_of_signal_handler,
    library,
    milliseconds,
    optional_text,
    path_text,
    report_ignored,
    text,
    unsigned,
    utf8,
)
from ._secret import Secret, hidden, hidden_pem

BodyEncoding = Literal["base64", "raw", "auto"]
Pem = Union[str, bytes, "os.PathLike[str]"]

BODY_ENCODINGS: dict[str, int] = {
    "base64": c.SCO_BODY_BASE64,
    "raw": c.SCO_BODY_RAW,
    "auto": c.SCO_BODY_AUTO,
}


class Writer(Protocol):
    """Anything that bytes can be written to."""

    def write(self, data: bytes, /) -> object: ...


@dataclass(frozen=True)
class Progress:
    """How far a file's transfer has come.

    received: bytes of the answer's body received in this attempt, as they are sent.
    total: how many there will be, where the server says so. attempt: the first is 1.
    """

    received: int
    total: int | None
    attempt: int


@dataclass(frozen=True)
class RequestRecord:
    """One request and what came of it, for a log; without token, password or body.

    error: why there was no answer, or not all of it. size: bytes of the answer's body.
    """

    method: str
    url: str
    status: int | None
    error: str | None
    size: int
    seconds: float
    attempt: int


@dataclass(frozen=True)
class Wait:
    """How to wait for a job, in seconds.

    first: the interval before the second request for the job's status; every later
    interval is the one before multiplied by 1.5. longest: the longest of these intervals.
    Both must be greater than zero. grace: for how long "could not find" is taken as "not
    yet", and a server that cannot be reached as one that will come back; 0 means no grace.
    fail_on_hold: whether a job on hold ends the wait at once with JobFailed, since it
    stays so until a user releases it; False waits on.
    """

    first: float = 1.0
    longest: float = 30.0
    grace: float = 120.0
    fail_on_hold: bool = True


class CancelToken:
    """Cancels calls, from any thread: they raise Cancelled within a quarter of a second."""

    def __init__(self) -> None:
        self._handle = Handle(library.sco_cancel_free, library.sco_cancel_new())

    def cancel(self) -> None:
        """Cancels every call that has this token, now and later."""
        library.sco_cancel_pull(self._handle)

    @property
    def is_cancelled(self) -> bool:
        """Whether it was cancelled."""
        return bool(library.sco_cancel_is_pulled(self._handle))


class Client(Closing):
    """Fetches output files from one server, for one user.

    server: a server id ("tt" means https://tt.api.sellercloud.com/rest) or a base URL;
    or team: its server is looked up by its name (in team_directory).

    One of these is needed: token: the bearer token; user and password, to log in with
    once for all threads and again when the token expires; token_source: a function that
    gives the token, and is told whether the one given last was refused.

    body_encoding: "base64" (in any of its forms), "raw", or "auto" to guess. max_size:
    of a file in bytes; 2 GiB in memory and no limit otherwise unless set.
    allow_plain_http: to other machines than this one. Times are in seconds:
    connect_timeout for a connection, with name lookup, proxy and TLS together,
    stall_timeout without a byte, call_timeout for a whole call. attempts: how many
    times to try, with random waits up to retry_base, doubled each time, at most
    retry_longest. retry_server_errors: whether a response with status 500 is retried as
    well. proxy: a URL, "" for none; the environment's unless set; never for a server on
    loopback. ca_certificates: trusted besides the system's, PEM or one in DER;
    client_certificate with its chain, and client_key: PEM. Each may be the path of a file
    with it. log: is called with a record of every request.

    The three timeouts, max_size and attempts are limits: zero is rejected with
    InvalidArgument. A timeout of None means no limit, as does math.inf.

    Any number of threads may use a client at once; their calls run in parallel. After a
    fork the child's copy connects and logs in anew. A client is pickled as its settings,
    secrets among them. It holds its secrets hidden from tracebacks and debuggers, and
    close overwrites them; the str that the caller passed cannot be overwritten.

    Callbacks are called on the thread of the call; what they raise is raised by it. The
    exception is log, which never decides a call's outcome: the first Exception that it
    raises goes to the logger "sellercloud_output" as an error, and later ones are ignored.
    KeyboardInterrupt, SystemExit and what a signal handler raises meanwhile are raised by
    the call.

    Every method raises a SellercloudError where it fails. Of their parameters, job is
    the id, or text: an id or a QueuedJobLink. timeout: the longest that the whole call
    may take, in seconds, greater than zero; None for the client's call_timeout, or 24
    hours with waiting for a job, and math.inf for no limit. cancel: what cancels it.
    progress: is called with how far the transfer is.
    """

    def __init__(
        self,
        server: str | None = None,
        *,
        team: str | None = None,
        team_directory: str | None = None,
        token: str | None = None,
        user: str | None = None,
        password: str | None = None,
        token_source: Callable[[bool], str] | None = None,
        body_encoding: BodyEncoding = "base64",
        max_size: int | None = None,
        allow_plain_http: bool = False,
        connect_timeout: float | None = 30.0,
        stall_timeout: float | None = 60.0,
        call_timeout: float | None = 3600.0,
        attempts: int = 5,
        retry_base: float = 1.0,
        retry_longest: float = 30.0,
        retry_server_errors: bool = False,
        proxy: str | None = None,
        ca_certificates: Pem | None = None,
        client_certificate: Pem | None = None,
        client_key: Pem | None = None,
        log: Callable[[RequestRecord], object] | None = None,
    ) -> None:
        # First: a traceback shows the variables of its frames.
        token, password, proxy = hidden(token), hidden(password), hidden(proxy)
        client_certificate, client_key = hidden_pem(client_certificate), hidden_pem(client_key)
        settings = dict(locals())
        del settings["self"]
        self._name = f"team={team!r}" if team is not None else repr(server)
        self._handle: Handle | None = None
        # For the child of a fork, which makes a client of its own, and for pickling.
        self._settings: dict[str, Any] = settings
        self._forks = _native.forks
        try:
            self._handle = _client_handle(**settings)
        except BaseException:
            self.close()
            raise

    @staticmethod
    def job_id(job: str) -> int:
        """The id in text: the id itself, or a QueuedJobLink."""
        result = ctypes.c_int64()
        call(library.sco_job_id_from_text, utf8(job, "the job"), ctypes.byref(result))
        return result.value

    def output_file(
        self,
        job: int | str,
        *,
        timeout: float | None = None,
        cancel: CancelToken | None = None,
        progress: Callable[[Progress], object] | None = None,
    ) -> OutputFile:
        """Fetches a job's output file into memory."""
        options = _options(timeout, cancel, progress)
        return OutputFile(
            get(
                library.sco_get_output_file,
                library.sco_output_file_free,
                self._opened(),
                _number(job),
                options,
            )
        )

    def save_output_file(
        self,
        job: int | str,
        folder: str | os.PathLike[str],
        *,
        name: str | None = None,
        if_exists: IfExists = "fail",
        sync: bool = True,
        timeout: float | None = None,
        cancel: CancelToken | None = None,
        progress: Callable[[Progress], object] | None = None,
    ) -> SavedFile:
        """Saves a job's output file in a folder, which must exist: whole or not at all.

        It is decoded as it arrives, and not held in memory. name, if_exists and sync are
        those of OutputFile.save.
        """
        options = _options(timeout, cancel, progress)
        set_save(options, name, if_exists, sync)
        info = get(
            library.sco_save_output_file,
            library.sco_file_info_free,
            self._opened(),
            _number(job),
            path_text(folder),
            options,
        )
        return saved_file(info)

    def write_output_file(
        self,
        job: int | str,
        writer: Writer,
        *,
        timeout: float | None = None,
        cancel: CancelToken | None = None,
        progress: Callable[[Progress], object] | None = None,
    ) -> WrittenFile:
        """Writes a job's output file to anything with write(bytes), as it arrives.

        On an error the writer may have been given a part.
        """
        info = get(
            library.sco_write_output_file,
            library.sco_file_info_free,
            self._opened(),
            _number(job),
            _write_callback(writer),
            None,
            _options(timeout, cancel, progress),
        )
        return written_file(info)

    def job(
        self,
        job: int | str,
        *,
        timeout: float | None = None,
        cancel: CancelToken | None = None,
    ) -> QueuedJob:
        """Asks how far a job is. However it ended, it is told: that is no error."""
        options = _options(timeout, cancel)
        return queued_job(
            library,
            get(library.sco_get_job, library.sco_job_free, self._opened(), _number(job), options),
        )

    def wait(
        self,
        job: int | str,
        *,
        wait: Wait = Wait(),
        timeout: float | None = None,
        cancel: CancelToken | None = None,
    ) -> QueuedJob:
        """Waits until a job has ended with success, for at most 24 hours unless told.

        Raises JobFailed if it ended otherwise.
        """
        ended = get(
            library.sco_wait_for_job,
            library.sco_job_free,
            self._opened(),
            _number(job),
            _options(timeout, cancel, wait=wait),
        )
        return queued_job(library, ended)

    def wait_for_output_file(
        self,
        job: int | str,
        *,
        wait: Wait = Wait(),
        timeout: float | None = None,
        cancel: CancelToken | None = None,
        progress: Callable[[Progress], object] | None = None,
    ) -> tuple[QueuedJob, OutputFile]:
        """Waits for a job as wait does, and fetches its output file."""
        ended = Handle(library.sco_job_free)
        file = get(
            library.sco_wait_for_output_file,
            library.sco_output_file_free,
            self._opened(),
            _number(job),
            _options(timeout, cancel, progress, wait),
            ended.place(),
        )
        return queued_job(library, ended), OutputFile(file)

    def wait_and_save_output_file(
        self,
        job: int | str,
        folder: str | os.PathLike[str],
        *,
        name: str | None = None,
        if_exists: IfExists = "fail",
        sync: bool = True,
        wait: Wait = Wait(),
        timeout: float | None = None,
        cancel: CancelToken | None = None,
        progress: Callable[[Progress], object] | None = None,
    ) -> tuple[QueuedJob, SavedFile]:
        """Waits for a job as wait does, and saves its output file as save_output_file does.

        The folder, and name if it is given, are checked before the wait begins.
        """
        options = _options(timeout, cancel, progress, wait)
        set_save(options, name, if_exists, sync)
        ended = Handle(library.sco_job_free)
        info = get(
            library.sco_wait_and_save_output_file,
            library.sco_file_info_free,
            self._opened(),
            _number(job),
            path_text(folder),
            options,
            ended.place(),
        )
        return queued_job(library, ended), saved_file(info)

    def wait_and_write_output_file(
        self,
        job: int | str,
        writer: Writer,
        *,
        wait: Wait = Wait(),
        timeout: float | None = None,
        cancel: CancelToken | None = None,
        progress: Callable[[Progress], object] | None = None,
    ) -> tuple[QueuedJob, WrittenFile]:
        """Waits for a job as wait does, and writes its output file as write_output_file does.

        On an error the writer may have been given a part.
        """
        ended = Handle(library.sco_job_free)
        info = get(
            library.sco_wait_and_write_output_file,
            library.sco_file_info_free,
            self._opened(),
            _number(job),
            _write_callback(writer),
            None,
            _options(timeout, cancel, progress, wait),
            ended.place(),
        )
        return queued_job(library, ended), written_file(info)

    def close(self) -> None:
        """Closes the client's connections, as soon as no call uses them; wipes its secrets.

        Files that it gave stay.
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
        self._opened()
        return self._settings

    def __setstate__(self, settings: dict[str, Any]) -> None:
        self.__init__(**settings)  # type: ignore[misc]

    def __repr__(self) -> str:
        return f"<Client {self._name}>"


def _client_handle(
    *,
    server: str | None,
    team: str | None,
    team_directory: str | None,
    token: Secret | None,
    user: str | None,
    password: Secret | None,
    token_source: Callable[[bool], str] | None,
    body_encoding: BodyEncoding,
    max_size: int | None,
    allow_plain_http: bool,
    connect_timeout: float | None,
    stall_timeout: float | None,
    call_timeout: float | None,
    attempts: int,
    retry_base: float,
    retry_longest: float,
    retry_server_errors: bool,
    proxy: Secret | None,
    ca_certificates: Pem | None,
    client_certificate: Secret | os.PathLike[str] | None,
    client_key: Secret | os.PathLike[str] | None,
    log: Callable[[RequestRecord], object] | None,
) -> Handle:
    config = Handle(library.sco_config_free, library.sco_config_new())
    client = Handle(library.sco_client_free)
    if team is not None:
        call(library.sco_config_set_team, config, utf8(team, "the team"))
    if team_directory is not None:
        directory = utf8(team_directory, "the team directory")
        call(library.sco_config_set_team_directory, config, directory)
    if user is not None or password is not None:
        call(
            library.sco_config_set_credentials,
            config,
            utf8(user or "", "the user name"),
            b"" if password is None else password.checked("the password"),
        )
    if token_source is not None:
        source = client.keep(_token_callback(token_source))
        call(library.sco_config_set_token_callback, config, source, None)
    if body_encoding not in BODY_ENCODINGS:
        names = ", ".join(BODY_ENCODINGS)
        raise ValueError(f"body_encoding is {body_encoding!r}, not one of {names}")
    call(library.sco_config_set_body_encoding, config, BODY_ENCODINGS[body_encoding])
    if max_size is not None:
        call(library.sco_config_set_max_size, config, unsigned(max_size, "max_size", 64))
    call(library.sco_config_set_allow_plain_http, config, int(allow_plain_http))
    call(
        library.sco_config_set_timeouts,
        config,
        milliseconds(connect_timeout),
        milliseconds(stall_timeout),
        milliseconds(call_timeout),
    )
    call(
        library.sco_config_set_retry,
        config,
        unsigned(attempts, "attempts", 32),
        milliseconds(retry_base),
        milliseconds(retry_longest),
    )
    call(library.sco_config_set_retry_server_errors, config, int(retry_server_errors))
    if proxy is not None:
        call(library.sco_config_set_proxy, config, proxy.checked("the proxy"))
    if ca_certificates is not None:
        pem = _pem(ca_certificates)
        call(library.sco_config_add_ca_certificates, config, pem, pem.size)
    if client_certificate is not None or client_key is not None:
        chain, key = _pem(client_certificate), _pem(client_key)
        call(library.sco_config_set_client_certificate, config, chain, chain.size, key, key.size)
        chain.wipe()
        key.wipe()
    if log is not None:
        told = client.keep(_log_callback(log))
        call(library.sco_config_set_log, config, told, None)
    call(
        library.sco_client_new,
        None if server is None else utf8(server, "the server"),
        None if token is None else token.checked("the token"),
        config,
        client.place(),
    )
    return client


def _token_callback(source: Callable[[bool], str]) -> object:
    def give(context: int | None, renew: int, place: int) -> int:
        token = Secret(source(bool(renew)))
        try:
            call(library.sco_token_set, place, token.checked("the token"))
        finally:
            token.wipe()
        return 0

    return c.sco_token_fn(guarded(give))


def _log_callback(log: Callable[[RequestRecord], object]) -> object:
    is_reported = False

    def tell(context: int | None, request: Any) -> int:
        nonlocal is_reported
        told = request.contents
        record = RequestRecord(
            method=text(told.method),
            url=text(told.url),
            status=told.status or None,
            error=optional_text(told.error),
            size=told.bytes,
            seconds=told.seconds,
            attempt=told.attempt,
        )
        try:
            log(record)
        except Exception as error:
            if is_of_signal_handler(error):
                raise
            if not is_reported:
                is_reported = True
                report_ignored(error, "the log callback of a Client")
        return 0

    return c.sco_log_fn(guarded(tell))


def _progress_callback(progress: Callable[[Progress], object]) -> object:
    def tell(context: int | None, native: Any) -> int:
        told = native.contents
        total = told.total if told.total_is_known else None
        progress(Progress(told.received, total, told.attempt))
        return 0

    return c.sco_progress_fn(guarded(tell))


def _write_callback(writer: Writer) -> object:
    def write(context: int | None, data: int, length: int) -> int:
        _write_all(writer, ctypes.string_at(data, length))
        return 0

    return c.sco_write_fn(guarded(write))


def _pem(pem: Secret | Pem | None) -> Secret:
    """PEM, or that of a file, of a memory of its own."""
    if isinstance(pem, os.PathLike):
        return Secret(Path(pem).read_bytes())
    return pem.copy() if isinstance(pem, Secret) else Secret(pem or b"")


def _number(job: int | str) -> int:
    # Beyond 64 bits ctypes would cut it off; as text it is an error.
    if isinstance(job, int) and -(2**63) <= job < 2**63:
        return job
    return Client.job_id(str(job))


def _options(
    timeout: float | None,
    cancel: CancelToken | None,
    progress: Callable[[Progress], object] | None = None,
    wait: Wait | None = None,
) -> Handle:
    """The options of a call, whose callbacks live as long as they do."""
    options = Handle(library.sco_options_free, library.sco_options_new())
    if timeout is not None:
        call(library.sco_options_set_timeout, options, milliseconds(timeout))
    if cancel is not None:
        call(library.sco_options_set_cancel, options, cancel._handle)
    if progress is not None:
        told = options.keep(_progress_callback(progress))
        call(library.sco_options_set_progress, options, told, None)
    if wait is not None:
        call(
            library.sco_options_set_wait,
            options,
            milliseconds(wait.first),
            milliseconds(wait.longest),
            milliseconds(wait.grace),
        )
        call(library.sco_options_set_fail_on_hold, options, int(wait.fail_on_hold))
    call(library.sco_options_set_interrupt, options, ask_signals, None)
    return options


def _write_all(writer: Writer, piece: bytes) -> None:
    left = memoryview(piece)
    while left:
        written = writer.write(bytes(left) if len(left) < len(piece) else piece)
        # A raw file may take a part, or, if it does not block, nothing.
        if not isinstance(writer, io.RawIOBase):
            return
        if not isinstance(written, int) or written == 0:
            raise BlockingIOError("the file takes no bytes for now")
        left = left[written:]
