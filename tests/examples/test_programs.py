#!/usr/bin/env python3
"""Runs the example programs against the mock servers, in every condition of the tables below.

    test_programs.py DIRECTORY     the directory of the programs, in C or in C++

tests/examples/run builds the programs and starts the servers.
"""

from __future__ import annotations

import base64
import csv
import gzip
import io
import os
import pty
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, Callable, Iterator

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(sys.argv[1]).resolve()
IS_CPP = (PROGRAMS / "stream_to_sqlite").exists()
TIMEOUT_SECONDS = 30

# The programs must not inherit an ignored signal from what runs this test, such as nohup.
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
    signal.signal(number, signal.SIG_DFL)

ORDERS = (ROOT / "tests" / "fixtures" / "orders.csv").read_bytes()
ORDERS_NAME = "Orders é 2026-11-23.csv"
INVENTORY = (ROOT / "tests" / "fixtures" / "inventory.txt").read_bytes()
PROFIT = (ROOT / "tests" / "fixtures" / "profit.xlsx").read_bytes()
OLD = b"column\nold\n"


def rows(content: bytes) -> list[list[str]]:
    """Returns the rows of a CSV file."""
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def table(path: Path) -> list[list[str]]:
    """Returns the names and the rows of the table "the orders"; nothing if there is no table."""
    with closing(sqlite3.connect(path)) as database:
        cursor = database.cursor()
        if not cursor.execute("SELECT 1 FROM sqlite_master").fetchall():
            return []
        cursor.execute('SELECT * FROM "the orders" ORDER BY rowid')
        return [[column[0] for column in cursor.description], *map(list, cursor.fetchall())]


def create_table(path: Path) -> None:
    """Creates a database whose table "the orders" has the content of OLD."""
    with closing(sqlite3.connect(path)) as database:
        database.executescript('CREATE TABLE "the orders" ("column"); INSERT INTO "the orders" VALUES (\'old\')')


@dataclass
class Program:
    """A program that stores the output file of one job."""

    name: str
    arguments: list[str]
    job: str = "28142"
    # The file that it stores, how that file is created and read, and its content.
    output: str = ORDERS_NAME
    create: Callable[[Path], Any] = lambda path: path.write_bytes(OLD)
    read: Callable[[Path], Any] = Path.read_bytes
    old: Any = OLD
    new: Any = ORDERS
    replaces: bool = True
    prints: bool = True
    handles_signals: bool = True
    usage_error: int = 2
    failure: int = 1
    # The exit codes for kinds of errors that have one of their own.
    failures: dict[str, int] = field(default_factory=dict)

    def exit_code(self, failure: str) -> int:
        return self.failures.get(failure, self.failure)


ALL = [
    Program("first_call", [], replaces=False, handles_signals=False),
    Program("save_with_progress", ["."], replaces=False),
    Program("many_jobs", ["."], replaces=False),
    Program("nightly_export", ["-t", "1", "."], job="50003", prints=False, handles_signals=False,
            usage_error=64, failure=78, failures={"missing job": 75, "no connection": 75, "storage": 74}),
]
if not IS_CPP:
    ALL.append(Program(
        "stream_to_gzip", ["orders.gz"], output="orders.gz",
        create=lambda path: path.write_bytes(gzip.compress(OLD)),
        read=lambda path: gzip.decompress(path.read_bytes())))
else:
    ALL.append(Program(
        "stream_to_sqlite", ["orders.db", "the orders"], output="orders.db", handles_signals=False,
        create=create_table, read=table, old=rows(OLD), new=rows(ORDERS)))


