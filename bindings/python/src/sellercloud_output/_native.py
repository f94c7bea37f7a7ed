"""The native library and how it is called. Only this module turns a status into an exception."""

from __future__ import annotations

import atexit
import ctypes
import functools
import logging
import math
import os
import signal
import sys
import threading
import time
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, ClassVar, NoReturn, TypeVar

from . import _declarations as c
from ._errors import (
    CLASSES,
    CallCancelledError,
    InvalidArgumentError,
    SellercloudError,
    StorageError,
)
from ._job import queued_job

if TYPE_CHECKING:
    from types import TracebackType

Self = TypeVar("Self", bound="Closeable")

FILE_NAMES = {"win32": "sellercloud_output.dll", "darwin": "libsellercloud_output.dylib"}


def _load() -> ctypes.CDLL:
    path = Path(__file__).with_name(FILE_NAMES.get(sys.platform, "libsellercloud_output.so"))
    try:
        library = ctypes.CDLL(str(path))
        c.declare(library)
    except (OSError, AttributeError) as error:
        raise ImportError(
            f"cannot load the native library of sellercloud-output from {path}: {error} "
            "(install the package for this operating system and processor: "
            "pip install --force-reinstall sellercloud-output)"
        ) from error
    return library


library = _load()


class Handle:
    """A handle of the library, freed with the last reference to it.

    A new handle is NULL until a function of the library sets it through `out_param`. ctypes
    passes a handle by its `_as_parameter_` attribute, and keeps it alive during the call.
    """

    __slots__ = ("__weakref__", "_as_parameter_", "_kept_alive")

    def __init__(self, free: Any, value: int | None = None) -> None:
        """Takes ownership of a native handle.

        Args:
            free: The library's function that frees the handle.
            value: The handle. Default: NULL.
        """
        self._as_parameter_ = ctypes.c_void_p(value)
        self._kept_alive: list[object] = []
        owner = _Owner(self, _owners.discard)
        owner.freer = _Freer(self, free)
        owner.freer._as_parameter_ = self._as_parameter_
        _owners.add(owner)

    def out_param(self) -> Any:
        """Returns the address at which a function stores the handle that it returns."""
        return ctypes.byref(self._as_parameter_)

    def keep_alive(self, value: Any) -> Any:
        """Keeps a callback alive for as long as this handle, and returns the callback."""
        self._kept_alive.append(value)
        return value

    def __reduce__(self) -> NoReturn:
        """Raises TypeError: a handle belongs to its process."""
        raise TypeError("a handle of the native library cannot be pickled")


# A weak reference frees its handle: its callback is the library's function and the reference
# itself is that function's argument. A second weak reference removes both from `_owners`. A
# finalizer in Python would not do: a signal handler could run in it, and Python would discard
# the exception that the handler raises (Ctrl-C).
class _Freer(weakref.ref["Handle"]):
    # NULL until the handle is set.
    _as_parameter_ = ctypes.c_void_p()


class _Owner(weakref.ref["Handle"]):
    __slots__ = ("freer",)
    freer: _Freer
    # A weak reference hashes as its referent does, which may be gone.
    __hash__ = object.__hash__


_owners: set[_Owner] = set()

# The number of forks between the process that loaded the library and this one.
forks = 0


def _after_fork() -> None:
    # Handles copied by a fork are never freed: they may be locked by a thread that the child
    # does not have, and their connections are the parent's.
    global forks
    forks += 1
    _owners.clear()
    Call.forget_other_threads()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class Closeable:
    """An object that a `with` statement closes at its end."""

    def close(self) -> None:
        """Closes the object."""
        raise NotImplementedError

    def _opened(self) -> object:
        # Returns what the methods use; raises ValueError if the object is closed.
        raise NotImplementedError

    def __enter__(self: Self) -> Self:
        """Returns the object itself.

        Raises:
            ValueError: The object is closed.
        """
        self._opened()
        return self

    def __exit__(self, *_: object) -> None:
        """Closes the object."""
        self.close()


def text(value: bytes | None) -> str:
    """Decodes a string of the library; NULL becomes an empty str."""
    return "" if value is None else value.decode()


def optional_text(value: bytes | None) -> str | None:
    """Decodes a string of the library; NULL becomes None."""
    return None if value is None else value.decode()


def encoded(value: str, name: str) -> bytes:
    """Encodes a text that is not secret for the library.

    Args:
        value: The text.
        name: The parameter's name, for the error's message.

    Raises:
        InvalidArgumentError: The text contains NUL or a lone surrogate.
    """
    if "\0" in value:
        raise InvalidArgumentError(f"{name} contains a NUL character")
    try:
        return value.encode()
    except UnicodeEncodeError:
        raise InvalidArgumentError(f"{name} contains a lone surrogate") from None


