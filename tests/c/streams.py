#!/usr/bin/env python3
"""Tests the two C programs of docs/how-to/streams-and-pipes.md, which write a job's file to
standard output, with outputs that fail or do not block. tests/docs/run runs them with a pipe.

    streams.py DIRECTORY COMPILER [OPTION...]

DIRECTORY is for the compiled programs. The mock servers run.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import unittest
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "docs"))

import markdown  # noqa: E402

PAGE = "docs/how-to/streams-and-pipes.md"
NAMES = ["stream", "descriptor"]
SMALL, LARGE, MISSING = "28142", "28148", "5"
LARGE_SIZE = 64 * 1024 * 1024
TIMEOUT_SECONDS = 60

programs: dict[str, Path] = {}
interruptions = Path()


def compile_programs(directory: Path, compiler: list[str]) -> None:
    """Compiles the C programs of the page, and the library that interrupts them."""
    global interruptions
    interruptions = directory.resolve() / "interruptions.so"
    subprocess.run([compiler[0], "-shared", "-fPIC", "-o", interruptions,
                    ROOT / "tests/support/interruptions.c"], check=True)
    blocks = [block for block in markdown.blocks(markdown.read(PAGE)) if block.language == "c"]
    for name, block in zip(NAMES, blocks, strict=True):
        programs[name] = directory / name
        subprocess.run([compiler[0], "-x", "c", "-", "-x", "none", "-o", programs[name], *compiler[1:]],
                       input=block.text.encode(), check=True)


def start(name: str, job: str, stdout: int | IO[Any], **settings: str) -> subprocess.Popen[bytes]:
    """Starts a program, with SIGPIPE as it is by default; Python ignores it."""
    environment = {
        **os.environ,
        "SELLERCLOUD_SERVER": os.environ["MOCK_SERVER"],
        "SELLERCLOUD_TOKEN": os.environ["MOCK_SERVER_TOKEN"],
        **settings,
    }
    return subprocess.Popen([programs[name], job], env=environment, stdout=stdout,
                            stderr=subprocess.PIPE, restore_signals=True)


def end(process: subprocess.Popen[bytes]) -> tuple[int, str]:
    """Waits for a program's end. Returns its exit code and its error message."""
    _, message = process.communicate(timeout=TIMEOUT_SECONDS)
    return process.returncode, message.decode()


def pipe(is_blocking: bool = True) -> tuple[IO[bytes], IO[bytes]]:
    """Returns the two ends of a pipe whose writer blocks, or does not."""
    reader, writer = os.pipe()
    os.set_blocking(writer, is_blocking)
    return open(reader, "rb"), open(writer, "wb")


class StreamTests(unittest.TestCase):
    def test_pipe_receives_the_file(self) -> None:
        for name in NAMES:
            with self.subTest(name):
                process = start(name, SMALL, subprocess.PIPE)
                output, message = process.communicate(timeout=TIMEOUT_SECONDS)
                self.assertEqual((process.returncode, message), (0, b""))
                self.assertEqual(output, (ROOT / "tests/fixtures/orders.csv").read_bytes())

    def test_descriptor_of_any_pipe_receives_the_file_in_spite_of_signals(self) -> None:
        # The pipe is full most of the time, since it holds less than the program writes at once.
        digests = set()
        for is_blocking in (True, False):
            with self.subTest(is_blocking=is_blocking):
                reader, writer = pipe(is_blocking)
                with writer:
                    process = start("descriptor", LARGE, writer, LD_PRELOAD=str(interruptions))
                with reader:
                    content = reader.read()
                self.assertEqual(end(process), (0, ""))
                self.assertEqual(len(content), LARGE_SIZE)
                digests.add(hashlib.sha256(content).digest())
        self.assertEqual(len(digests), 1)

    def test_pipe_that_does_not_block_fails_with_a_stream(self) -> None:
        reader, writer = pipe(is_blocking=False)
        with reader, writer:
            process = start("stream", LARGE, writer)
            code, message = end(process)
            self.assertEqual(code, 1)
            self.assertIn("cannot write the file: Resource temporarily unavailable", message)

    def test_closed_pipe_fails_without_a_signal(self) -> None:
        for name in NAMES:
            with self.subTest(name):
                reader, writer = pipe()
                reader.close()
                with writer:
                    process = start(name, SMALL, writer)
                self.assertEqual(end(process), (1, "cannot write the file: Broken pipe\n"))

    def test_reader_that_ends_early_fails_the_program(self) -> None:
        for name in NAMES:
            with self.subTest(name):
                reader, writer = pipe()
                with writer:
                    process = start(name, LARGE, writer)
                with reader:
                    self.assertEqual(len(reader.read(1000)), 1000)
                self.assertEqual(end(process), (1, "cannot write the file: Broken pipe\n"))

    def test_full_disk_fails_the_program(self) -> None:
        for name in NAMES:
            for job in (SMALL, LARGE):
                with self.subTest(name, job=job), open("/dev/full", "wb") as full:
                    process = start(name, job, full)
                    expected = (1, "cannot write the file: No space left on device\n")
                    self.assertEqual(end(process), expected)

    def test_failed_call_writes_nothing(self) -> None:
        for name in NAMES:
            for job, settings, message in [
                (MISSING, {}, "job 5: the server responded with 500"),
                ("no job", {}, "no job"),
                (SMALL, {"SELLERCLOUD_TOKEN": "wrong"}, "401 Unauthorized"),
            ]:
                with self.subTest(name, message=message):
                    process = start(name, job, subprocess.PIPE, **settings)
                    output, error = process.communicate(timeout=TIMEOUT_SECONDS)
                    self.assertEqual((process.returncode, output), (1, b""))
                    self.assertIn(message, error.decode())


if __name__ == "__main__":
    compile_programs(Path(sys.argv[1]), sys.argv[2:])
    unittest.main(argv=sys.argv[:1])
