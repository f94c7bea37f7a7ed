"""The command line: `sellercloud-output`, or `python -m sellercloud_output`."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import errno
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

SUCCESS = 0
WRONG_USAGE = 2
INTERRUPTED = 128 + signal.SIGINT
# What a shell reports of a program that SIGPIPE ended.
OUTPUT_CLOSED = 128 + 13

EXIT_CODES: dict[ErrorKind, tuple[int, str]] = {
    ErrorKind.INVALID_ARGUMENT: (11, "an argument or a setting is invalid"),
    ErrorKind.AUTHENTICATION: (12, "the server rejected the token or the login"),
    ErrorKind.FORBIDDEN: (13, "the user lacks the permission"),
    ErrorKind.NOT_FOUND: (14, "the server does not know the job"),
    ErrorKind.RATE_LIMITED: (15, "the server received too many requests"),
    ErrorKind.SERVER: (16, "the server failed, or does not know the job (yet)"),
    ErrorKind.UNEXPECTED_STATUS: (17, "the server sent an unexpected HTTP status"),
    ErrorKind.CONNECTION: (18, "the connection failed or was lost"),
    ErrorKind.TLS: (19, "the TLS handshake failed, or a certificate is not trusted"),
    ErrorKind.TIMEOUT: (20, "a timeout expired"),
    ErrorKind.CANCELLED: (21, "the call was cancelled"),
    ErrorKind.MALFORMED_BODY: (22, "the response is not a file in the expected encoding"),
    ErrorKind.TOO_LARGE: (23, "the file is too large"),
    ErrorKind.IO: (24, "the file or the output cannot be written"),
    ErrorKind.INTERNAL: (25, "an internal error; please report it"),
    ErrorKind.JOB_FAILED: (26, "the job ended without success, or is on hold"),
}
"""The exit code of each kind of error, and its description in --help."""

EPILOG = """\
A JOB is a job's id, such as 28142, or the QueuedJobLink that the server returned when the
job was created. "sellercloud-output COMMAND --help" describes a command's options.

environment variables:
  SELLERCLOUD_SERVER    the server id or base URL, unless --server or --team is used
  SELLERCLOUD_TEAM      the team, unless --server or --team is used
  SELLERCLOUD_TOKEN     the bearer token, unless --user is used
  SELLERCLOUD_USER      the user name, unless --user is used
  SELLERCLOUD_PASSWORD  the password; without it, a terminal prompts for it

Set either the server or the team, and either the token or the user name and password. It
is an error to set both. A variable that is empty or whitespace counts as not set. There are
no options for secrets, because other users of the computer can see a program's arguments.

examples:
  sellercloud-output status 28142
  sellercloud-output get 28142 -o exports --if-exists keep-both
  sellercloud-output get 28142 --wait --timeout 3600 -o report.csv
  sellercloud-output get 28142 -o - | head -n 3

