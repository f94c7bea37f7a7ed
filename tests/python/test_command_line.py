"""Tests of the command line, run as a process."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import pty
import signal
import socket
import struct
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

import pytest
from conftest import FIXTURES, setting
from sellercloud_output import ErrorKind
from sellercloud_output import __main__ as command_line

NAME = "Orders é 2026-11-23.csv"
COMMAND = [sys.executable, "-m", "sellercloud_output"]
SCRIPT = [str(Path(sys.executable).with_name("sellercloud-output"))]


@pytest.fixture
def environment() -> dict[str, str]:
    """Returns an environment with the mock server and its token."""
    return {
        **{name: value for name, value in os.environ.items() if name != "COLUMNS"},
        "SELLERCLOUD_SERVER": setting("MOCK_SERVER"),
        "SELLERCLOUD_TOKEN": setting("MOCK_SERVER_TOKEN"),
        "PYTHONIOENCODING": "utf-8",
    }


@pytest.fixture
def run(environment: dict[str, str], tmp_path: Path) -> Any:
    """Returns a function that runs the command in an empty directory."""

    def run(
        *arguments: str, command: list[str] = COMMAND, **changes: str | None
    ) -> subprocess.CompletedProcess[bytes]:
        for name, value in changes.items():
            if value is None:
                environment.pop(name)
            else:
                environment[name] = value
        return subprocess.run(
            [*command, *arguments],
            env=environment,
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
            check=False,
        )

    return run


def on_terminal(
    arguments: list[str], environment: dict[str, str], answers: dict[bytes, bytes]
) -> tuple[int, bytes]:
    """Runs the command on a terminal, and answers its prompts in their order.

    Returns:
        The exit code, and everything that the terminal showed.
    """
    child, terminal = pty.fork()
    if child == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("4H", 24, 80, 0, 0))
        os.execve(COMMAND[0], [*COMMAND, *arguments], environment)
    questions = list(answers)
    shown = b""
    while True:
        try:
            chunk = os.read(terminal, 4096)
        except OSError:  # The child has ended.
            break
        shown += chunk
        if questions and shown.endswith(questions[0]):
            os.write(terminal, answers[questions.pop(0)] + b"\n")
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown


@pytest.mark.parametrize("command", [COMMAND, SCRIPT])
def test_get_saves_in_the_current_directory(run: Any, tmp_path: Path, command: list[str]) -> None:
    done = run("get", "28142", command=command)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode() == f"{NAME}\n"
    assert (tmp_path / NAME).read_bytes() == (FIXTURES / "orders.csv").read_bytes()


def test_get_with_output_saves_there(run: Any, tmp_path: Path) -> None:
    (tmp_path / "exports").mkdir()
    run("get", "28142", "-o", "exports")
    run("get", "28142", "-o", "exports/mine.csv")
    again = run("get", "28142", "-o", "exports")
    assert again.returncode == 24
    assert b"already exists" in again.stderr
    assert b"hint: use --if-exists keep-both " in again.stderr
    run("get", "28142", "-o", "exports", "--if-exists", "keep-both")
    assert len(os.listdir(tmp_path / "exports")) == 3
    missing = run("get", "28142", "-o", "nowhere/")
    assert missing.returncode == 24
    assert b"hint: create the directory, or choose another one with --output" in missing.stderr
    assert os.listdir(tmp_path) == ["exports"]


def test_get_with_empty_output_is_wrong_usage(run: Any, tmp_path: Path) -> None:
    done = run("get", "28142", "-o", "")
    assert done.returncode == 2
    assert b"the path is empty; use . for the current directory" in done.stderr
    assert list(tmp_path.iterdir()) == []
    assert run("get", "28142", "-o", ".").returncode == 0


def test_get_with_output_dash_writes_to_standard_output(run: Any, tmp_path: Path) -> None:
    done = run("get", "28143", "-o", "-")
    assert done.stdout == (FIXTURES / "inventory.txt").read_bytes()
    assert list(tmp_path.iterdir()) == []
    assert run("get", "28143", "-o", "-", "--json").returncode == 2


@pytest.mark.parametrize("is_json", [False, True])
def test_name_outside_the_encoding_is_printed_with_escapes(run: Any, is_json: bool) -> None:
    arguments = ["get", "28142", "-o", "\N{BAR CHART} é.csv", *(["--json"] if is_json else [])]
    done = run(*arguments, PYTHONIOENCODING="ascii", LC_ALL="C.UTF-8")
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"\\U0001f4ca \\xe9.csv" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        ("get 28142 >&-", 0, b""),
        ("status 50003 >&-", 0, b""),
        ("get 28142 -o - >&-", 2, b"standard output is closed"),
        ("get 28142 2>&-", 0, b""),
        ("get 5 2>&-", 16, b""),
        ("get 28142 <&-", 0, b""),
        ("get 28142 --user u <&-", 2, b"no password is set\nhint: set SELLERCLOUD_PASSWORD"),
        ("get 28142 >/dev/full", 24, b"cannot write the output: "),
        ("get 28142 -o - >/dev/full", 24, b"cannot write the output: "),
        ("status 50003 --json >/dev/full", 24, b"cannot write the output: "),
        ("get 5 --json >/dev/full", 24, b"cannot write the output: "),
        ("get 28142 --ca nowhere.pem", 2, b"cannot read nowhere.pem: No such file or directory"),
    ],
)
def test_closed_or_full_stream_has_clean_error(
    run: Any, arguments: str, code: int, error: bytes
) -> None:
    command = ["sh", "-c", f'"$0" -m sellercloud_output {arguments}', sys.executable]
    done = run(command=command)
    assert done.returncode == code, done.stderr
    assert error in done.stderr
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr


def test_get_with_wait_waits_for_the_job(run: Any) -> None:
    done = run("get", "50003", "--wait", "--timeout", "30")
    assert (done.returncode, done.stderr) == (0, b"")


def test_get_with_wait_invalid_output_fails_before_the_wait(run: Any, tmp_path: Path) -> None:
    # Job 50004 never ends.
    (tmp_path / "taken.csv").touch()
    for output in ("nowhere/", "taken.csv"):
        done = run("get", "50004", "--wait", "--timeout", "30", "-o", output)
        assert done.returncode == 24, done.stderr
    written = run("get", "50003", "--wait", "--timeout", "30", "-o", "-")
    assert written.stdout == (FIXTURES / "orders.csv").read_bytes()


def test_json_prints_result_or_error(run: Any) -> None:
    saved = json.loads(run("get", "28142", "--json").stdout)
    assert saved["path"] == NAME
    assert saved["size"] == 2400
    job = json.loads(run("status", "50003", "--json").stdout)
    assert job["status_name"] == "PartialSuccess"
    failed = run("get", "5", "--json")
    error = json.loads(failed.stdout)["error"]
    assert error["kind"] == "server"
    assert error["http_status"] == 500
    assert error["message"] in failed.stderr.decode()


def test_status_and_wait_print_the_job(run: Any) -> None:
    done = run("status", "50003")
    assert done.stdout.decode().startswith("50003: PartialSuccess\n")
    assert b"  company name: Acme\n" in done.stdout
    assert run("wait", "/queued-jobs/queued-job-details.aspx?id=50003").returncode == 0
    failed = run("wait", "50002", "--timeout", "30")
    assert failed.returncode == 26
    assert b"Row 9: no price" in failed.stderr


def test_exit_code_depends_on_the_kind_of_error(run: Any) -> None:
    assert run("get", "0").returncode == 11
    assert run("get", "28142", SELLERCLOUD_TOKEN="wrong").returncode == 12
    assert run("get", "5", SELLERCLOUD_TOKEN=setting("MOCK_SERVER_TOKEN")).returncode == 16
    unresponsive, tls = setting("UNRESPONSIVE_SERVER"), setting("TLS_SERVER")
    assert run("get", "1", "--server", unresponsive, "--timeout", "0.2").returncode == 20
    assert run("get", "28142", "--server", tls, "--timeout", "2").returncode == 19


def test_every_kind_of_error_has_an_exit_code_of_its_own() -> None:
    codes = [code for code, _ in command_line.EXIT_CODES.values()]
    assert set(command_line.EXIT_CODES) == set(ErrorKind)
    assert codes == list(range(11, 27))


def test_help_describes_exit_codes_and_variables(run: Any) -> None:
    shown = run("--help").stdout.decode()
    for code, meaning in command_line.EXIT_CODES.values():
        assert f"  {code:3}  {meaning}\n" in shown
    for code in (0, 2, 130, 141):
        assert f"\n  {code:3}  " in shown
    for name in ("SERVER", "TEAM", "TOKEN", "USER", "PASSWORD"):
        assert f"  SELLERCLOUD_{name} " in shown
    for command in ("get", "wait", "status"):
        done = run(command, "--help")
        assert done.returncode == 0
        assert b"--timeout" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["get", "5"], b"; use --wait if the job has not ended yet\n"),
        (["get", "28142", "--server", "TLS_SERVER"], b"hint: if a private CA issued "),
        (["get", "1", "--server", "UNRESPONSIVE_SERVER"], b"hint: use a longer --timeout\n"),
    ],
)
def test_error_names_the_flag_that_helps(run: Any, arguments: list[str], hint: bytes) -> None:
    values = [os.environ.get(argument, argument) for argument in arguments]
    done = run(*values, "--timeout", "2")
    assert hint in done.stderr


def test_rejected_token_error_names_the_variables(run: Any) -> None:
    done = run("status", "28142", SELLERCLOUD_TOKEN="wrong")
    assert b"hint: check SELLERCLOUD_TOKEN" in done.stderr


def test_error_without_a_flag_that_helps_has_no_hint(run: Any) -> None:
    assert b"hint:" not in run("status", "5").stderr
    # Waiting for the job does not help if the server is busy.
    busy = run("get", "1", "--server", setting("BUSY_SERVER"), "--timeout", "3")
    assert busy.returncode == 16
    assert b"hint:" not in busy.stderr


def test_wrong_usage_exits_with_2(run: Any) -> None:
    for arguments in ([], ["get"], ["fetch", "1"], ["get", "1", "--token", "secret"]):
        assert run(*arguments).returncode == 2
    assert run("get", "1", "--timeout", "-1").returncode == 2
    without = run("get", "28142", SELLERCLOUD_TOKEN=None)
    assert without.returncode == 2
    assert b"SELLERCLOUD_TOKEN" in without.stderr
    assert run("get", "1", SELLERCLOUD_SERVER=None).returncode == 2


def test_timeout_that_is_no_number_names_the_value(run: Any) -> None:
    assert b"'soon' is not a number of seconds" in run("get", "1", "--timeout", "soon").stderr


@pytest.mark.parametrize("value", ["0", "-1", "nan", "soon"])
def test_invalid_timeout_is_wrong_usage(run: Any, value: str) -> None:
    done = run("get", "28142", "--timeout", value)
    assert done.returncode == 2
    assert b"--timeout" in done.stderr


@pytest.mark.parametrize("option", ["--server", "--team", "--user", "--ca"])
def test_empty_option_is_wrong_usage(run: Any, option: str) -> None:
    done = run("get", "28142", option, "")
    assert done.returncode == 2
    assert f"{option}: the value is empty".encode() in done.stderr


LOGIN = {
    "SELLERCLOUD_USER": setting("MOCK_SERVER_USER_NAME"),
    "SELLERCLOUD_PASSWORD": setting("MOCK_SERVER_PASSWORD"),
}


@pytest.mark.parametrize("empty", ["", "  ", "\t"])
def test_empty_variable_counts_as_not_set(run: Any, empty: str) -> None:
    done = run("get", "28142", SELLERCLOUD_TOKEN=empty, SELLERCLOUD_TEAM=empty, **LOGIN)
    assert (done.returncode, done.stderr) == (0, b"")
    done = run("get", "28142", SELLERCLOUD_PASSWORD=empty)
    assert b"set SELLERCLOUD_PASSWORD" in done.stderr
    assert run("get", "28142", SELLERCLOUD_SERVER=empty, **LOGIN).returncode == 2


@pytest.mark.parametrize("quote", ["'", '"'])
def test_token_in_quotes_is_wrong_usage(run: Any, quote: str) -> None:
    token = quote + setting("MOCK_SERVER_TOKEN") + quote
    done = run("get", "28142", SELLERCLOUD_TOKEN=token)
    assert done.returncode == 2
    assert b"SELLERCLOUD_TOKEN begins with a quotation mark" in done.stderr
    assert setting("MOCK_SERVER_TOKEN").encode() not in done.stderr


@pytest.mark.parametrize(
    "variables",
    [
        {"SELLERCLOUD_TEAM": "acme"},
        {"SELLERCLOUD_USER": "user"},
        {"SELLERCLOUD_PASSWORD": "password"},
        LOGIN,
    ],
)
def test_setting_set_in_two_ways_is_wrong_usage(run: Any, variables: dict[str, str]) -> None:
    done = run("get", "28142", **variables)
    assert done.returncode == 2
    other = "SELLERCLOUD_SERVER" if "SELLERCLOUD_TEAM" in variables else "SELLERCLOUD_TOKEN"
    assert f"{other} and {next(iter(variables))} are both set".encode() in done.stderr


def test_arguments_take_precedence_over_variables(run: Any) -> None:
    url = setting("MOCK_SERVER_TEAM_LOOKUP_URL")
    team = ["--team", setting("MOCK_SERVER_TEAM"), "--team-lookup-url", url]
    user = ["--user", setting("MOCK_SERVER_USER_NAME")]
    password = {"SELLERCLOUD_PASSWORD": setting("MOCK_SERVER_PASSWORD")}
    done = run("get", "28142", *team, *user, SELLERCLOUD_TEAM="other", **password)
    assert (done.returncode, done.stderr) == (0, b"")


def test_login_team_and_certificates_are_used(run: Any, login: dict[str, Any]) -> None:
    logged_in = run(
        "get",
        "28142",
        SELLERCLOUD_TOKEN=None,
        SELLERCLOUD_USER=login["user_name"],
        SELLERCLOUD_PASSWORD=login["password"],
    )
    assert logged_in.returncode == 0
    url = setting("MOCK_SERVER_TEAM_LOOKUP_URL")
    team = ["--team", setting("MOCK_SERVER_TEAM"), "--team-lookup-url", url]
    assert run("get", "28143", *team).returncode == 0
    ca = str(Path(setting("MOCK_SERVER_CERTIFICATES")) / "ca.pem")
    assert run("get", "28144", "--server", setting("TLS_SERVER"), "--ca", ca).returncode == 0
    missing = run("get", "28144", "--ca", "nowhere.pem")
    assert missing.returncode == 2
    assert b"nowhere.pem" in missing.stderr


def test_missing_login_on_a_terminal_prompts(
    environment: dict[str, str], login: dict[str, Any], tmp_path: Path
) -> None:
    del environment["SELLERCLOUD_TOKEN"]
    answers = {
        b"User name: ": login["user_name"].encode(),
        b"Password: ": login["password"].encode(),
    }
    code, shown = on_terminal(["get", "28142", "-o", str(tmp_path)], environment, answers)
    assert code == 0, shown
    assert login["password"].encode() not in shown
    assert (tmp_path / NAME).exists()


def test_progress_on_a_terminal_is_a_bar_or_lines(
    environment: dict[str, str], tmp_path: Path
) -> None:
    code, shown = on_terminal(["get", "28148", "-o", str(tmp_path)], environment, {})
    assert code == 0, shown
    assert b"B/s" in shown
    # Without tqdm, lines are shown.
    (tmp_path / "tqdm.py").write_text("raise ImportError\n")
    environment["PYTHONPATH"] = str(tmp_path)
    server = ["--server", setting("SLOW_BODY_SERVER"), "--timeout", "1.5"]
    code, shown = on_terminal(["get", "1", "-o", str(tmp_path), *server], environment, {})
    assert code == 20, shown
    assert b" bytes received" in shown
    code, shown = on_terminal(
        ["get", "1", "-o", str(tmp_path), *server, "--quiet"], environment, {}
    )
    assert code == 20
    assert b" bytes received" not in shown


def test_ctrl_c_has_clean_error(environment: dict[str, str], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        arguments = ["get", "1", "--server", url]
        with subprocess.Popen(
            [*COMMAND, *arguments], env=environment, cwd=tmp_path, stderr=subprocess.PIPE
        ) as process:
            connection, _ = server.accept()
            with connection:
                assert connection.recv(1)  # The call is running.
                process.send_signal(signal.SIGINT)
                _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert errors == b"sellercloud-output: interrupted\n"
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_with_sigint_ignored_does_nothing(
    environment: dict[str, str], tmp_path: Path
) -> None:
    # nohup and cron start programs with SIGINT ignored.
    body = (FIXTURES / "orders.csv").read_bytes()
    response = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        line = f"trap '' INT; exec {' '.join(COMMAND)} get 1 --server {url} --timeout 60"
        with subprocess.Popen(
            ["sh", "-c", line], env=environment, cwd=tmp_path, stderr=subprocess.PIPE
        ) as process:
            connection, _ = server.accept()
            with connection:
                assert connection.recv(1)  # The call is running.
                process.send_signal(signal.SIGINT)
                encoded = base64.b64encode(body)
                connection.sendall(response % len(encoded) + encoded)
                _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, b"")
    assert (tmp_path / "output-1").read_bytes() == body


def test_output_closed_by_reader_exits_quietly(environment: dict[str, str]) -> None:
    command = " ".join([*COMMAND, "get", "28148", "-o", "-"])
    line = command + " | head -c 5; echo ${PIPESTATUS[0]}"
    done = subprocess.run(
        ["bash", "-c", line], env=environment, capture_output=True, timeout=60, check=True
    )
    assert done.stdout.endswith(b"141\n")
    assert done.stderr == b""
