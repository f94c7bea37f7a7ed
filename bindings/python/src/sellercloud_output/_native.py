"""The library, and how it is called: the one place where a status becomes an exception."""

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
from ._errors import CLASSES, Cancelled, SellercloudError, StorageError
from ._job import queued_job

if TYPE_CHECKING:
    from types import TracebackType

Self = TypeVar("Self", bound="Closing")

FILE_NAMES = {"win32": "sellercloud_output.dll", "darwin": "libsellercloud_output.dylib"}


def _load() -> ctypes.CDLL:
    path = Path(__file__).with_name(FILE_NAMES.get(sys.platform, "libsellercloud_output.so"))
    try:
        library = ctypes.CDLL(str(path))
        c.declare(library)
    except (OSError, AttributeError) as error:
        raise ImportError(
            f"the native library of sellercloud-output cannot be used: {error}. "
            f"It is expected as {path}, for this system and processor "
            "(pip install --force-reinstall sellercloud-output puts it there)"
        ) from error
    return library


library = _load()


class Handle:
    """A handle of the library, freed with the last reference to it.

    It is a place for one at first, and an argument (by the attribute that ctypes looks
    for), which the arguments of a call keep alive.
    """

    __slots__ = ("__weakref__", "_as_parameter_", "_keeps")

    def __init__(self, free: Any, value: int | None = None) -> None:
        self._as_parameter_ = ctypes.c_void_p(value)
        self._keeps: list[object] = []
        owner = _Owner(self, _owners.discard)
        owner.freer = _Freer(self, free)
        owner.freer._as_parameter_ = self._as_parameter_
        _owners.add(owner)

    def place(self) -> Any:
        """Where a function puts the handle that it gives."""
        return ctypes.byref(self._as_parameter_)

    def keep(self, value: Any) -> Any:
        """Keeps a callback for as long as this; gives it."""
        self._keeps.append(value)
        return value

    def __reduce__(self) -> NoReturn:
        raise TypeError("it cannot be pickled: it belongs to its process")


# A handle is freed by a weak reference to it whose callback is the library's function,
# and which is the argument; another one forgets both. In a finalizer written in Python a
# signal's handler could run, and what it raises (Ctrl-C) would be lost.
class _Freer(weakref.ref["Handle"]):
    # NULL, until it is known.
    _as_parameter_ = ctypes.c_void_p()


class _Owner(weakref.ref["Handle"]):
    __slots__ = ("freer",)
    freer: _Freer
    # A weak reference's own is that of what it refers to, which may be gone.
    __hash__ = object.__hash__


_owners: set[_Owner] = set()

# How many forks are between this process and the one that loaded the library.
forks = 0


def _after_fork() -> None:
    # What a fork copied may be locked by a thread that is not there, and its connections
    # are the parent's: it is never freed.
    global forks
    forks += 1
    _owners.clear()
    Call.forget_others()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class Closing:
    """What is closed at the end of a with statement."""

    def close(self) -> None:
        raise NotImplementedError

    def _opened(self) -> object:
        """What is needed of it; raises ValueError where it is closed."""
        raise NotImplementedError

    def __enter__(self: Self) -> Self:
        self._opened()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def text(value: bytes | None) -> str:
    """A text of the library."""
    return "" if value is None else value.decode()


def optional_text(value: bytes | None) -> str | None:
    """A text of the library that may not be there."""
    return None if value is None else value.decode()


def utf8(value: str, name: str) -> bytes:
    """A text for the library, which is no secret."""
    if "\0" in value:
        raise ValueError(f"{name} holds a NUL character")
    try:
        return value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{name} holds half of a surrogate pair") from None


def path_text(path: str | os.PathLike[str]) -> bytes:
    """A path for the library."""
    return utf8(os.fspath(path), "the path")


def unsigned(value: int, name: str, bits: int) -> int:
    """A number for the library, which ctypes would cut off."""
    if not 0 <= value < 2**bits:
        raise ValueError(f"{name} is {value}, not a number from 0 to 2^{bits} - 1")
    return value


NO_LIMIT = 2**64 - 1


def milliseconds(seconds: float | None) -> int:
    """A time for the library, not shorter than what was meant; None for no limit."""
    if seconds is None or seconds == math.inf:
        return NO_LIMIT
    if not seconds >= 0:
        raise ValueError(f"{seconds} is not a time in seconds")
    return math.ceil(min(seconds * 1000, 2.0**63))