exit codes:
"""

COMMAND_EPILOG = '"sellercloud-output --help" lists the environment variables and exit codes.'


def exit_codes() -> str:
    """Returns the lines of --help that describe the exit codes."""
    codes = [
        (SUCCESS, "success"),
        (WRONG_USAGE, "wrong usage, or a setting is missing"),
        *EXIT_CODES.values(),
        (INTERRUPTED, "interrupted (Ctrl-C)"),
        (OUTPUT_CLOSED, "standard output was closed early"),
    ]
    return "\n".join(f"  {code:3}  {meaning}" for code, meaning in codes)


def parser() -> argparse.ArgumentParser:
    """Returns the parser of the arguments."""
    top = argparse.ArgumentParser(
        prog="sellercloud-output",
        description="Downloads the output files of Sellercloud queued jobs.",
        epilog=EPILOG + exit_codes(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=__version__)
    commands = top.add_subparsers(
        title="commands", dest="command", required=True, metavar="COMMAND"
    )

    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("job", metavar="JOB", help="the job's id, or its QueuedJobLink")
    server = common.add_mutually_exclusive_group()
    server.add_argument(
        "--server",
        type=non_empty,
        help='the server id, such as "tt" for https://tt.api.sellercloud.com/rest, or a base URL',
    )
    server.add_argument("--team", type=non_empty, help="the team whose server is looked up")
    common.add_argument(
        "--team-lookup-url",
        type=non_empty,
        metavar="URL",
        help="the base URL at which the team is looked up (default: https://api.sellercloud.com)",
    )
    common.add_argument(
        "--user",
        type=non_empty,
        metavar="NAME",
        help="the user name to log in with (the password: see SELLERCLOUD_PASSWORD)",
    )
    common.add_argument(
        "--ca",
        type=non_empty,
        metavar="FILE",
        help="a file of CA certificates to trust in addition to the system's: PEM, or one in DER",
    )
    common.add_argument(
        "--timeout",
        type=timeout_seconds,
        metavar="SECONDS",
        help="how long the whole command may take; greater than zero, or inf for no limit "
        "(default: 3600, or 86400 when waiting for a job)",
    )
    common.add_argument(
        "--json",
        action="store_true",
        help="print the result, or the error, as one JSON object on standard output",
    )
    common.add_argument("--quiet", action="store_true", help="show no progress on the terminal")

    def add_command(name: str, summary: str, description: str) -> argparse.ArgumentParser:
        return commands.add_parser(
            name,
            parents=[common],
            help=summary,
            description=description,
            epilog=COMMAND_EPILOG,
        )

    get = add_command(
        "get",
        "download the job's output file",
        "Downloads the output file of a job and prints its path. The file appears complete or "
        "not at all.",
    )
    get.add_argument(
        "-o",
        "--output",
        type=output_path,
        default=".",
        metavar="PATH",
        help="where to save the file: a directory, where it gets the server's name; or a file's "
        "path; or - for standard output (default: the current directory)",
    )
    get.add_argument(
        "--if-exists",
        choices=["fail", "replace", "keep-both"],
        default="fail",
        help="what to do if the file exists: fail; replace it; or keep both, by saving as "
        '"report (1).csv" (default: fail)',
    )
    get.add_argument(
        "--wait",
        action="store_true",
        help="wait until the job has succeeded; without it, the job must have ended",
    )
    add_command(
        "wait",
        "wait until the job has succeeded",
        "Waits until a job has succeeded, and prints its status. Fails if the job ends without "
        "success, or is on hold.",
    )
    add_command(
        "status",
        "print the job's status",
        "Prints the status of a job. A job that failed is not an error of this command.",
    )
    return top


def timeout_seconds(text: str) -> float:
    """Parses the value of --timeout."""
    try:
        seconds = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds") from None
    # NaN is not greater than zero either.
    if not seconds > 0:
        raise argparse.ArgumentTypeError("must be greater than zero")
    return seconds


def non_empty(text: str) -> str:
    """Rejects an empty value, which a script passes if a variable of its own is not set."""
    if not text.strip():
        raise argparse.ArgumentTypeError("the value is empty")
    return text


def output_path(text: str) -> str:
    """Rejects an empty value of --output, as `non_empty` does."""
    if not text:
        raise argparse.ArgumentTypeError("the path is empty; use . for the current directory")
    return text


SERVER, TEAM = "SELLERCLOUD_SERVER", "SELLERCLOUD_TEAM"
TOKEN, USER, PASSWORD = "SELLERCLOUD_TOKEN", "SELLERCLOUD_USER", "SELLERCLOUD_PASSWORD"


def is_set(name: str) -> bool:
    """Returns whether an environment variable contains more than whitespace."""
    return bool(os.environ.get(name, "").strip())


def variable(name: str) -> str | None:
    """Returns an environment variable without whitespace around it; None if it is not set."""
    return os.environ[name].strip() if is_set(name) else None


def reject_both(name: str, *others: str) -> None:
    """Exits if a setting is set in two ways, of which one would be ignored in silence."""
    for other in others:
        if is_set(name) and is_set(other):
            usage_error(f"{name} and {other} are both set", "unset one of them")


def reject_quotes(*names: str) -> None:
    """Exits if a variable begins with a quotation mark, as after cmd.exe's set X="..."."""
    for name in names:
        if os.environ.get(name, "").strip().startswith(("'", '"')):
            usage_error(
                f"{name} begins with a quotation mark",
                f"set it without quotes (in cmd.exe: set {name}=VALUE)",
            )