def send_file(handler: BaseHTTPRequestHandler, content: bytes, size: int | None = None) -> None:
    """Sends a response with a file, or with the first bytes of it: a multiple of three."""
    body = base64.b64encode(content)
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body if size is None else body[:size // 3 * 4])


@contextmanager
def serve(respond: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[dict[str, str | None]]:
    """Runs a server that responds to every request, and returns the setting for it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            respond(self)

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield {"SELLERCLOUD_SERVER": f"http://127.0.0.1:{server.server_port}"}
        finally:
            server.shutdown()
            thread.join()


def limit_file_size() -> None:
    """Makes writes to files fail after 100 bytes, as on a disk that is full."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))


class ProgramTest(unittest.TestCase):
    """Each test has an empty directory, in which the programs run."""

    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory(prefix="a directory é ")
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)
        # A program that is started in the background ignores Ctrl-C, which would pass to its children.
        signal.signal(signal.SIGINT, signal.default_int_handler)

    @contextmanager
    def start(self, name: str, *arguments: str, settings: dict[str, str | None] | None = None,
              **options: Any) -> Iterator[subprocess.Popen[str]]:
        """Starts a program, and kills it at the end if it still runs."""
        environment = os.environ | {"SELLERCLOUD_SERVER": os.environ["MOCK_SERVER"],
                                    "SELLERCLOUD_TOKEN": os.environ["MOCK_SERVER_TOKEN"]}
        for variable, value in (settings or {}).items():
            environment.pop(variable, None)
            if value is not None:
                environment[variable] = value
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with subprocess.Popen([PROGRAMS / name, *arguments], cwd=self.directory, env=environment,
                              text=True, **streams | options) as process:
            try:
                yield process
            finally:
                process.kill()

    def run_program(self, name: str, *arguments: str, **options: Any) -> tuple[int, str, str]:
        with self.start(name, *arguments, **options) as process:
            stdout, stderr = process.communicate(timeout=TIMEOUT_SECONDS)
        return process.returncode, stdout or "", stderr or ""

    def files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.directory.iterdir()}

    def stored(self, program: Program) -> Any:
        """Returns the content of the file that a program stores; nothing if there is none.

        Fails if the directory has any other file.
        """
        self.assertLessEqual({path.name for path in self.directory.iterdir()}, {program.output})
        path = self.directory / program.output
        return (program.read(path) if path.exists() else None) or None

    def clear(self) -> None:
        for path in self.directory.iterdir():
            path.unlink()

    def check(self, program: Program, exits: int, stored: Any, message: str = "",
              arguments: list[str] | None = None, **options: Any) -> None:
        """Runs a program and checks its exit code, what it stored, and what it printed."""
        if arguments is None:
            arguments = [*program.arguments, program.job]
        with self.subTest(program=program.name):
            code, printed, log = self.run_program(program.name, *arguments, **options)
            self.assertEqual(code, exits, log)
            self.assertEqual(self.stored(program), stored)
            if message:
                self.assertRegex(log, message)
            if "stdout" not in options:
                self.assertEqual(bool(printed), exits == 0 and program.prints, printed)
        self.clear()

    def wait_for_files(self, process: subprocess.Popen[str], count: int = 1) -> None:
        """Waits until the directory of a running program contains this number of files."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while len(list(self.directory.iterdir())) < count:
            self.assertIsNone(process.poll(), "the program ended")
            self.assertLess(time.monotonic(), deadline, "the program creates no file")
            time.sleep(0.01)


class EveryProgram(ProgramTest):
    """What all programs have in common."""

    def test_job_with_file_is_stored(self) -> None:
        for program in ALL:
            self.check(program, 0, program.new)

    def test_stored_file_has_usual_permissions(self) -> None:
        for program in ALL:
            with self.subTest(program=program.name):
                self.run_program(program.name, *program.arguments, program.job, umask=0o027)
                mode = (self.directory / program.output).stat().st_mode
                self.assertEqual(mode & 0o777, 0o640)
            self.clear()

    def test_job_link_is_stored(self) -> None:
        for program in ALL:
            link = f"/queued-jobs/queued-job-details.aspx?id={program.job}"
            self.check(program, 0, program.new, arguments=[*program.arguments, link])

    def test_wrong_arguments_show_usage(self) -> None:
        for program in ALL:
            for arguments in ([], [*program.arguments], [*program.arguments, "1", "2"]):
                if program.name == "many_jobs" and len(arguments) > 2:
                    continue
                self.check(program, program.usage_error, None, "Usage: ", arguments=arguments)

    def test_settings_that_cannot_be_used_fail(self) -> None:
        for program in ALL:
            for settings, message in [
                ({"SELLERCLOUD_SERVER": None}, "server"),
                ({"SELLERCLOUD_SERVER": ""}, "server"),
                ({"SELLERCLOUD_SERVER": "http://example.com"}, "plain HTTP|http://"),
                ({"SELLERCLOUD_TOKEN": None}, "token"),
                ({"SELLERCLOUD_TOKEN": ""}, "token"),
                ({"SELLERCLOUD_TOKEN": "wrong"}, "Not Valid Token"),
            ]:
                self.check(program, program.failure, None, message, settings=settings)

    def test_text_without_job_id_fails(self) -> None:
        for program in ALL:
            self.check(program, program.failure, None, "job id", arguments=[*program.arguments, "none"])

    def test_missing_job_fails(self) -> None:
        for program in ALL:
            self.check(program, program.exit_code("missing job"), None, "job 99999: .*Could not find",
                       arguments=[*program.arguments, "99999"])

    def test_failure_keeps_existing_file(self) -> None:
        for program in ALL:
            program.create(self.directory / program.output)
            self.check(program, program.exit_code("missing job"), program.old,
                       arguments=[*program.arguments, "99999"])

    def test_existing_file_is_replaced_or_kept(self) -> None:
        for program in ALL:
            if program.name == "many_jobs":
                continue
            program.create(self.directory / program.output)
            self.check(program, 0 if program.replaces else 1,
                       program.new if program.replaces else program.old)

    def test_full_disk_fails(self) -> None:
        for program in ALL:
            for create in (lambda path: None, program.create):
                create(self.directory / program.output)
                expected = program.old if list(self.directory.iterdir()) else None
                self.check(program, program.exit_code("storage"), expected, "(?i)file too large|full|I/O|exists",
                           preexec_fn=limit_file_size)

    def test_missing_directory_fails(self) -> None:
        for program in ALL:
            if program.name == "first_call":
                continue
            arguments = [*program.arguments, program.job]
            place = arguments.index("." if "." in arguments else program.output)
            arguments[place] = os.path.join("missing", arguments[place])
            self.check(program, program.exit_code("storage"), None,
                       "(?i)no such file|unable to open", arguments=arguments)

    def test_full_standard_output_fails_after_file_is_stored(self) -> None:
        for program in ALL:
            with open("/dev/full", "wb") as full:
                self.check(program, 1 if program.prints else 0, program.new, stdout=full)

    def test_closed_standard_streams_leave_file_intact(self) -> None:
        # The exit code is not checked: a connection may have the descriptor of a stream.
        for program in ALL:
            for streams in (range(1, 2), range(2, 3), range(0, 3)):
                with self.subTest(program=program.name, streams=streams):
                    self.run_program(program.name, *program.arguments, program.job,
                                     preexec_fn=lambda: os.closerange(streams.start, streams.stop))
                    self.assertEqual(self.stored(program), program.new)
                    self.clear()

    def test_reader_that_ended_leaves_file_intact(self) -> None:
        for program in ALL:
            reader, writer = os.pipe()
            os.close(reader)
            exits = {"many_jobs": 1, "nightly_export": 0}.get(program.name, -signal.SIGPIPE)
            self.check(program, exits, program.new, stdout=writer, stderr=writer)
            os.close(writer)


class Interruption(ProgramTest):
    """Signals during a download that does not end by itself."""

    SLOW = {"SELLERCLOUD_SERVER": os.environ["SLOW_BODY_SERVER"]}

    def interrupt(self, program: Program, signals: list[int], jobs: int = 1,
                  **options: Any) -> tuple[int, str]:
        """Starts a program, sends signals during its downloads, and returns its exit code and log."""
        arguments = [*program.arguments, *[program.job] * jobs]
        with self.start(program.name, *arguments, settings=self.SLOW, **options) as process:
            self.wait_for_files(process, min(jobs, 4))
            for number in signals:
                process.send_signal(number)
            _, log = process.communicate(timeout=TIMEOUT_SECONDS)
        return process.returncode, log

    def test_signal_leaves_nothing(self) -> None:
        for program in ALL:
            if not program.handles_signals:
                continue
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                with self.subTest(program=program.name, signal=number):
                    code, log = self.interrupt(program, [number])
                    self.assertEqual(code, 128 + number, log)
                    self.assertIn("cancelled", log)
                    self.assertEqual(self.files(), {})

    def test_ignored_signal_is_ignored(self) -> None:
        for program in ALL:
            if not program.handles_signals:
                continue
            with self.subTest(program=program.name):
                code, log = self.interrupt(
                    program, [signal.SIGINT, signal.SIGTERM],
                    preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
                self.assertEqual(code, 128 + signal.SIGTERM, log)
                self.assertEqual(self.files(), {})

    def test_signal_cancels_all_downloads_of_pool(self) -> None:
        (program,) = (program for program in ALL if program.name == "many_jobs")
        code, log = self.interrupt(program, [signal.SIGINT], jobs=20)
        self.assertEqual(code, 130, log)
        # The other jobs are not started.
        self.assertEqual(len(log.splitlines()), 4, log)
        self.assertEqual(self.files(), {})

    def test_killed_program_leaves_old_table(self) -> None:
        for program in ALL:
            if program.name == "stream_to_sqlite":
                program.create(self.directory / program.output)
                code, log = self.interrupt(program, [signal.SIGINT])
                self.assertEqual(code, -signal.SIGINT, log)
                self.assertEqual(self.stored(program), program.old)

    def test_next_run_removes_temporary_file(self) -> None:
        with self.start("save_with_progress", ".", "28142", settings=self.SLOW) as process:
            self.wait_for_files(process)
        (left,) = self.files()
        self.assertTrue(left.endswith(".part"), left)
        code, _, log = self.run_program("nightly_export", ".", "50003")
        self.assertEqual(code, 0, log)
        self.assertEqual(self.files(), {ORDERS_NAME: ORDERS})

    def run_on_terminal(self, server: str, answer: bytes) -> tuple[int, bytes]:
        """Runs save_with_progress on a terminal, types once progress is shown, returns the output."""
        child, terminal = pty.fork()
        if child == 0:
            try:
                os.chdir(self.directory)
                os.environ["SELLERCLOUD_SERVER"] = server
                os.environ["SELLERCLOUD_TOKEN"] = os.environ["MOCK_SERVER_TOKEN"]
                os.execv(PROGRAMS / "save_with_progress", ["save_with_progress", ".", "28142"])
            finally:
                os._exit(127)
        output = b""
        deadline = threading.Timer(TIMEOUT_SECONDS, os.kill, (child, signal.SIGKILL))
        deadline.start()
        try:
            while chunk := os.read(terminal, 1000):
                if b"%" in chunk and b"%" not in output:
                    os.write(terminal, answer)
                output += chunk
        except OSError:
            pass  # Linux reports the end of a terminal's program as an error
        finally:
            os.close(terminal)
            deadline.cancel()
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), output

    def test_progress_on_terminal_reaches_100_percent(self) -> None:
        code, output = self.run_on_terminal(os.environ["MOCK_SERVER"], b"")
        self.assertEqual(code, 0, output)
        self.assertRegex(output, rb"\r +\d+ %(.|\r)*\r   100 %\r\n")
        self.assertEqual(self.files(), {ORDERS_NAME: ORDERS})

    def test_ctrl_c_on_terminal_leaves_nothing(self) -> None:
        code, output = self.run_on_terminal(os.environ["SLOW_BODY_SERVER"], b"\x03")
        self.assertEqual(code, 130, output)
        self.assertEqual(self.files(), {})


class ManyJobs(ProgramTest):
    """The pool of threads."""

    def test_jobs_that_work_are_saved_beside_jobs_that_fail(self) -> None:
        # Job 28146 has a file without base64.
        code, printed, log = self.run_program(
            "many_jobs", ".", "99998", "28142", "none", "28143", "28146", "28144", "99999")
        self.assertEqual(code, 1)
        self.assertEqual(self.files(), {
            ORDERS_NAME: ORDERS, "inventory.txt": INVENTORY, "profit and loss.xlsx": PROFIT})
        self.assertEqual(len(printed.splitlines()), 3, printed)
        self.assertEqual(len(log.splitlines()), 4, log)
        for job in ("99998", "none", "28146", "99999"):
            self.assertIn(job, log)

    def test_jobs_with_files_of_one_name_are_all_saved(self) -> None:
        code, printed, log = self.run_program("many_jobs", ".", *["28142"] * 20)
        self.assertEqual(code, 0, log)
        self.assertEqual(len(printed.splitlines()), 20)
        self.assertEqual(list(self.files().values()), [ORDERS] * 20)

    def test_limit_of_threads_leaves_work_to_main_thread(self) -> None:
        self.directory.chmod(0o777)

        def allow_one_thread() -> None:
            if os.getuid() == 0:  # for root the limit does not hold
                os.setuid(65534)
            resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
            with self.assertRaises(BlockingIOError):
                os.fork()

        # AddressSanitizer needs a thread to look for leaks.
        code, _, log = self.run_program("many_jobs", ".", "28142", "28143", preexec_fn=allow_one_thread,
                                        settings={"ASAN_OPTIONS": "detect_leaks=0"})
        self.assertEqual(code, 0, log)
        self.assertEqual(self.files(), {ORDERS_NAME: ORDERS, "inventory.txt": INVENTORY})


class NightlyExport(ProgramTest):
    """The options and the exit codes of the program for schedulers."""

    def check_export(self, exits: int, stored: bytes | None, message: str, *arguments: str, **options: Any) -> None:
        (program,) = (program for program in ALL if program.name == "nightly_export")
        self.check(program, exits, stored, message, arguments=list(arguments), **options)

    def test_wrong_options_show_usage(self) -> None:
        for options in (["-t"], ["-t", "0"], ["-t", "-1"], ["-t", "5m"], ["-t", ""],
                        ["-t", "99999999999999999999"], ["-x"]):
            self.check_export(64, None, "Usage: ", *options, ".", "50003")

    def test_second_run_keeps_or_replaces_file(self) -> None:
        path = self.directory / ORDERS_NAME
        for options, stored in ([], ORDERS), (["-k"], OLD):
            path.write_bytes(OLD)
            self.check_export(0, stored, "", *options, ".", "50003")
        self.check_export(0, ORDERS, "", "-k", ".", "50003")

    def test_directory_of_that_name_fails(self) -> None:
        (self.directory / ORDERS_NAME).mkdir()
        code, _, log = self.run_program("nightly_export", ".", "50003")
        self.assertEqual(code, 74, log)
        self.assertEqual([path.name for path in self.directory.iterdir()], [ORDERS_NAME])

    def test_log_shows_status_of_job(self) -> None:
        self.check_export(0, ORDERS, r"(?m)^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ .*PartialSuccess", ".", "50003")

    def test_user_name_and_password_log_in(self) -> None:
        user_name, password = (os.environ[f"MOCK_SERVER_{name}"] for name in ("USER_NAME", "PASSWORD"))
        for settings, exits, stored in [
            ({"SELLERCLOUD_USER": user_name, "SELLERCLOUD_PASSWORD": password}, 0, ORDERS),
            ({"SELLERCLOUD_USER": user_name, "SELLERCLOUD_PASSWORD": "wrong"}, 78, None),
            ({"SELLERCLOUD_USER": user_name, "SELLERCLOUD_PASSWORD": None}, 78, None),
            ({"SELLERCLOUD_USER": None, "SELLERCLOUD_PASSWORD": password}, 78, None),
        ]:
            self.check_export(exits, stored, "", "-t", "20", ".", "50003",
                              settings={"SELLERCLOUD_TOKEN": None} | settings)

    def test_job_that_failed_has_exit_code(self) -> None:
        for job in ("50005", "50006", "50009"):
            self.check_export(65, None, f"job {job}", ".", job)

    def test_server_that_is_down_may_be_tried_again(self) -> None:
        # Nothing listens on port 1.
        for server in ("http://127.0.0.1:1", os.environ["BUSY_SERVER"]):
            self.check_export(75, None, "after 1 s|503", "-t", "1", ".", "50003",
                              settings={"SELLERCLOUD_SERVER": server})

    def test_server_that_rejects_request_has_exit_code(self) -> None:
        def reject(handler: BaseHTTPRequestHandler) -> None:
            handler.send_error(418)

        with serve(reject) as settings:
            self.check_export(69, None, "HTTP 418", ".", "50003", settings=settings)


class Streams(ProgramTest):
    """The programs that pass the file on as it arrives."""

    def test_download_that_is_cut_keeps_existing_file(self) -> None:
        def cut(handler: BaseHTTPRequestHandler) -> None:
            send_file(handler, ORDERS, len(ORDERS) // 6 * 3)

        for program in ALL:
            if program.name.startswith("stream_"):
                for create in (lambda path: None, program.create):
                    create(self.directory / program.output)
                    stored = program.old if create is program.create else None
                    with serve(cut) as settings:
                        self.check(program, 1, stored, "connection", settings=settings)


    def test_directory_of_that_name_is_kept(self) -> None:
        for program in ALL:
            if program.name.startswith("stream_"):
                (self.directory / program.output).mkdir()
                code, _, log = self.run_program(program.name, *program.arguments, program.job)
                self.assertEqual(code, 1)
                self.assertRegex(log, "Is a directory|unable to open")
                self.assertEqual([path.name for path in self.directory.iterdir()], [program.output])


@unittest.skipUnless(IS_CPP, "there is no such program in C")
class StreamToSqlite(ProgramTest):
    """The CSV parser and the transaction."""

    def load(self, content: bytes) -> tuple[int, str, list[list[str]]]:
        with serve(lambda handler: send_file(handler, content)) as settings:
            code, _, log = self.run_program(
                "stream_to_sqlite", "orders.db", "the orders", "1", settings=settings)
        stored = table(self.directory / "orders.db")
        self.clear()
        return code, log, stored

    def test_csv_file_is_loaded(self) -> None:
        for content in (
            b"a,b\r\n1,2\r\n", b"a,b\n1,2", b"a,b", b"a\n", b"a,b\n,\n", b'a\n""', b'"a"\n"1"',
            b'"a ""quoted"" name","a;b"\n"1,\r\n2",""""\n', b"\xef\xbb\xbfa,b\n1,2\n",
            b'\xef\xbb\xbf"a,b",c\n1,2\n', "é,李\n\ufeff,\ufeff\n".encode(), b"a\n" + b"1\n" * 100_000,
        ):
            with self.subTest(content=content[:100]):
                code, log, stored = self.load(content)
                self.assertEqual(code, 0, log)
                self.assertEqual(stored, rows(content))

    def test_csv_file_with_error_fails(self) -> None:
        for content, message in (
            (b"", "empty"), (b"\xef\xbb\xbf", "empty"), (b"a,b\n1,2\n3\n", "row 3 .* 1 fields instead of 2"),
            (b"a\n1,2\n", "row 2 .* 2 fields instead of 1"), (b'a\n"1', "within quotation marks"),
            (b"a,A\n", "duplicate column"), (b'a\n"' + b"1" * (2 << 20), "larger than 1 MiB"),
        ):
            with self.subTest(content=content[:100]):
                code, log, stored = self.load(content)
                self.assertEqual(code, 1)
                self.assertRegex(log, message)
                self.assertEqual(stored, [])

    def test_table_name_is_quoted(self) -> None:
        name = 'x"; DROP TABLE y; --'
        code, _, log = self.run_program("stream_to_sqlite", "orders.db", name, "28142")
        self.assertEqual(code, 0, log)
        with closing(sqlite3.connect(self.directory / "orders.db")) as database:
            self.assertEqual(database.execute("SELECT name FROM sqlite_master").fetchall(), [(name,)])

    def test_database_is_not_locked_during_download(self) -> None:
        content = b"a\n" + (b"1" * 99_999 + b"\n") * 300
        received, written = threading.Event(), threading.Event()

        def wait(handler: BaseHTTPRequestHandler) -> None:
            # The buffers of the connection grow only while the program reads, so it has inserted rows.
            send_file(handler, content, 27_000_000)
            received.set()
            written.wait(TIMEOUT_SECONDS)
            handler.wfile.write(base64.b64encode(content[27_000_000:]))

        path = self.directory / "orders.db"
        create_table(path)
        with serve(wait) as settings, self.start(
                "stream_to_sqlite", "orders.db", "the orders", "1", settings=settings) as process:
            self.assertTrue(received.wait(TIMEOUT_SECONDS))
            with closing(sqlite3.connect(path, timeout=0)) as database:
                database.executescript("CREATE TABLE other (a)")
                self.assertEqual(table(path), rows(OLD))
            written.set()
            _, log = process.communicate(timeout=TIMEOUT_SECONDS)
        self.assertEqual(process.returncode, 0, log)
        self.assertEqual(table(path), rows(content))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
