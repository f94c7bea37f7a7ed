"""The command line: sellercloud-output, or python -m sellercloud_output."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import getpass
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable, NoReturn

from . import (
    Client,
    ErrorKind,
    Progress,
    QueuedJob,
    SavedFile,
    SellercloudError,
    WrittenFile,
    __version__,
)

USAGE_ERROR = 2
# Errors have their kind's number beyond this: 1 and 2 mean other things to shells.
KIND_BASE = 10
INTERRUPTED = 128 + signal.SIGINT

EPILOG = """\
environment:
  SELLERCLOUD_SERVER    the server, unless --server or --team names it
  SELLERCLOUD_TEAM      the team, likewise
  SELLERCLOUD_TOKEN     the bearer token; or
  SELLERCLOUD_USER      the user name, unless --user names it, and
  SELLERCLOUD_PASSWORD  its password; on a terminal it is asked for

Secrets are not taken as arguments, which every user of the machine can read.

exit codes:
  0 success; 2 wrong usage; 130 interrupted; else the kind of the error:
"""


def parser() -> argparse.ArgumentParser:
    kinds = [f"{KIND_BASE + kind} {kind.name.lower().replace('_', ' ')}" for kind in ErrorKind]
    lines = ["  " + "; ".join(kinds[first : first + 4]) for first in range(0, len(kinds), 4)]
    top = argparse.ArgumentParser(
        prog="sellercloud-output",
        description="Fetches the output files of Sellercloud queued jobs.",
        epilog=EPILOG + "\n".join(lines),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=__version__)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("job", metavar="JOB", help="the job's id, or its QueuedJobLink")
    place = common.add_mutually_exclusive_group()
    place.add_argument("--server", help='a server id, such as "tt", or a base URL')
    place.add_argument("--team", help="the team whose server is to be looked up")
    common.add_argument("--team-directory", metavar="URL", help="where teams are looked up")
    common.add_argument("--user", help="the user name to log in with")
    common.add_argument("--ca", metavar="FILE", help="PEM certificates to trust as well")
    common.add_argument(
        "--timeout", type=float, metavar="SECONDS", help="the longest that it may take"
    )
    common.add_argument("--json", action="store_true", help="print the result as JSON")
    common.add_argument("--quiet", action="store_true", help="show no progress")

    get = commands.add_parser("get", parents=[common], help="fetch the output file")
    get.add_argument(
        "-o",
        "--output",
        default=".",
        metavar="PATH",
        help="a folder, a file's path, or - for standard output; the default is this folder",
    )
    get.add_argument(
        "--if-exists",
        choices=["fail", "replace", "number"],
        default="fail",
        help="what to do where the file is there already",
    )
    get.add_argument("--wait", action="store_true", help="wait for the job first")
    commands.add_parser("wait", parents=[common], help="wait until the job has ended")
    commands.add_parser("status", parents=[common], help="tell how far the job is")
    return top


def client_of(options: argparse.Namespace) -> Client:
    """The client that arguments, environment and, on a terminal, the user describe."""
    environment = os.environ.get
    server, team = options.server, options.team
    if server is None and team is None:
        server, team = environment("SELLERCLOUD_SERVER"), environment("SELLERCLOUD_TEAM")
    if server is None and team is None:
        usage_error("name the server: --server, --team, or SELLERCLOUD_SERVER")
    token, user, password = None, options.user, None
    if user is None:
        token = environment("SELLERCLOUD_TOKEN")
    if token is None:
        user = user or environment("SELLERCLOUD_USER")
        password = environment("SELLERCLOUD_PASSWORD")
        if (user is None or password is None) and not sys.stdin.isatty():
            usage_error("set SELLERCLOUD_TOKEN, or SELLERCLOUD_USER and SELLERCLOUD_PASSWORD")
        user = user or ask("User name: ")
        password = password or getpass.getpass()
    return Client(
        None if team else server,
        team=team,
        team_directory=options.team_directory,
        token=token,
        user=user,
        password=password,
        ca_certificates=Path(options.ca) if options.ca else None,
    )


def ask(question: str) -> str:
    """Asks on the terminal, not on standard output, which may be a file."""
    print(question, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().rstrip("\n")


def usage_error(message: str) -> NoReturn:
    print(f"sellercloud-output: {message}", file=sys.stderr)
    sys.exit(USAGE_ERROR)


@contextlib.contextmanager
def shown_progress(is_quiet: bool) -> Iterator[Callable[[Progress], object] | None]:
    """Shows progress on standard error: a bar with tqdm on a terminal, else lines."""
    if is_quiet or not sys.stderr.isatty():
        yield None
        return
    try:
        from tqdm import tqdm
    except ImportError:
        yield progress_lines()
        return
    with tqdm(unit="B", unit_scale=True, unit_divisor=1024, leave=False) as bar:

        def move(progress: Progress) -> None:
            bar.total = progress.total
            bar.update(progress.received - bar.n)

        yield move


def progress_lines() -> Callable[[Progress], object]:
    """Prints a line a second."""
    printed = time.monotonic()

    def tell(progress: Progress) -> None:
        nonlocal printed
        if time.monotonic() - printed < 1:
            return
        printed = time.monotonic()
        total = "" if progress.total is None else f" of {progress.total}"
        print(f"{progress.received}{total} bytes received", file=sys.stderr)

    return tell


def get(client: Client, options: argparse.Namespace) -> dict[str, Any]:
    if options.output == "-" and options.json:
        usage_error("--json and -o - both want standard output")
    left = options.timeout
    if options.wait:
        start = time.monotonic()
        client.wait(options.job, timeout=left)
        if left is not None:
            left = max(0.0, left - (time.monotonic() - start))
    with shown_progress(options.quiet) as progress:
        file: WrittenFile
        if options.output == "-":
            out = sys.stdout.buffer
            file = client.write_output_file(options.job, out, timeout=left, progress=progress)
            out.flush()
        else:
            path = Path(options.output)
            is_folder = path.is_dir() or options.output.endswith(("/", os.sep))
            file = client.save_output_file(
                options.job,
                path if is_folder else path.parent,
                name=None if is_folder else path.name,
                if_exists=options.if_exists,
                timeout=left,
                progress=progress,
            )
    if isinstance(file, SavedFile) and not options.json:
        print(file.path)
    return dataclasses.asdict(file)


def wait(client: Client, options: argparse.Namespace) -> dict[str, Any]:
    return tell_job(client.wait(options.job, timeout=options.timeout), options)


def status(client: Client, options: argparse.Namespace) -> dict[str, Any]:
    return tell_job(client.job(options.job, timeout=options.timeout), options)


def tell_job(job: QueuedJob, options: argparse.Namespace) -> dict[str, Any]:
    facts = {name: value for name, value in vars(job).items() if value is not None}
    if not options.json:
        print(f"{job.id}: {job.status_name}")
        for name, value in facts.items():
            if name not in {"id", "status", "status_name", "is_final"}:
                print(f"  {name.replace('_', ' ')}: {' '.join(str(value).split())}")
    return facts


def error_facts(error: SellercloudError) -> dict[str, Any]:
    facts: dict[str, Any] = {"kind": error.kind.name.lower(), "message": str(error)}
    facts.update(vars(error))
    if error.job is not None:
        facts["job"] = vars(error.job)
    return facts


def main(arguments: list[str] | None = None) -> int:
    """Runs a command; gives the exit code."""
    options = parser().parse_args(arguments)
    command = {"get": get, "wait": wait, "status": status}[options.command]
    try:
        with client_of(options) as client:
            result = command(client, options)
        if options.json:
            print(json.dumps(result, default=str, ensure_ascii=False))
        sys.stdout.flush()
    except SellercloudError as error:
        if options.json:
            print(json.dumps({"error": error_facts(error)}, default=str, ensure_ascii=False))
        print(f"sellercloud-output: {error}", file=sys.stderr)
        return KIND_BASE + error.kind
    except BrokenPipeError:
        # Whoever read standard output has had enough; nor can Python flush it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + 13
    except (OSError, ValueError) as error:
        usage_error(str(error))
    except KeyboardInterrupt:
        print("sellercloud-output: interrupted", file=sys.stderr)
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
