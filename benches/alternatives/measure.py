"""Runs the programs that ./run has built in turn, and writes benches/RESULTS.md.

    measure.py DIRECTORY [quick]

DIRECTORY holds the programs. With "quick" there are two rounds, and nothing is written.
"""

import os
import platform
import re
import resource
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot  # noqa: E402

OUT = Path(sys.argv[1])
QUICK = len(sys.argv) > 2
BENCHES = Path(__file__).parent.parent
DOTNET = Path(sysconfig.get_path("purelib")) / "dnv/net/runtime/.net/dotnet"

SIZES = {1: "20 KB", 2: "1 MiB", 3: "64 MiB", 4: "1 GiB"}
"""The sizes of the output files of the server's jobs, by job id."""
CALLS = {1: 8000, 2: 300, 3: 8, 4: 1}
"""The number of calls of one run, by job id."""
ROUNDS = {1: 9, 2: 9, 3: 11, 4: 3}
"""The number of runs of each program, by job id."""
ENCODED = {1: 26668, 2: 1398104, 3: 89478488, 4: 1431655768}
"""The sizes of the files as base64 text, in bytes, by job id."""


class Program(NamedTuple):
    """A program that downloads files."""

    name: str
    """The name in the tables."""
    command: str
    """The command line, with {job}, {calls}, {threads} and the variables that main sets."""
    jobs: tuple = (1, 2, 3, 4)
    """The jobs whose files the program downloads."""
    calls: int = 10**9
    """The largest number of calls of one run."""


CEILING = Program("receive and discard", "{out}/release/alternatives discard {url} {job} {calls} {threads}")
STORING = Program(
    "receive, and write as many bytes to tmpfs", "{out}/release/alternatives store {url} {job} {calls} {threads}"
)
BUFFER = Program("**this library, buffer**", "{out}/ours buffer {url} {job} {calls} {threads}")
SAVE = Program("**this library, save to tmpfs**", "{out}/ours save {url} {job} {calls} {threads}")
WRITER = Program("**this library, writer**", "{out}/ours write {url} {job} {calls} {threads}")
LIBCURL = Program(
    "libcurl, SIMD decoder in C", "{out}/libcurl decode {url} {job} {calls} {threads}"
)
PROGRAMS = (
    CEILING,
    BUFFER,
    WRITER,
    STORING,
    SAVE,
    LIBCURL,
    Program(
        "**this library, buffer, from Python**",
        "{python} {here}/clients.py ours {url} {job} {calls}",
        calls=4000,
    ),
    Program(
        "**this library, buffer, from .NET 8**",
        "{dotnet} {out}/demo.exe ours {url} {job} {calls}",
        calls=4000,
    ),
    Program("ureq `read_to_vec`, decode", "{out}/release/alternatives ureq {url} {job} {calls} {threads}"),
    Program(
        "Python urllib3, pybase64",
        "{python} {here}/clients.py urllib3 {url} {job} {calls}",
        calls=1000,
    ),
    Program(
        "Python httpx, base64",
        "{python} {here}/clients.py httpx {url} {job} {calls}",
        jobs=(1, 2, 3),
        calls=1000,
    ),
    Program(
        "Python requests, base64",
        "{python} {here}/clients.py requests {url} {job} {calls}",
        jobs=(1, 2, 3),
        calls=1000,
    ),
    Program("curl into `base64 -d`", "pipe", calls=50),
    Program(
        "the API's C# example, .NET 8",
        "{dotnet} {out}/demo.exe example {url} {job} {calls}",
        jobs=(1, 2, 3),
        calls=1000,
    ),
)
PIPE = (
    "for i in $(seq {calls}); do curl -s -H 'Authorization: Bearer token'"
    " {url}/api/QueuedJobs/OutputFile/{job} | base64 -d >/dev/null; done"
)


class Figures(NamedTuple):
    """The measurements of one run."""

    wall: float
    """The elapsed time per call, in seconds."""
    cpu: float
    """The processor time per call, in seconds."""
    peak: float
    """The peak memory above that of the idle process, in bytes."""


