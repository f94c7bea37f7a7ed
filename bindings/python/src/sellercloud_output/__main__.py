"""The command line: sellercloud-output, or python -m sellercloud_output."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import getpass
import io
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
    StorageError,
    WrittenFile,
    __version__,
)
from ._secret import hidden

USAGE_ERROR = 2
# Errors have their kind's number beyond this: 1 and 2 mean other things to shells.
KIND_BASE = 10
INTERRUPTED = 128 + signal.SIGINT

EPILOG = """\
environment:
  SELLERCLOUD_SERVER    the server; or
  SELLERCLOUD_TEAM      the team; not used with --server or --team
  SELLERCLOUD_TOKEN     the bearer token, not used with --user; or
  SELLERCLOUD_USER      the user name, not used with --user, and
  SELLERCLOUD_PASSWORD  its password; on a terminal it is asked for

A variable that is empty or whitespace counts as not set. Both server and team, or both
token and user name or password, are an error.

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
    place.add_argument("--server", type=not_empty, help='a server id, such as "tt", or a base URL')
    place.add_argument("--team", type=not_empty, help="the team whose server is to be looked up")
    common.add_argument("--team-directory", metavar="URL", help="where teams are looked up")
    common.add_argument("--user", type=not_empty, help="the user name to log in with")
    common.add_argument(
        "--ca",
        type=not_empty,
        metavar="FILE",
        help="certificates to trust as well, in PEM, or one in DER",
    )
    common.add_argument(
        "--timeout",
        type=time_limit,
        metavar="SECONDS",
        help="the longest that it may take, greater than zero",
    )
    common.add_argument("--json", action="store_true", help="print the result as JSON")
    common.add_argument("--quiet", action="store_true", help="show no progress")

    get = commands.add_parser("get", parents=[common], help="fetch the output file")
    get.add_argument(
        "-o",
        "--output",
        type=output_path,
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


def time_limit(text: str) -> float:
    seconds = float(text)
    # Not a number is not greater either.
    if not seconds > 0:
        raise argparse.ArgumentTypeError("it must be greater than zero")
    return seconds


def not_empty(text: str) -> str:
    """Refuses what a script passes where a variable of its own is not set."""
    if not text.strip():
        raise argparse.ArgumentTypeError("it is empty")
    return text


def output_path(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("it is empty; use . for the current directory")
    return text


SERVER, TEAM = "SELLERCLOUD_SERVER", "SELLERCLOUD_TEAM"
TOKEN, USER, PASSWORD = "SELLERCLOUD_TOKEN", "SELLERCLOUD_USER", "SELLERCLOUD_PASSWORD"


def is_set(name: str) -> bool:
    """Whether a variable of the environment holds more than whitespace."""
    return bool(os.environ.get(name, "").strip())


def variable(name: str) -> str | None:
    """A variable of the environment, without whitespace around it; None if it is not set."""
    return os.environ[name].strip() if is_set(name) else None


def refuse_both(name: str, *others: str) -> None:
    """Refuses what is set in two ways, of which one would win silently."""
    for other in others:
        if is_set(name) and is_set(other):
            usage_error(f"{name} and {other} are both set: unset one of them")


def refuse_quotes(*names: str) -> None:
    """Refuses quotes around a variable, which cmd.exe's set X="..." leaves there."""
    for name in names:
        if os.environ.get(name, "").strip().startswith(("'", '"')):
            usage_error(
                f"{name} begins with a quotation mark: set it without quotes "
                f"(in cmd.exe: set {name}=VALUE)"
            )


def client_of(options: argparse.Namespace) -> Client:
    """The client that arguments, environment and, on a terminal, the user describe."""
    server, team = options.server, options.team
    if server is None and team is None:
        refuse_both(SERVER, TEAM)
        refuse_quotes(SERVER, TEAM)
        server, team = variable(SERVER), variable(TEAM)
    if server is None and team is None:
        usage_error(f"name the server: --server, --team, or {SERVER}")
    # Secrets are hidden from tracebacks.
    token, user, password = None, options.user, None
    if user is None:
        refuse_both(TOKEN, USER, PASSWORD)
        refuse_quotes(TOKEN, USER)
        token = hidden(variable(TOKEN))
    if token is None:
        user = user or variable(USER)
        password = hidden(os.environ[PASSWORD]) if is_set(PASSWORD) else None
        if (user is None or password is None) and not sys.stdin.isatty():
            usage_error(f"set {TOKEN}, or {USER} and {PASSWORD}")
        user = user or ask("User name: ")
        password = password or hidden(getpass.getpass())
    return Client(
        None if team else server,
        team=team,
        team_directory=options.team_directory,
        token=token,
        user=user,
        password=password,
        ca_certificates=None if options.ca is None else Path(options.ca),
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
    with contextlib.ExitStack() as stack:
        bar: Any = None

        def move(progress: Progress) -> None:
            nonlocal bar
            # Not before the transfer begins: the job may be waited for first.
            if bar is None:
                shown = tqdm(unit="B", unit_scale=True, unit_divisor=1024, leave=False)
                bar = stack.enter_context(shown)
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
    with shown_progress(options.quiet) as progress:
        file: WrittenFile
        how: dict[str, Any] = {"timeout": options.timeout, "progress": progress}
        if options.output == "-":
            out = sys.stdout.buffer
            if options.wait:
                _, file = client.wait_and_write_output_file(options.job, out, **how)
            else:
                file = client.write_output_file(options.job, out, **how)
            out.flush()
        else:
            path = Path(options.output)
            is_folder = path.is_dir() or options.output.endswith(("/", os.sep))
            folder = path if is_folder else path.parent
            how.update(name=None if is_folder else path.name, if_exists=options.if_exists)
            if options.wait:
                _, file = client.wait_and_save_output_file(options.job, folder, **how)
            else:
                file = client.save_output_file(options.job, folder, **how)
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
    if isinstance(error, StorageError):
        facts.update(errno=error.errno, filename=error.filename)
    if error.job is not None:
        facts["job"] = vars(error.job)
    return facts


def open_streams() -> None:
    """Opens the standard streams that are closed, and lets the output take any text."""
    if sys.stdin is None:
        sys.stdin = open(os.devnull)  # noqa: SIM115
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    # A name may have characters that the encoding of the locale lacks.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def discard_output() -> None:
    """Keeps Python from flushing, at exit, an output that takes nothing."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def run(options: argparse.Namespace) -> int:
    """Runs a command; returns the exit code."""
    command = {"get": get, "wait": wait, "status": status}[options.command]
    try:
        try:
            client = client_of(options)
        except SellercloudError:
            raise
        except OSError as error:
            # A file of certificates, such as one that does not exist.
            usage_error(str(error))
        with client:
            result = command(client, options)
        if options.json:
            print(json.dumps(result, default=str, ensure_ascii=False))
    except SellercloudError as error:
        print(f"sellercloud-output: {error}", file=sys.stderr)
        if options.json:
            print(json.dumps({"error": error_facts(error)}, default=str, ensure_ascii=False))
        return KIND_BASE + error.kind
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line; returns the exit code."""
    is_closed = sys.stdout is None
    open_streams()
    options = parser().parse_args(arguments)
    if is_closed and options.command == "get" and options.output == "-":
        usage_error("standard output is closed")
    try:
        code = run(options)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read standard output has had enough.
        discard_output()
        return 128 + 13
    except OSError as error:
        print(f"sellercloud-output: cannot write the output: {error}", file=sys.stderr)
        discard_output()
        return KIND_BASE + ErrorKind.IO
    except ValueError as error:
        usage_error(str(error))
    except KeyboardInterrupt:
        print("sellercloud-output: interrupted", file=sys.stderr)
        return INTERRUPTED
    return code


if __name__ == "__main__":
    sys.exit(main())