def client_from(options: argparse.Namespace) -> Client:
    """Creates the client from the arguments, the environment and, on a terminal, prompts."""
    server, team = options.server, options.team
    if server is None and team is None:
        reject_both(SERVER, TEAM)
        reject_quotes(SERVER, TEAM)
        server, team = variable(SERVER), variable(TEAM)
    if server is None and team is None:
        usage_error("no server is set", f"use --server or --team, or set {SERVER}")
    # Secrets are wrapped, so that tracebacks do not show them.
    token, user_name, password = None, options.user, None
    if user_name is None:
        reject_both(TOKEN, USER, PASSWORD)
        reject_quotes(TOKEN, USER)
        token = hidden(variable(TOKEN))
    if token is None:
        user_name = user_name or variable(USER)
        password = hidden(os.environ[PASSWORD]) if is_set(PASSWORD) else None
        if (user_name is None or password is None) and not sys.stdin.isatty():
            if user_name is not None:
                usage_error("no password is set", f"set {PASSWORD}")
            usage_error("no login is set", f"set {TOKEN}, or {USER} and {PASSWORD}")
        user_name = user_name or prompt("User name: ")
        password = password or hidden(getpass.getpass())
    return Client(
        None if team else server,
        team=team,
        team_lookup_url=options.team_lookup_url,
        token=token,
        user_name=user_name,
        password=password,
        ca_certificates=None if options.ca is None else Path(options.ca),
    )


