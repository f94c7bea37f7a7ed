"""Output files: in memory, saved in a directory, or written to a writer."""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NoReturn

from . import _declarations as c
from ._errors import InvalidArgumentError
from ._native import (
    Closeable,
    Handle,
    call,
    call_for_handle,
    decoded_path,
    encoded,
    encoded_path,
    library,
    optional_text,
    text,
)

IfExists = Literal["fail", "replace", "keep_both"]
"""What to do if a file of the same name exists.

"fail" raises StorageError, "replace" replaces the file, and "keep_both" saves the new file
under the first free name of "report (1).csv", "report (2).csv" and so on.
"""

IF_EXISTS: dict[str, int] = {
    "fail": c.SCO_IF_EXISTS_FAIL,
    "replace": c.SCO_IF_EXISTS_REPLACE,
    "keep_both": c.SCO_IF_EXISTS_KEEP_BOTH,
}


@dataclass(frozen=True)
class WrittenFile:
    """A description of an output file that was written."""

    name: str
    """The server's name for the file.

    It is safe on Windows and Unix: never empty, never a path, at most 255 bytes of UTF-8.
    """

    is_fallback_name: bool
    """Whether the server sent no usable name.

    `name` is then a fallback such as "output-28142.csv": the job's id, with the extension of
    the content type if that is known.
    """

    size: int
    """The size of the decoded file, in bytes."""

    content_type: str | None
    """The response's Content-Type, or None. It may be the type of the base64 text."""


@dataclass(frozen=True)
class SavedFile(WrittenFile):
    """A description of an output file that was saved."""

    path: Path
    """The path of the saved file.

    It begins with the directory that was passed to the call, and is relative if that is. If
    the process changed its working directory during the call, it is absolute.
    """


class OutputFile(Closeable):
    """A job's output file, in memory.

    Several threads may read it at the same time. Used as a context manager, it is closed at
    the end of the `with` statement. `len(file)` is its size, and `bytes(file)` copies it.
    """

    name: str
    """The server's name for the file.

    It is safe on Windows and Unix: never empty, never a path, at most 255 bytes of UTF-8.
    """

    is_fallback_name: bool
    """Whether the server sent no usable name.

    `name` is then a fallback such as "output-28142.csv": the job's id, with the extension of
    the content type if that is known.
    """

    size: int
    """The size of the decoded file, in bytes."""

    content_type: str | None
    """The response's Content-Type, or None. It may be the type of the base64 text."""

    def __init__(self, handle: Handle) -> None:
        """Takes ownership of a native file. Only `Client` calls this.

        Args:
            handle: The native file.
        """
        self.name = text(library.sco_output_file_name(handle))
        self.is_fallback_name = bool(library.sco_output_file_is_fallback_name(handle))
        self.size = library.sco_output_file_size(handle)
        self.content_type = optional_text(library.sco_output_file_content_type(handle))
        address = library.sco_output_file_data(handle)
        memory: Any = (ctypes.c_ubyte * self.size).from_address(address)
        # Views keep the array alive, and the array the handle that frees the memory.
        memory.handle = handle
        self._handle: Handle | None = handle
        self._data: memoryview | None = memoryview(memory).cast("B").toreadonly()

    @property
    def data(self) -> memoryview:
        """The file's bytes, read-only and without a copy.

        A view stays valid after `close`, and keeps the memory until it is released.

        Raises:
            ValueError: The file is closed.
        """
        return self._opened()

    def save(
        self,
        directory: str | os.PathLike[str],
        *,
        file_name: str | None = None,
        if_exists: IfExists = "fail",
        flush_to_disk: bool = True,
    ) -> SavedFile:
        """Saves the file in a directory, either whole or not at all.

        Args:
            directory: The directory, which must exist; "." for the current one.
            file_name: The name to save under, of at most 255 bytes and without a path.
                Default: the server's.
            if_exists: What to do if a file of that name exists: "fail" (the default)
                raises StorageError, "replace" replaces it, and "keep_both" saves under the
                first free name of "report (1).csv", "report (2).csv" and so on.
            flush_to_disk: Whether to wait until the file is on the disk, so that a power
                failure cannot lose it. Default: True.

        Returns:
            The saved file's path, name and size.

        Raises:
            StorageError: The file cannot be saved; `errno` and `filename` say why and where.
            InvalidArgumentError: `directory`, `file_name` or `if_exists` is invalid.
            ValueError: The file is closed.
        """
        self._opened()
        options = Handle(library.sco_call_options_free, library.sco_call_options_new())
        set_save_options(options, file_name, if_exists, flush_to_disk)
        info = call_for_handle(
            library.sco_output_file_save,
            library.sco_file_info_free,
            self._handle,
            encoded_path(directory, "directory"),
            options,
        )
        return saved_file(info)

    def close(self) -> None:
        """Frees the file's memory as soon as no view of it is left.

        Closing a closed file does nothing.
        """
        self._data = None
        self._handle = None

    def _opened(self) -> memoryview:
        if self._data is None:
            raise ValueError("the output file is closed")
        return self._data

    def __bytes__(self) -> bytes:
        """Returns a copy of the file's bytes."""
        return bytes(self._opened())

    def __len__(self) -> int:
        """Returns the file's size in bytes."""
        return len(self._opened())

    def __bool__(self) -> bool:
        """Returns True, also for an empty file."""
        return True

    def __reduce__(self) -> NoReturn:
        """Raises TypeError: the file's memory belongs to its process."""
        raise TypeError(
            "an OutputFile cannot be pickled: pass on its name and bytes(file), "
            "or save it in the process that downloaded it"
        )

    def __repr__(self) -> str:
        """Returns the file's name and size, or that it is closed."""
        state = "closed" if self._data is None else f"{len(self._data)} bytes"
        return f"<OutputFile {self.name!r}, {state}>"


def set_save_options(
    options: Handle, file_name: str | None, if_exists: IfExists, flush_to_disk: bool
) -> None:
    """Sets how the call saves a file.

    Args:
        options: The native call options.
        file_name: The name to save under; None for the server's.
        if_exists: A key of `IF_EXISTS`.
        flush_to_disk: Whether to wait until the file is on the disk.

    Raises:
        InvalidArgumentError: `file_name` or `if_exists` is invalid.
    """
    if if_exists not in IF_EXISTS:
        names = ", ".join(map(repr, IF_EXISTS))
        raise InvalidArgumentError(f"if_exists must be one of {names}, not {if_exists!r}")
    if file_name is not None:
        name = encoded(file_name, "file_name")
        call(library.sco_call_options_set_file_name, options, name)
    call(library.sco_call_options_set_if_exists, options, IF_EXISTS[if_exists])
    call(library.sco_call_options_set_flush_to_disk, options, int(flush_to_disk))


def written_file(info: Handle) -> WrittenFile:
    """Copies the description of a written file out of a native handle."""
    return WrittenFile(
        name=text(library.sco_file_info_name(info)),
        is_fallback_name=bool(library.sco_file_info_is_fallback_name(info)),
        size=library.sco_file_info_size(info),
        content_type=optional_text(library.sco_file_info_content_type(info)),
    )


def saved_file(info: Handle) -> SavedFile:
    """Copies the description of a saved file out of a native handle."""
    path = Path(decoded_path(library.sco_file_info_path(info)))
    return SavedFile(**vars(written_file(info)), path=path)
