"""Files in memory, saved, and written elsewhere."""

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
from conftest import SAMPLES
from sellercloud_output import Client, MalformedBody, SavedFile, StorageError, TooLarge

NAME = "Orders é 2026-11-23.csv"


def test_a_file_has_its_bytes_and_its_name(client: Client, orders: bytes) -> None:
    with client.output_file(28142) as file:
        assert file.name == NAME
        assert not file.name_is_made_up
        assert file.content_type == "text/csv"
        assert bytes(file) == orders
        assert len(file) == 2400
        assert NAME in repr(file)


def test_an_empty_file_is_a_file(client: Client) -> None:
    file = client.output_file(28147)
    assert file
    assert len(file) == 0
    assert file.data.tobytes() == b""


def test_a_missing_name_is_made_up(client: Client) -> None:
    file = client.output_file(28149)
    assert file.name_is_made_up
    assert file.name == "output-28149.csv"


def test_views_are_read_only_and_not_copies(client: Client) -> None:
    file = client.output_file(28142)
    first, second = file.data, file.data
    assert first.readonly
    assert first.obj is second.obj
    with pytest.raises(TypeError):
        first[0] = 0


def test_a_view_outlives_file_and_client(make_client: Callable[..., Client], orders: bytes) -> None:
    client = make_client()
    file = client.output_file(28142)
    part = file.data[3:]
    file.close()
    client.close()
    del file, client
    gc.collect()
    # Whoever took the memory for something else would write to it.
    others = [make_client().output_file(28143) for _ in range(20)]
    assert part == orders[3:]
    assert len(others) == 20


def test_a_closed_file_says_so(client: Client, tmp_path: Path) -> None:
    with client.output_file(28142) as file:
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


def test_a_file_in_memory_cannot_be_pickled(client: Client) -> None:
    with pytest.raises(TypeError, match="bytes"):
        pickle.dumps(client.output_file(28142))


def test_saves_as_the_options_say(client: Client, tmp_path: Path, orders: bytes) -> None:
    saved = client.save_output_file(28142, tmp_path)
    assert saved == SavedFile(NAME, False, 2400, "text/csv", tmp_path / NAME)
    assert saved.path.read_bytes() == orders
    with pytest.raises(StorageError, match="is there already"):
        client.save_output_file(28142, tmp_path)
    second = client.save_output_file(28142, str(tmp_path), if_exists="number", sync=False)
    assert second.path.name == "Orders é 2026-11-23 (1).csv"
    third = client.save_output_file(28142, tmp_path, name="mine.csv")
    assert third.path == tmp_path / "mine.csv"
    assert third.name == NAME
    client.save_output_file(28142, tmp_path, name="mine.csv", if_exists="replace")
    assert len(os.listdir(tmp_path)) == 3


def test_saves_what_is_in_memory(client: Client, tmp_path: Path, orders: bytes) -> None:
    folder = tmp_path / "été"
    folder.mkdir()
    file = client.output_file(28142)
    assert file.save(folder).path == folder / NAME
    with pytest.raises(StorageError):
        file.save(folder)
    assert file.save(folder, if_exists="number").path.read_bytes() == orders
    assert file.save(folder, name="other").path.read_bytes() == orders


def test_a_folder_that_is_not_there_is_an_error_with_its_path(
    client: Client, tmp_path: Path
) -> None:
    with pytest.raises(StorageError, match="nowhere") as caught:
        client.save_output_file(28142, tmp_path / "nowhere")
    assert isinstance(caught.value, OSError)
    assert os.listdir(tmp_path) == []


def test_writes_as_it_arrives(client: Client) -> None:
    writer = io.BytesIO()
    written = client.write_output_file(28143, writer)
    assert writer.getvalue() == (SAMPLES / "inventory.txt").read_bytes()
    assert written.name == "inventory.txt"
    assert written.size == 4239


class TakesParts(io.RawIOBase):
    """A raw file that takes at most 100 bytes at a time."""

    def __init__(self) -> None:
        self.taken = b""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.taken += bytes(data[:100])
        return min(100, len(data))


def test_a_raw_file_that_takes_parts_gets_all(client: Client) -> None:
    writer = TakesParts()
    client.write_output_file(28143, writer)
    assert writer.taken == (SAMPLES / "inventory.txt").read_bytes()


def test_what_a_writer_raises_is_raised_by_the_call(client: Client) -> None:
    with open("/dev/full", "wb", buffering=0) as full, pytest.raises(OSError, match="No space"):
        client.write_output_file(28143, full)
    assert len(client.output_file(28142)) == 2400


def test_limits_and_forms_of_the_body(make_client: Callable[..., Client]) -> None:
    with pytest.raises(TooLarge):
        make_client(max_size=100).output_file(28142)
    with pytest.raises(MalformedBody):
        make_client().output_file(28146)
    raw = make_client(body_encoding="raw").output_file(28146)
    assert bytes(raw) == (SAMPLES / "labels.zip").read_bytes()
    assert raw.data == make_client(body_encoding="auto").output_file(28146).data


def test_a_large_file_needs_its_size_and_little_more(client: Client) -> None:
    """Its peak by the system's own figure, in a process of its own."""
    program = (
        "import os\n"
        "from sellercloud_output import Client\n"
        "client = Client(os.environ['STAND_IN'], token=os.environ['STAND_IN_TOKEN'])\n"
        "def peak():\n"
        "    with open('/proc/self/status') as status:\n"
        "        return next(int(l.split()[1]) for l in status if l.startswith('VmHWM'))\n"
        "client.output_file(28142)\n"
        "before = peak()\n"
        "view = client.output_file(28148).data\n"
        "assert len(view) == 64 << 20\n"
        "print(peak() - before)\n"
    )
    used = int(
        subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.PIPE).stdout
    )
    assert used < (64 + 6) * 1024, f"{used} KiB"