def encoded_path(path: str | os.PathLike[str], name: str) -> bytes:
    """Encodes a path for the library: as the system has it, or in UTF-8 on Windows.

    Args:
        path: The path.
        name: The parameter's name, for the error's message.

    Raises:
        InvalidArgumentError: The path contains NUL, or a character that no path can have.
    """
    value = os.fspath(path)
    if sys.platform == "win32":
        return encoded(value, name)
    if "\0" in value:
        raise InvalidArgumentError(f"{name} contains a NUL character")
    try:
        return os.fsencode(value)
    except UnicodeEncodeError as error:
        raise InvalidArgumentError(
            f"{name} contains a character that {error.encoding} cannot encode"
        ) from None


def decoded_path(path: bytes) -> str:
    """Decodes a path of the library, as the functions of `os` decode paths."""
    return path.decode() if sys.platform == "win32" else os.fsdecode(path)


def checked_unsigned(value: int, name: str, bits: int) -> int:
    """Returns a number that fits into an unsigned type; ctypes would truncate any other.

    Args:
        value: The number.
        name: The parameter's name, for the error's message.
        bits: The size of the type.

    Raises:
        InvalidArgumentError: The number is negative or too large.
    """
    if not 0 <= value < 2**bits:
        raise InvalidArgumentError(f"{name} must be from 1 to 2^{bits} - 1, not {value}")
    return value


NO_LIMIT = 2**64 - 1


def milliseconds(seconds: float | None, name: str) -> int:
    """Converts a time in seconds to whole milliseconds, rounded up.

    Args:
        seconds: The time. None and math.inf mean no limit.
        name: The parameter's name, for the error's message.

    Raises:
        InvalidArgumentError: The time is negative or not a number.
    """
    if seconds is None or seconds == math.inf:
        return NO_LIMIT
    if not seconds >= 0:
        raise InvalidArgumentError(
            f"{name} must be a non-negative number of seconds, not {seconds}"
        )
    return math.ceil(min(seconds * 1000, 2.0**63))


