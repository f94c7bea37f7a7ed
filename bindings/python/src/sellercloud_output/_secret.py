"""Secrets that no traceback, repr or debugger view of this package shows."""

from __future__ import annotations

import ctypes
import os
from typing import Any

from ._errors import InvalidArgumentError


class Secret:
    """A secret text or PEM for the library, in memory that `wipe` overwrites.

    Tools such as Sentry and `pytest -l` print the variables of a traceback's frames. This
    package's variables therefore hold a `Secret` and not the text. For the same reason an
    unusable text is reported by `checked` only, when no frame holds the text any more.
    """

    __slots__ = ("_as_parameter_", "_error", "size")

    def __init__(self, value: object) -> None:
        """Copies a secret.

        Args:
            value: A str or bytes. Any other value is reported by `checked`.
        """
        self._error: tuple[type[Exception], str] | None = None
        data = b""
        if isinstance(value, bytes):
            data = value
        elif isinstance(value, str):
            try:
                data = value.encode()
            except UnicodeEncodeError:
                self._error = InvalidArgumentError, "contains a lone surrogate"
            if "\0" in value:
                self._error = InvalidArgumentError, "contains a NUL character"
        else:
            self._error = TypeError, f"must be a str, not {type(value).__name__}"
        self.size = len(data)
        # ctypes passes this attribute as the argument.
        self._as_parameter_ = ctypes.create_string_buffer(data, self.size + 1)

    def checked(self, name: str) -> Secret:
        """Returns this secret if the library can take it.

        Args:
            name: The parameter's name, for the error's message.

        Raises:
            InvalidArgumentError: The text contains NUL or a lone surrogate, or was wiped.
            TypeError: The value is not a str.
        """
        if self._error is not None:
            error, reason = self._error
            raise error(f"{name} {reason}") from None
        return self

    def copy(self) -> Secret:
        """Returns a copy with memory of its own."""
        return Secret(self._as_parameter_.raw[: self.size])

    def wipe(self) -> None:
        """Overwrites the memory with zeros."""
        ctypes.memset(self._as_parameter_, 0, self.size)
        self._error = InvalidArgumentError, "was wiped because the client is closed"

    def __reduce__(self) -> tuple[Any, ...]:
        """Returns what pickle needs, which includes the secret."""
        return Secret, (self._as_parameter_.raw[: self.size],)

    def __repr__(self) -> str:
        """Returns a text without the secret."""
        return "<secret>"


def hidden(value: Any) -> Any:
    """Wraps a text or bytes in a `Secret`, and copies a `Secret`; None stays None."""
    if isinstance(value, Secret):
        return value.copy()
    return None if value is None else Secret(value)


def hidden_pem(value: Any) -> Any:
    """Wraps PEM in a `Secret`; a path is not secret and stays as it is."""
    return value if isinstance(value, os.PathLike) else hidden(value)