def run(program: Program, job: int, calls: int, threads: int, variables: dict) -> Figures:
    """Runs a program once."""
    values = dict(variables, job=job, calls=calls, threads=threads)
    if program.command != "pipe":
        command = program.command.format(**values)
        output = subprocess.run(command.split(), stdout=subprocess.PIPE, check=True).stdout
        wall, cpu, peak = (float(number) for number in output.split())
        return Figures(wall / calls, cpu / calls, peak)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    process = subprocess.Popen(["bash", "-c", PIPE.format(**values)])
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    assert status == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Figures(wall / calls, cpu / calls, usage.ru_maxrss * 1024)


def compare(cases: list, rounds: int, variables: dict) -> list:
    """Runs the cases (program, job, calls, threads) in turn, and returns their medians."""
    figures = [[] for _ in cases]
    for _ in range(2 if QUICK else rounds):
        for found, (program, job, calls, threads) in zip(figures, cases):
            found.append(run(program, job, calls, threads, variables))
    return [Figures(*map(statistics.median, zip(*found))) for found in figures]


def milliseconds(seconds: float) -> str:
    """Formats a time as milliseconds."""
    return f"{seconds * 1e3:.3g}" if seconds < 1 else f"{seconds * 1e3:.0f}"


def table(titles: list, rows: list) -> str:
    """Returns a Markdown table."""
    lines = [titles, ["---"] + ["--:"] * (len(titles) - 1), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def by_size(job: int, variables: dict) -> tuple:
    """Compares all programs at one file size; returns the section and the measurements."""
    programs = [program for program in PROGRAMS if job in program.jobs]
    cases = [(program, job, min(CALLS[job], program.calls), 1) for program in programs]
    figures = dict(zip(programs, compare(cases, ROUNDS[job], variables)))
    ceiling = figures[CEILING].wall
    rows = [
        [
            program.name,
            milliseconds(found.wall),
            f"{ENCODED[job] / found.wall / 1e9:.2f}",
            f"{ceiling / found.wall:.2f}",
            milliseconds(found.cpu),
            f"{found.peak / 2**20:.1f}",
        ]
        for program, found in figures.items()
    ]
    titles = ["", "ms per call", "GB/s", "of the ceiling", "CPU ms per call", "peak MiB"]
    return f"## {SIZES[job]}\n\n{table(titles, rows)}\n", figures


def by_threads(variables: dict) -> str:
    """Compares numbers of threads; returns the section."""
    text = "## Threads\n\nMilliseconds per call. Each thread makes one call at a time.\n\n"
    threads = (1, 2, 8, 64)
    rows = []
    for job, calls in ((1, 8000), (2, 640)):
        programs = (CEILING, BUFFER, LIBCURL)
        cases = [(program, job, calls, many) for program in programs for many in threads]
        figures = iter(compare(cases, 5, variables))
        for program in programs:
            name = f"{program.name}, {SIZES[job]}"
            rows.append([name, *(milliseconds(next(figures).wall) for _ in threads)])
    return text + table(["", *(str(many) for many in threads)], rows) + "\n"


def by_encoding(variables: dict) -> str:
    """Compares the encodings of the body; returns the section."""
    encodings = (
        ("plain", 3),
        ("lines of 76, CRLF", 13),
        ("JSON string with escapes", 23),
        ("`FileResponse` with escapes", 33),
        ("JSON string without escapes", 43),
        ("`FileResponse` without escapes", 53),
    )
    figures = compare([(BUFFER, job, 6, 1) for _, job in encodings], 7, variables)
    rows = [
        [name, milliseconds(found.wall), f"{figures[0].wall / found.wall:.2f}"]
        + [milliseconds(found.cpu), f"{found.peak / 2**20:.1f}"]
        for (name, _), found in zip(encodings, figures)
    ]
    titles = ["64 MiB of random data, buffer", "ms per call", "of plain", "CPU ms per call", "peak MiB"]
    return f"## Encodings of the body\n\n{table(titles, rows)}\n"


def over_tls(variables: dict) -> str:
    """Compares TLS with libcurl; returns the section."""
    ours = Program("**this library, buffer**", BUFFER.command.replace("{url}", "{tls}") + " {ca}")
    curl = Program(
        "libcurl, discarding",
        "{out}/libcurl discard {tls} {job} {calls} {threads} {ca}",
    )
    jobs = (1, 2, 3, 4)
    rows = [[ours.name], [curl.name], ["libcurl's time divided by ours"]]
    for job in jobs:
        cases = [(program, job, min(CALLS[job], 4000), 1) for program in (ours, curl)]
        mine, theirs = compare(cases, ROUNDS[job], variables)
        rows[0].append(milliseconds(mine.wall))
        rows[1].append(milliseconds(theirs.wall))
        rows[2].append(f"{theirs.wall / mine.wall:.2f}")
    text = "## TLS\n\nMilliseconds per call over one connection.\n\n"
    return text + table(["", *(SIZES[job] for job in jobs)], rows) + "\n"


def plot(figures: dict) -> None:
    """Writes benches/results.svg."""
    shown = [program for program in figures if program is not STORING]
    names = [re.sub(r"[*`]", "", program.name) for program in shown]
    speeds = [ENCODED[3] / figures[program].wall / 1e9 for program in shown]
    colors = [
        "#1f6feb" if "**" in program.name else "#8c959f" if program is CEILING else "#c4cad1"
        for program in shown
    ]
    matplotlib.rcParams["svg.hashsalt"] = "the same every time"
    _, axes = pyplot.subplots(figsize=(8, 4), layout="constrained")
    bars = axes.barh(names, speeds, color=colors)
    axes.bar_label(bars, fmt="%.2f", padding=3)
    axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel("GB/s of base64 text: a file of 64 MiB, loopback, one thread")
    pyplot.savefig(BENCHES / "results.svg", metadata={"Date": None})


def machine() -> str:
    """Describes the computer."""
    cpus = Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*: (.*)", cpus)
    name = model.group(1) if model else platform.machine()
    return f"{name}, {os.cpu_count()} cores, Linux {platform.release()}"


HEAD = """# Benchmarks

Written by `benches/alternatives/run` on {date}: {machine}.

All programs download from one server on the same computer, over loopback. The server only
sends. The programs run in turn, and the figures are medians. Each program first makes one
call that is not counted, and reuses its connection, except `curl` into `base64 -d`, which
connects for each file. GB/s count base64 text. The peak memory is the operating system's
figure, less that of the idle process.

The ceiling is a socket that discards what it receives, with the fastest buffer size. With
two cores, one of which the server uses, the server can be the slower side. One program's
time then varies by a third from one connection to the next, so a program can appear faster
than the ceiling. The processor time shows the remaining differences.
[LIMITS.md](LIMITS.md) explains what limits the rest.

"""


def main() -> None:
    """Starts the server, measures, and writes the results."""
    DOTNET.chmod(0o755)
    server = subprocess.Popen(
        [OUT / "release/alternatives", "server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    url, tls, ca = (server.stdout.readline().strip() for _ in range(3))
    directory = tempfile.mkdtemp(prefix="alternatives-", dir="/dev/shm")
    os.environ["DIRECTORY"] = directory
    variables = dict(url=url, tls=tls, ca=ca, out=OUT, here=Path(__file__).parent)
    variables.update(python=sys.executable, dotnet=DOTNET)
    try:
        text = HEAD.format(date=time.strftime("%Y-%m-%d"), machine=machine())
        text += "![](results.svg)\n\n"
        for job in SIZES:
            part, figures = by_size(job, variables)
            text += part
            if job == 3:
                shown = figures
            print(part, flush=True)
        for part in (by_encoding, over_tls, by_threads):
            text += part(variables)
            print(text[text.rindex("## ") :], flush=True)
        if not QUICK:
            (BENCHES / "RESULTS.md").write_text(text.rstrip() + "\n")
            plot(shown)
    finally:
        server.stdin.close()
        server.wait()
        subprocess.run(["rm", "-r", directory], check=True)


main()