class Call:
    """A call under way on this thread, and what its callbacks raised.

    A callback cannot raise through the library: what it raises is kept, ends the
    call, and is raised by it.
    """

    _of_thread = threading.local()
    _of_other_threads: ClassVar[set[Call]] = set()
    _is_exiting = False

    def __init__(self) -> None:
        self.raised: BaseException | None = None
        self._is_main = threading.current_thread() is threading.main_thread()

    @classmethod
    def current(cls) -> Call:
        call: Call = cls._of_thread.call
        return call

    @classmethod
    def forget_others(cls) -> None:
        """In the child of a fork, where their threads are not."""
        cls._of_other_threads.clear()

    @classmethod
    def end_all(cls) -> None:
        """Ends the calls of other threads, as daemon threads have them at exit: the
        interpreter ends a thread that calls back into it, and with it the process."""
        cls._is_exiting = True
        limit = time.monotonic() + 2
        while cls._of_other_threads and time.monotonic() < limit:
            time.sleep(0.001)

    @property
    def is_to_end(self) -> bool:
        return self.raised is not None or (self._is_exiting and not self._is_main)

    def keep(self, error: BaseException) -> None:
        if self.raised is None:
            self.raised = error

    def __enter__(self) -> Call:
        self._outer = getattr(self._of_thread, "call", None)
        if not self._is_main:
            self._of_other_threads.add(self)
            if self._is_exiting:
                self._of_other_threads.discard(self)
                raise Cancelled("the interpreter is exiting")
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
        if self._is_main:
            sys.unraisablehook = self._hook
        self._of_thread.call = self._outer
        self._of_other_threads.discard(self)

    def _unraisable(self, unraisable: sys.UnraisableHookArgs) -> None:
        # Handlers of signals (Ctrl-C) run, and raise, as a callback is entered, where
        # nothing in it can catch that yet; ctypes then turns to this hook.
        is_from_callback = "ctypes callback" in (unraisable.err_msg or "")
        if is_from_callback and unraisable.exc_value is not None and self._is_current():
            self.keep(unraisable.exc_value)
        else:
            self._hook(unraisable)

    def _is_current(self) -> bool:
        return getattr(self._of_thread, "call", None) is self


atexit.register(Call.end_all)


def call(function: Any, *arguments: Any) -> None:
    """Calls a function whose last argument is the error; raises what it says."""
    error = Handle(library.sco_error_free)
    with Call() as running:
        status = function(*arguments, error.place())
    if running.raised is not None:
        raise running.raised
    if status != c.SCO_OK:
        raise _exception(status, error)


def get(function: Any, free: Any, *arguments: Any) -> Handle:
    """Calls a function that gives a handle through its last argument but one."""
    result = Handle(free)
    call(function, *arguments, result.place())
    return result


def guarded(body: Callable[..., int]) -> Callable[..., int]:
    """A callback that keeps what its body raises."""

    def callback(*arguments: Any) -> int:
        running = Call.current()
        try:
            return 1 if running.is_to_end else body(*arguments)
        except BaseException as error:
            running.keep(error)
            return 1

    return callback


def report_ignored(error: Exception, where: str) -> None:
    """Logs an exception that ends nothing."""
    try:
        logging.getLogger("sellercloud_output").error("%s failed", where, exc_info=error)
    except Exception as own:
        # The program's own handler may be what fails.
        if is_of_signal_handler(own):
            raise


def is_of_signal_handler(error: BaseException) -> bool:
    """Whether a signal handler raised it: one of its frames is then in the traceback."""
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
    """The code of a signal handler in Python; None for what is none."""
    while isinstance(handler, functools.partial):
        handler = handler.func
    if not callable(handler):
        return None
    function = getattr(handler, "__func__", handler)
    code: object = getattr(function, "__code__", None)
    return code or getattr(type(handler).__call__, "__code__", None)


def _ask(context: int | None) -> int:
    return int(Call.current().is_to_end)


# That it is called is what lets Python run its signal handlers.
ask_signals = c.sco_interrupt_fn(_ask)


def _exception(status: int, error: Handle) -> SellercloudError:
    exception = CLASSES.get(status, SellercloudError)(text(library.sco_error_message(error)))
    exception.http_status = library.sco_error_http_status(error) or None
    retry_after = library.sco_error_retry_after_ms(error)
    exception.retry_after = None if retry_after < 0 else retry_after / 1000
    exception.attempts = library.sco_error_attempts(error)
    exception.retry_may_help = bool(library.sco_error_retry_may_help(error))
    if isinstance(exception, StorageError):
        exception.filename = optional_text(library.sco_error_path(error))
        _set_os_error(exception, library.sco_error_os_error(error))
    job = library.sco_error_job(error)
    exception.job = queued_job(library, job) if job else None
    lines: list[str] = []
    while (line := library.sco_error_log_line(error, len(lines))) is not None:
        lines.append(text(line))
    exception.log_lines = tuple(lines)
    return exception


def _set_os_error(exception: StorageError, code: int) -> None:
    """Sets what the operating system says of its code, if there is one."""
    if code == 0:
        return
    if sys.platform == "win32":
        cause = ctypes.WinError(code)
        exception.winerror = cause.winerror
        exception.errno, exception.strerror = cause.errno, cause.strerror
    else:
        exception.errno, exception.strerror = code, os.strerror(code)
