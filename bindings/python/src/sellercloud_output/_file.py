"""Output files: in memory, saved, and written elsewhere."""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NoReturn

from . import _declarations as c
from ._native import Closing, Handle, call, get, library, optional_text, path_text, text, utf8

IfExists = Literal["fail", "replace", "number"]

IF_EXISTS: dict[str, int] = {
    "fail": c.SCO_IF_EXISTS_FAIL,
    "replace": c.SCO_IF_EXISTS_REPLACE,
    "number": c.SCO_IF_EXISTS_NUMBER,
}


@dataclass(frozen=True)
class WrittenFile:
    """What is known of a file that was written.

    name is safe on Windows and Unix, never a path; name_is_made_up tells that the
    server gave none that could be used. size is in bytes, after decoding.
    """

    name: str
    name_is_made_up: bool
    size: int
    content_type: str | None


@dataclass(frozen=True)
class SavedFile(WrittenFile):
    """What is known of a file that was saved, and where it is."""

    path: Path


class OutputFile(Closing):
    """A job's output file, in memory.

    name: safe on Windows and Unix: never a path, never empty.
    name_is_made_up: whether the server gave no name that could be used.
    content_type: the answer's Content-Type, if it had one.

    Any number of threads may read it at once. As a context manager it lets go of the
    memory in the end; views of it that are still there keep it.
    """

    def __init__(self, handle: Handle) -> None:
        """Not for callers: Client makes them."""
        self.name = text(library.sco_output_file_name(handle))
        self.name_is_made_up = bool(library.sco_output_file_name_is_made_up(handle))
        self.content_type = optional_text(library.sco_output_file_content_type(handle))
        size: int = library.sco_output_file_len(handle)
        memory: Any = (ctypes.c_ubyte * size).from_address(library.sco_output_file_data(handle))
        # The views keep the memory, and that the handle which frees it.
        memory.handle = handle
        self._handle: Handle | None = handle
        self._data: memoryview | None = memoryview(memory).cast("B").toreadonly()

    @property
    def data(self) -> memoryview:
        """The file's bytes, read-only and not copied. Outlives the file object."""
        return self._opened()

    def save(
        self,
        folder: str | os.PathLike[str],
        *,
        name: str | None = None,
        if_exists: IfExists = "fail",
        sync: bool = True,
    ) -> SavedFile:
        """Saves the file in a folder, which must exist: whole or not at all.

        name: in place of the server's. if_exists: "fail", "replace", or "number" for
        the first that is free of "report (1).csv", "report (2).csv"... sync: whether to
        wait until it is on the disk.

        Raises StorageError if it cannot be saved.
        """
        self._opened()
        options = Handle(library.sco_options_free, library.sco_options_new())
        set_save(options, name, if_exists, sync)
        info = get(
            library.sco_output_file_save,
            library.sco_file_info_free,
            self._handle,
            path_text(folder),
            options,
        )
        return saved_file(info)

    def close(self) -> None:
        """Lets go of the memory; views of it that are still there keep it."""
        self._data = None
        self._handle = None

    def _opened(self) -> memoryview:
        if self._data is None:
            raise ValueError("the output file is closed")
        return self._data

    def __bytes__(self) -> bytes:
        return bytes(self._opened())

    def __len__(self) -> int:
        return len(self._opened())

    def __bool__(self) -> bool:
        # An empty file is a file.
        return True

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "an OutputFile cannot be pickled: send its name and bytes(file), "
            "or save it where it was fetched"
        )

    def __repr__(self) -> str:
        state = "closed" if self._data is None else f"{len(self._data)} bytes"
        return f"<OutputFile {self.name!r}, {state}>"


def set_save(options: Handle, name: str | None, if_exists: IfExists, sync: bool) -> None:
    """Sets how to save."""
    if if_exists not in IF_EXISTS:
        raise ValueError(f"if_exists is {if_exists!r}, not one of {', '.join(IF_EXISTS)}")
    call(
        library.sco_options_set_save,
        options,
        None if name is None else utf8(name, "the file name"),
        IF_EXISTS[if_exists],
        int(sync),
    )


def written_file(info: Handle) -> WrittenFile:
    """What is known of a file, as the library tells it."""
    return WrittenFile(
        name=text(library.sco_file_info_name(info)),
        name_is_made_up=bool(library.sco_file_info_name_is_made_up(info)),
        size=library.sco_file_info_len(info),
        content_type=optional_text(library.sco_file_info_content_type(info)),
    )


def saved_file(info: Handle) -> SavedFile:
    """The same with its path."""
    path = Path(text(library.sco_file_info_path(info)))
    return SavedFile(**vars(written_file(info)), path=path)
