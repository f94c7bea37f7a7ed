"""Secrets that no traceback, repr or debugger view of this package shows."""

from __future__ import annotations

import ctypes
import os
from typing import Any


class Secret:
    """A text or PEM for the library, in memory that is overwritten when it is wiped.

    Tools print the variables of a traceback's frames (Sentry, `pytest -l`): a variable of
    this package holds one of these and not the text. For the same reason a text that
    cannot be used is reported by `checked` only, when no frame holds it any more.
    """

    __slots__ = ("_as_parameter_", "_error", "size")

    def __init__(self, value: object) -> None:
        self._error: tuple[type[Exception], str] | None = None
        data = b""
        if isinstance(value, bytes):
            data = value
        elif isinstance(value, str):
            try:
                data = value.encode()
            except UnicodeEncodeError:
                self._error = ValueError, "holds half of a surrogate pair"
            if "\0" in value:
                self._error = ValueError, "holds a NUL character"
        else:
            self._error = TypeError, f"is of type {type(value).__name__}, not a str"
        self.size = len(data)
        # The attribute that ctypes looks for in an argument.
        self._as_parameter_ = ctypes.create_string_buffer(data, self.size + 1)

    def checked(self, name: str) -> Secret:
        """Returns this secret; raises an error if the library cannot take it."""
        if self._error is not None:
            kind, what = self._error
            raise kind(f"{name} {what}") from None
        return self

    def copy(self) -> Secret:
        """Returns a secret of its own memory."""
        return Secret(self._as_parameter_.raw[: self.size])

    def wipe(self) -> None:
        """Overwrites the memory."""
        ctypes.memset(self._as_parameter_, 0, self.size)
        self._error = ValueError, "was wiped: the client is closed"

    def __reduce__(self) -> tuple[Any, ...]:
        return Secret, (self._as_parameter_.raw[: self.size],)

    def __repr__(self) -> str:
        return "<secret>"


def hidden(value: Any) -> Any:
    """Wraps a text or bytes; None stays None."""
    if isinstance(value, Secret):
        return value.copy()
    return None if value is None else Secret(value)


def hidden_pem(value: Any) -> Any:
    """Wraps PEM; a path, which is no secret, stays as it is."""
    return value if isinstance(value, os.PathLike) else hidden(value)