def prompt(question: str) -> str:
    """Reads a line from the terminal; standard output, which may be a file, stays clean."""
    print(question, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().rstrip("\n")


def print_error(message: str, hint: str | None = None) -> None:
    """Prints an error, and on a line of its own what to do."""
    print(f"sellercloud-output: {message}", file=sys.stderr)
    if hint is not None:
        print(f"hint: {hint}", file=sys.stderr)


def usage_error(message: str, hint: str | None = None) -> NoReturn:
    """Prints an error and exits with the code for wrong usage."""
    print_error(message, hint)
    sys.exit(WRONG_USAGE)


def hint_for(error: SellercloudError, options: argparse.Namespace) -> str | None:
    """Returns which flag or variable may help against an error; None if none does."""
    if isinstance(error, StorageError) and options.command == "get":
        if error.errno == errno.EEXIST:
            return (
                "use --if-exists keep-both to save under another name, "
                "or --if-exists replace to replace the file"
            )
        if error.errno == errno.ENOENT:
            return "create the directory, or choose another one with --output"
    if error.kind is ErrorKind.AUTHENTICATION:
        return f"check {TOKEN}, or --user (or {USER}) and {PASSWORD}"
    if error.kind is ErrorKind.TLS:
        return "if a private CA issued the certificate, use --ca FILE to trust it"
    if error.kind is ErrorKind.TIMEOUT and options.timeout is not None:
        return "use a longer --timeout"
    # A retryable error, such as status 503, says nothing about the job.
    if (
        error.kind in {ErrorKind.SERVER, ErrorKind.NOT_FOUND}
        and not error.is_retryable
        and options.command == "get"
        and not options.wait
    ):
        return "check the job id and the server; use --wait if the job has not ended yet"
    return None


@contextlib.contextmanager
def shown_progress(is_quiet: bool) -> Iterator[Callable[[Progress], object] | None]:
    """Yields a callback that shows progress on the terminal; None without a terminal.

    The progress is a bar if tqdm is installed, and otherwise lines.
    """
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

        def update(progress: Progress) -> None:
            nonlocal bar
            # The bar appears with the first bytes: a wait for the job may come before.
            if bar is None:
                shown = tqdm(unit="B", unit_scale=True, unit_divisor=1024, leave=False)
                bar = stack.enter_context(shown)
            bar.total = progress.total_bytes
            bar.update(progress.bytes_received - bar.n)

        yield update


def progress_lines() -> Callable[[Progress], object]:
    """Returns a callback that prints at most one line per second."""
    printed = time.monotonic()

    def update(progress: Progress) -> None:
        nonlocal printed
        if time.monotonic() - printed < 1:
            return
        printed = time.monotonic()
        total = "" if progress.total_bytes is None else f" of {progress.total_bytes}"
        print(f"{progress.bytes_received}{total} bytes received", file=sys.stderr)

    return update


def get(client: Client, options: argparse.Namespace) -> dict[str, Any]:
    """Runs the command "get", and returns its result for --json."""
    if options.output == "-" and options.json:
        usage_error("--json and --output - cannot be combined: both use standard output")
    with shown_progress(options.quiet) as on_progress:
        file: WrittenFile
        settings: dict[str, Any] = {"timeout": options.timeout, "on_progress": on_progress}
        if options.output == "-":
            out = sys.stdout.buffer
            if options.wait:
                _, file = client.wait_and_write_output_file(options.job, out, **settings)
            else:
                file = client.write_output_file(options.job, out, **settings)
            out.flush()
        else:
            path = Path(options.output)
            is_directory = options.output.endswith(("/", os.sep)) or path.is_dir()
            directory = path if is_directory else path.parent
            settings.update(
                file_name=None if is_directory else path.name,
                if_exists=options.if_exists.replace("-", "_"),
            )
            if options.wait:
                _, file = client.wait_and_save_output_file(options.job, directory, **settings)
            else:
                file = client.save_output_file(options.job, directory, **settings)
    if isinstance(file, SavedFile) and not options.json:
        print(file.path)
    return dataclasses.asdict(file)


def wait(client: Client, options: argparse.Namespace) -> dict[str, Any]:
    """Runs the command "wait", and returns its result for --json."""
    return print_job(client.wait_for_job(options.job, timeout=options.timeout), options)


def status(client: Client, options: argparse.Namespace) -> dict[str, Any]:
    """Runs the command "status", and returns its result for --json."""
    return print_job(client.get_job(options.job, timeout=options.timeout), options)


def print_job(job: QueuedJob, options: argparse.Namespace) -> dict[str, Any]:
    """Prints a job unless --json is used, and returns it for --json."""
    attributes = {name: value for name, value in vars(job).items() if value is not None}
    if not options.json:
        print(f"{job.id}: {job.status_name}")
        for name, value in attributes.items():
            if name not in {"id", "status", "status_name", "is_final"}:
                print(f"  {name.replace('_', ' ')}: {' '.join(str(value).split())}")
    return attributes


def error_result(error: SellercloudError) -> dict[str, Any]:
    """Returns an error's attributes for --json."""
    attributes: dict[str, Any] = {"kind": error.kind.name.lower(), "message": str(error)}
    attributes.update(vars(error))
    if isinstance(error, StorageError):
        attributes.update(errno=error.errno, filename=error.filename)
    if error.job is not None:
        attributes["job"] = vars(error.job)
    return attributes


def open_streams() -> None:
    """Opens the standard streams that are closed, and lets the output encode any text."""
    if sys.stdin is None:
        sys.stdin = open(os.devnull)  # noqa: SIM115
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    # A file's name may have characters that the locale's encoding lacks.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def discard_output() -> None:
    """Redirects standard output to nowhere, so that Python's flush at exit does not fail."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def run(options: argparse.Namespace) -> int:
    """Runs a command and returns the exit code."""
    command = {"get": get, "wait": wait, "status": status}[options.command]
    try:
        try:
            client = client_from(options)
        except SellercloudError:
            raise
        except OSError as error:
            usage_error(f"cannot read {options.ca}: {error.strerror}", "correct the path in --ca")
        with client:
            result = command(client, options)
        if options.json:
            print(json.dumps(result, default=str, ensure_ascii=False))
    except SellercloudError as error:
        print_error(str(error), hint_for(error, options))
        if options.json:
            print(json.dumps({"error": error_result(error)}, default=str, ensure_ascii=False))
        return EXIT_CODES[error.kind][0]
    return SUCCESS


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line.

    Args:
        arguments: The arguments. Default: those of the process.

    Returns:
        The exit code.

    Raises:
        SystemExit: The usage is wrong, or --help or --version is used.
    """
    is_closed = sys.stdout is None
    open_streams()
    options = parser().parse_args(arguments)
    if is_closed and options.command == "get" and options.output == "-":
        usage_error("--output - cannot be used: standard output is closed")
    try:
        code = run(options)
        sys.stdout.flush()
    except BrokenPipeError:
        # The program that reads standard output has ended, as `head` does.
        discard_output()
        return OUTPUT_CLOSED
    except OSError as error:
        print_error(f"cannot write the output: {error}")
        discard_output()
        return EXIT_CODES[ErrorKind.IO][0]
    except KeyboardInterrupt:
        print_error("interrupted")
        return INTERRUPTED
    return code


if __name__ == "__main__":
    sys.exit(main())
