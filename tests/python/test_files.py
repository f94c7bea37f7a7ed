"""Tests of files in memory, saved in a directory, and written to a writer."""

from __future__ import annotations

import gc
import io
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable

import pytest
from conftest import FIXTURES
from sellercloud_output import (
    Client,
    InvalidArgumentError,
    MalformedBodyError,
    SavedFile,
    StorageError,
    TooLargeError,
)

NAME = "Orders é 2026-11-23.csv"


def test_get_output_file_returns_bytes_and_name(client: Client, orders: bytes) -> None:
    with client.get_output_file(28142) as file:
        assert file.name == NAME
        assert not file.is_fallback_name
        assert file.content_type == "text/csv"
        assert bytes(file) == orders
        assert len(file) == file.size == 2400
        assert NAME in repr(file)


@pytest.mark.skipif(sys.platform != "linux", reason="the file system may require UTF-8")
def test_directory_that_is_not_utf8_is_used_as_it_is(client: Client, tmp_path: Path) -> None:
    directory = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    directory.mkdir()
    saved = [
        client.save_output_file(28142, directory),
        client.get_output_file(28143).save(directory),
        client.wait_and_save_output_file(50003, directory, file_name="a.csv")[1],
    ]
    names = [NAME, "inventory.txt", "a.csv"]
    assert [file.path for file in saved] == [directory / name for name in names]
    assert sorted(os.listdir(directory)) == sorted(names)
    with pytest.raises(StorageError, match="caf\N{REPLACEMENT CHARACTER}/") as caught:
        client.save_output_file(28142, directory)
    assert caught.value.filename == str(directory / NAME)
    for path in ("a\0b", "a\ud800b"):
        with pytest.raises(InvalidArgumentError, match=r"^directory contains a "):
            client.save_output_file(28142, path)


def test_empty_file_is_true(client: Client) -> None:
    file = client.get_output_file(28147)
    assert file
    assert len(file) == 0
    assert file.data.tobytes() == b""


def test_file_without_name_has_fallback_name(client: Client) -> None:
    file = client.get_output_file(28149)
    assert file.is_fallback_name
    assert file.name == "output-28149.csv"


def test_data_is_a_read_only_view_without_copy(client: Client) -> None:
    file = client.get_output_file(28142)
    first, second = file.data, file.data
    assert first.readonly
    assert first.obj is second.obj
    with pytest.raises(TypeError):
        first[0] = 0


def test_view_of_closed_file_stays_valid(make_client: Callable[..., Client], orders: bytes) -> None:
    client = make_client()
    file = client.get_output_file(28142)
    part = file.data[3:]
    file.close()
    client.close()
    del file, client
    gc.collect()
    # These downloads would overwrite the memory if it were free.
    others = [make_client().get_output_file(28143) for _ in range(20)]
    assert part == orders[3:]
    assert len(others) == 20


def test_closed_file_raises_value_error(client: Client, tmp_path: Path) -> None:
    with client.get_output_file(28142) as file:
        pass
    uses: list[Callable[[], Any]] = [
        lambda: file.data,
        lambda: bytes(file),
        lambda: len(file),
        lambda: file.save(tmp_path),
        file.__enter__,
    ]
    for use in uses:
        with pytest.raises(ValueError, match="the output file is closed"):
            use()
    file.close()
    assert "closed" in repr(file)
    assert (file.name, file.size) == (NAME, 2400)


def test_pickle_file_fails(client: Client) -> None:
    with pytest.raises(TypeError, match="bytes"):
        pickle.dumps(client.get_output_file(28142))


def test_save_output_file_follows_its_options(
    client: Client, tmp_path: Path, orders: bytes
) -> None:
    saved = client.save_output_file(28142, tmp_path)
    assert saved == SavedFile(NAME, False, 2400, "text/csv", tmp_path / NAME)
    assert saved.path.read_bytes() == orders
    with pytest.raises(StorageError, match="already exists"):
        client.save_output_file(28142, tmp_path)
    second = client.save_output_file(
        28142, str(tmp_path), if_exists="keep_both", flush_to_disk=False
    )
    assert second.path.name == "Orders é 2026-11-23 (1).csv"
    third = client.save_output_file(28142, tmp_path, file_name="mine.csv")
    assert third.path == tmp_path / "mine.csv"
    assert third.name == NAME
    client.save_output_file(28142, tmp_path, file_name="mine.csv", if_exists="replace")
    assert len(os.listdir(tmp_path)) == 3


def test_save_of_file_in_memory_follows_its_options(
    client: Client, tmp_path: Path, orders: bytes
) -> None:
    directory = tmp_path / "été"
    directory.mkdir()
    file = client.get_output_file(28142)
    assert file.save(directory).path == directory / NAME
    with pytest.raises(StorageError):
        file.save(directory)
    assert file.save(directory, if_exists="keep_both").path.read_bytes() == orders
    assert file.save(directory, file_name="other").path.read_bytes() == orders


def test_save_missing_directory_fails_with_path(client: Client, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="nowhere") as caught:
        client.save_output_file(28142, tmp_path / "nowhere")
    assert isinstance(caught.value, OSError)
    assert os.listdir(tmp_path) == []


def test_write_output_file_writes_all_bytes(client: Client) -> None:
    writer = io.BytesIO()
    written = client.write_output_file(28143, writer)
    assert writer.getvalue() == (FIXTURES / "inventory.txt").read_bytes()
    assert written.name == "inventory.txt"
    assert written.size == 4239


class PartialWriter(io.RawIOBase):
    """A raw file that writes at most 100 bytes at a time."""

    def __init__(self) -> None:
        self.written = b""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.written += bytes(data[:100])
        return min(100, len(data))


def test_write_to_raw_file_that_writes_parts_writes_all(client: Client) -> None:
    writer = PartialWriter()
    client.write_output_file(28143, writer)
    assert writer.written == (FIXTURES / "inventory.txt").read_bytes()


def test_writer_exception_is_raised_by_call(client: Client) -> None:
    with open("/dev/full", "wb", buffering=0) as full, pytest.raises(OSError, match="No space"):
        client.write_output_file(28143, full)
    assert len(client.get_output_file(28142)) == 2400


def test_body_too_large_or_in_wrong_encoding_fails(make_client: Callable[..., Client]) -> None:
    with pytest.raises(TooLargeError):
        make_client(max_file_size=100).get_output_file(28142)
    with pytest.raises(MalformedBodyError):
        make_client().get_output_file(28146)
    raw = make_client(body_encoding="raw").get_output_file(28146)
    assert bytes(raw) == (FIXTURES / "labels.zip").read_bytes()
    assert raw.data == make_client(body_encoding="auto").get_output_file(28146).data


def test_large_file_needs_its_size_and_6_mib(client: Client) -> None:
    # The operating system counts the peak per process, so the call needs one of its own.
    program = (
        "import os\n"
        "from sellercloud_output import Client\n"
        "client = Client(os.environ['MOCK_SERVER'], token=os.environ['MOCK_SERVER_TOKEN'])\n"
        "def peak():\n"
        "    with open('/proc/self/status') as status:\n"
        "        return next(int(l.split()[1]) for l in status if l.startswith('VmHWM'))\n"
        "client.get_output_file(28142)\n"
        "before = peak()\n"
        "view = client.get_output_file(28148).data\n"
        "assert len(view) == 64 << 20\n"
        "print(peak() - before)\n"
    )
    used = int(
        subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.PIPE).stdout
    )
    assert used < (64 + 6) * 1024, f"{used} KiB"