class Call:
    """A call that runs on this thread, and the exception that one of its callbacks raised.

    An exception cannot pass through the native library. A callback that raises one stores
    it here and cancels the call, and the call raises it when the library has returned.
    """

    _of_thread = threading.local()
    _of_other_threads: ClassVar[set[Call]] = set()
    _is_exiting = False

    def __init__(self) -> None:
        """Creates a call, which begins with `__enter__`."""
        self.raised: BaseException | None = None
        self._is_main = threading.current_thread() is threading.main_thread()

    @classmethod
    def current(cls) -> Call:
        """Returns the innermost call of this thread."""
        call: Call = cls._of_thread.call
        return call

    @classmethod
    def forget_other_threads(cls) -> None:
        """Forgets the calls of threads that do not exist in the child of a fork."""
        cls._of_other_threads.clear()

    @classmethod
    def cancel_other_threads(cls) -> None:
        """Cancels the calls of daemon threads when the interpreter exits.

        The interpreter ends a thread that calls back into it then, and the process with it.
        """
        cls._is_exiting = True
        deadline = time.monotonic() + 2
        while cls._of_other_threads and time.monotonic() < deadline:
            time.sleep(0.001)

    @property
    def should_cancel(self) -> bool:
        """Whether the library should cancel the call."""
        return self.raised is not None or (self._is_exiting and not self._is_main)

    def store(self, error: BaseException) -> None:
        """Stores an exception for the call to raise, unless there is one already."""
        if self.raised is None:
            self.raised = error

    def __enter__(self) -> Call:
        """Makes this the thread's current call.

        Raises:
            CallCancelledError: The interpreter is exiting, and this is not the main thread.
        """
        self._outer = getattr(self._of_thread, "call", None)
        if not self._is_main:
            self._of_other_threads.add(self)
            if self._is_exiting:
                self._of_other_threads.discard(self)
                raise CallCancelledError("cancelled: the interpreter is exiting")
        self._of_thread.call = self
        if self._is_main:
            self._hook = sys.unraisablehook
            sys.unraisablehook = self._unraisable
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Makes the call around this one current again."""
        if self._is_main:
            sys.unraisablehook = self._hook
        self._of_thread.call = self._outer
        self._of_other_threads.discard(self)

    def _unraisable(self, unraisable: sys.UnraisableHookArgs) -> None:
        # A signal handler (Ctrl-C) may run and raise while ctypes enters a callback, before
        # the callback can catch anything. ctypes then reports the exception to this hook.
        is_from_callback = "ctypes callback" in (unraisable.err_msg or "")
        if is_from_callback and unraisable.exc_value is not None and self._is_current():
            self.store(unraisable.exc_value)
        else:
            self._hook(unraisable)

    def _is_current(self) -> bool:
        return getattr(self._of_thread, "call", None) is self


atexit.register(Call.cancel_other_threads)


def call(function: Any, *arguments: Any) -> None:
    """Calls a function of the library whose last parameter is the error.

    Args:
        function: The function.
        arguments: Its arguments but the last.

    Raises:
        SellercloudError: The function returned an error.
        BaseException: A callback or a signal handler raised it during the call.
    """
    error = Handle(library.sco_error_free)
    with Call() as running:
        status = function(*arguments, error.out_param())
    if running.raised is not None:
        raise running.raised
    if status != c.SCO_OK:
        raise _exception(status, error)


def call_for_handle(function: Any, free: Any, *arguments: Any) -> Handle:
    """Calls a function of the library whose last parameter but one returns a handle.

    Args:
        function: The function.
        free: The function that frees the handle.
        arguments: The arguments but the last two.

    Returns:
        The handle.

    Raises:
        SellercloudError: The function returned an error.
        BaseException: A callback or a signal handler raised it during the call.
    """
    result = Handle(free)
    call(function, *arguments, result.out_param())
    return result


def storing_exceptions(body: Callable[..., int]) -> Callable[..., int]:
    """Wraps a callback, so that the call raises what the callback raises.

    Args:
        body: The callback. It returns 0 to continue.

    Returns:
        A callback that returns 1, which cancels the call, if `body` raises.
    """

    def callback(*arguments: Any) -> int:
        running = Call.current()
        try:
            return 1 if running.should_cancel else body(*arguments)
        except BaseException as error:
            running.store(error)
            return 1

    return callback


def log_ignored(error: Exception, where: str) -> None:
    """Logs an exception that does not decide the call's outcome.

    Args:
        error: The exception.
        where: What raised it.
    """
    try:
        logging.getLogger("sellercloud_output").error("%s failed", where, exc_info=error)
    except Exception as own:
        # The program's own logging handler may raise, or a signal handler that runs in it.
        if is_of_signal_handler(own):
            raise


def is_of_signal_handler(error: BaseException) -> bool:
    """Returns whether a signal handler raised an exception.

    A frame of one of the process's signal handlers is then in the traceback.
    """
    if threading.current_thread() is not threading.main_thread():
        return False
    codes = {_code_of(signal.getsignal(number)) for number in signal.valid_signals()}
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code in codes:
            return True
        trace = trace.tb_next
    return False


def _code_of(handler: Any) -> object:
    # The code object of a handler written in Python; None for any other.
    while isinstance(handler, functools.partial):
        handler = handler.func
    if not callable(handler):
        return None
    function = getattr(handler, "__func__", handler)
    code: object = getattr(function, "__code__", None)
    return code or getattr(type(handler).__call__, "__code__", None)


def _interrupt(context: int | None) -> int:
    return int(Call.current().should_cancel)


# Python runs its signal handlers while the library is in this callback.
interrupt_callback = c.sco_interrupt_callback(_interrupt)


def _exception(status: int, error: Handle) -> SellercloudError:
    exception = CLASSES.get(status, SellercloudError)(text(library.sco_error_message(error)))
    exception.http_status = library.sco_error_http_status(error) or None
    retry_after = library.sco_error_retry_after_ms(error)
    exception.retry_after = None if retry_after < 0 else retry_after / 1000
    exception.attempts = library.sco_error_attempts(error)
    exception.is_retryable = bool(library.sco_error_is_retryable(error))
    exception.job_id = library.sco_error_job_id(error) or None
    if isinstance(exception, StorageError):
        path = library.sco_error_path(error)
        exception.filename = None if path is None else decoded_path(path)
        _set_os_error(exception, library.sco_error_os_error(error))
    job = library.sco_error_job(error)
    exception.job = queued_job(library, job) if job else None
    lines: list[str] = []
    while (line := library.sco_error_job_log_line(error, len(lines))) is not None:
        lines.append(text(line))
    exception.job_log = tuple(lines)
    return exception


def _set_os_error(exception: StorageError, code: int) -> None:
    if code == 0:
        return
    if sys.platform == "win32":
        cause = ctypes.WinError(code)
        exception.winerror = cause.winerror
        exception.errno, exception.strerror = cause.errno, cause.strerror
    else:
        exception.errno, exception.strerror = code, os.strerror(code)
