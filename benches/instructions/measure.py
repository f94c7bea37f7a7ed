#!/usr/bin/env python3
"""Counts the user-space instructions of a call through the C interface.

    measure.py [--profiles DIRECTORY] LIBRARY...

A LIBRARY is a checkout of this project, which is built as a release, or a shared library with
the interface of this checkout. Prints a table with the instructions that each library executes
for one call, for each size of file, and their ratio to those of the first library. With
--profiles, the profiles for callgrind_annotate are kept in a directory that does not exist yet.
Needs Cargo, a C compiler, binutils and valgrind.

The counts are those of callgrind. One call is the difference between a run of some calls and a
run of more calls, so that the start of the program does not count. The server is a process of
its own and does not count either. All calls of a run use one connection.
"""

import argparse
import base64
import json
import multiprocessing
import random
import re
import shutil
import socketserver
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
NAME = "libsellercloud_output.so"


class File(NamedTuple):
    size: str
    length: int
    """The size of the decoded file, in bytes."""
    calls: int
    """The calls of the shorter run."""
    further: int
    """The calls that the longer run makes in addition."""


FILES = {
    1: File("20 KB", 20_000, 10, 100),
    2: File("1 MiB", 1 << 20, 5, 20),
    3: File("64 MiB", 64 << 20, 2, 4),
}
"""The files by the id of their job."""


class Handler(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self) -> None:
        while request := self.rfile.readline():
            while self.rfile.readline().strip():
                pass
            job = int(request.split()[1].rpartition(b"/")[2])
            body = self.server.bodies[job]
            head = (
                "HTTP/1.1 200 OK\r\n"
                "Content-Type: text/plain\r\n"
                f"Content-Length: {len(body)}\r\n"
                "Content-Disposition: attachment; filename=report.csv\r\n\r\n"
            )
            # The head and the beginning of the body arrive together.
            self.connection.sendall(head.encode() + body[: 32 * 1024])
            self.connection.sendall(body[32 * 1024 :])


def serve(port: multiprocessing.SimpleQueue) -> None:
    """Serves the files until the process ends."""
    noise = random.Random(1).randbytes
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.bodies = {
        job: memoryview(base64.b64encode(noise(file.length))) for job, file in FILES.items()
    }
    port.put(server.server_address[1])
    server.serve_forever()


def build(checkout: Path) -> Path:
    """Builds the library of a checkout and returns the path of the shared library."""
    output = subprocess.run(
        ["cargo", "build", "--release", "--lib", "--message-format=json-render-diagnostics"],
        cwd=checkout,
        stdout=subprocess.PIPE,
        check=True,
    ).stdout
    messages = [json.loads(line) for line in output.splitlines()]
    files = [name for message in messages for name in message.get("filenames", ())]
    return next(Path(name) for name in files if Path(name).name == NAME)


def link(library: Path, directory: Path) -> Path:
    """Builds the program that downloads, with the header that belongs to the library."""
    include = HERE.parent.parent / "include"
    if library.is_dir():
        library, include = build(library), library / "include"
    directory.mkdir()
    shutil.copy(library, directory / NAME)
    dynamic = subprocess.run(
        ["readelf", "-d", library], stdout=subprocess.PIPE, text=True, check=True
    ).stdout
    if soname := re.search(r"\(SONAME\).*\[(.*)\]", dynamic):
        directory.joinpath(soname[1]).symlink_to(NAME)
    program = directory / "fetch"
    command = ["cc", "-O2", "-Wall", "-Wextra", f"-I{include}", HERE / "fetch.c", directory / NAME]
    subprocess.run([*command, f"-Wl,-rpath,{directory}", "-o", program], check=True)
    return program


def instructions(program: Path, url: str, job: int, calls: int) -> int:
    """Returns the instructions of a whole run."""
    profile = program.with_name(f"callgrind.{job}.{calls}")
    output = subprocess.run(
        ["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={profile}"]
        + [program, url, str(job), str(calls)],
        stdout=subprocess.PIPE,
        check=True,
    ).stdout
    if int(output) != FILES[job].length * calls:
        raise RuntimeError(f"{program} downloaded {int(output)} bytes")
    return int(re.search(r"^totals: (\d+)", profile.read_text(), re.MULTILINE)[1])


def instructions_per_call(program: Path, url: str, job: int) -> float:
    file = FILES[job]
    longer = instructions(program, url, job, file.calls + file.further)
    return (longer - instructions(program, url, job, file.calls)) / file.further


def row(cells: list) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--profiles", type=Path, metavar="DIRECTORY")
    parser.add_argument("libraries", type=Path, nargs="+", metavar="LIBRARY")
    arguments = parser.parse_args()
    libraries = [library.resolve() for library in arguments.libraries]
    directory = Path(tempfile.mkdtemp(prefix="instructions-"))
    port = multiprocessing.SimpleQueue()
    server = multiprocessing.Process(target=serve, args=[port], daemon=True)
    server.start()
    try:
        url = f"http://127.0.0.1:{port.get()}/rest"
        programs = [link(library, directory / str(n)) for n, library in enumerate(libraries, 1)]
        numbers = range(1, len(libraries) + 1)
        ratios = [f"{number} by 1" for number in numbers[1:]]
        print(row(["Instructions a call", *map(str, numbers), *ratios]))
        print(row(["---"] + ["--:"] * (2 * len(libraries) - 1)))
        for job, file in FILES.items():
            counts = [instructions_per_call(program, url, job) for program in programs]
            cells = [f"{count:,.0f}" for count in counts]
            cells += [f"{count / counts[0]:.3f}" for count in counts[1:]]
            print(row([file.size, *cells]), flush=True)
    finally:
        server.terminate()
        if arguments.profiles:
            shutil.copytree(directory, arguments.profiles, symlinks=True)
        shutil.rmtree(directory)


if __name__ == "__main__":
    main()
