"""The exceptions: their kinds, what they carry, and what else they are."""

from __future__ import annotations

import errno
import os
import pickle
import re
from pathlib import Path
from typing import Any, Callable

import pytest
import sellercloud_output
from conftest import setting
from sellercloud_output import (
    AuthenticationError,
    Client,
    ConnectionFailed,
    ErrorKind,
    InvalidArgument,
    JobFailed,
    JobStatus,
    SellercloudError,
    ServerError,
    StorageError,
    TimedOut,
    TlsError,
    Wait,
)

LIMITS = ("connect_timeout", "stall_timeout", "call_timeout", "max_size", "attempts")
HEADER = Path(__file__).parents[2] / "include" / "sellercloud_output.h"


def header_constants() -> dict[str, int]:
    text = HEADER.read_text(encoding="utf-8")
    return {name: int(value) for name, value in re.findall(r"#define SCO_(\w+) (-?\d+)", text)}


@pytest.mark.parametrize("option", LIMITS)
def test_client_limit_of_zero_is_rejected(make_client: Callable[..., Client], option: str) -> None:
    with pytest.raises(InvalidArgument, match="must be greater than zero"):
        make_client(**{option: 0})


def test_call_limit_of_zero_is_rejected(client: Client) -> None:
    calls: list[Callable[[], Any]] = [
        lambda: client.output_file(28142, timeout=0),
        lambda: client.wait(50003, wait=Wait(first=0)),
        lambda: client.wait(50003, wait=Wait(longest=0)),
    ]
    for call in calls:
        with pytest.raises(InvalidArgument, match="must be greater than zero"):
            call()
    # These are no limits.
    assert client.wait(50003, wait=Wait(grace=0)).is_final
    assert len(
        Client(setting("STAND_IN"), token=setting("STAND_IN_TOKEN"), retry_base=0).output_file(
            28142
        )
    )


def test_there_is_one_class_for_each_kind() -> None:
    constants = header_constants()
    statuses = {kind.name: kind.value for kind in ErrorKind}
    assert statuses == {name: constants[name] for name in statuses}
    assert sorted(statuses.values()) == list(range(1, 17))
    kinds = [exception.kind for exception in SellercloudError.__subclasses__()]
    assert sorted(kinds) == sorted(ErrorKind)


def test_the_job_statuses_are_those_of_the_header() -> None:
    constants = header_constants()
    for status in JobStatus:
        name = {"FAILED": "ENDED_AS_FAILED"}.get(status.name, status.name)
        assert status == constants.get(f"JOB_{name}", -1)
    assert len(JobStatus) == 11


def test_an_error_carries_what_is_known(client: Client) -> None:
    with pytest.raises(ServerError) as caught:
        client.output_file(5)
    error = caught.value
    assert str(error) == (
        "job 5: server answered 500 Internal Server Error: Could not find or load record with ID 5!"
    )
    assert error.kind is ErrorKind.SERVER
    assert error.http_status == 500
    assert error.attempts == 1
    assert error.retry_after is None
    assert not error.retry_may_help
    assert error.job is None
    assert error.log_lines == ()


def test_how_long_to_wait_is_told(make_client: Callable[..., Client]) -> None:
    with pytest.raises(ServerError) as caught:
        make_client("BUSY_SERVER", call_timeout=5).output_file(1)
    assert caught.value.retry_after == 60.0
    assert caught.value.retry_may_help


def test_errors_are_also_what_python_calls_them(make_client: Callable[..., Client]) -> None:
    with pytest.raises(PermissionError) as refused:
        make_client(token="another-token").output_file(28142)
    assert isinstance(refused.value, AuthenticationError)
    with pytest.raises(TimeoutError) as late:
        make_client("SILENT_SERVER").output_file(1, timeout=0.2)
    assert isinstance(late.value, TimedOut)
    with pytest.raises(ConnectionError) as lost:
        Client("http://127.0.0.1:1", token="token", attempts=1).output_file(1)
    assert isinstance(lost.value, ConnectionFailed)
    with pytest.raises(ConnectionError) as untrusted:
        make_client("TLS_SERVER", attempts=1).output_file(28142)
    assert isinstance(untrusted.value, TlsError)
    with pytest.raises(ValueError, match="job id"):
        make_client().output_file(0)


def test_storage_error_has_what_the_system_says(client: Client, tmp_path: Path) -> None:
    client.save_output_file(28142, tmp_path, name="taken")
    with pytest.raises(OSError) as taken:
        client.save_output_file(28142, tmp_path, name="taken")
    with pytest.raises(OSError) as missing:
        client.save_output_file(28142, tmp_path / "nowhere", name="x")
    (tmp_path / "file").touch()
    with pytest.raises(OSError) as no_directory:
        client.save_output_file(28142, tmp_path / "file", name="x")
    for caught, code, path in (
        (taken, errno.EEXIST, "taken"),
        (missing, errno.ENOENT, "nowhere"),
        (no_directory, errno.ENOTDIR, "file"),
    ):
        error = caught.value
        assert isinstance(error, StorageError)
        assert error.errno == code
        assert error.strerror == os.strerror(code)
        assert error.filename == str(tmp_path / path)
        assert str(error).startswith("job 28142: cannot save ")
        copy = pickle.loads(pickle.dumps(error))
        assert (copy.errno, copy.strerror, copy.filename) == (code, error.strerror, error.filename)
        assert str(copy) == str(error)


def test_a_job_that_failed_is_told(client: Client) -> None:
    with pytest.raises(JobFailed) as caught:
        client.wait(50002, wait=Wait(0.001, 0.005))
    assert caught.value.job is not None
    assert caught.value.job.status is JobStatus.FAILED
    assert caught.value.log_lines == ("Row 7 of job 50002: no SKU", "Row 9: no price")


def test_errors_can_be_pickled(client: Client, make_client: Callable[..., Client]) -> None:
    errors: list[SellercloudError] = []
    calls: list[Callable[[], Any]] = [
        lambda: client.output_file(5),
        lambda: client.output_file("x"),
        lambda: client.save_output_file(28142, "/nowhere"),
        lambda: client.wait(50002, wait=Wait(0.001, 0.005)),
        lambda: make_client("SILENT_SERVER").output_file(1, timeout=0.1),
    ]
    for call in calls:
        with pytest.raises(SellercloudError) as caught:
            call()
        errors.append(caught.value)
    for error in errors:
        copy = pickle.loads(pickle.dumps(error))
        assert type(copy) is type(error)
        assert str(copy) == str(error)
        assert vars(copy) == vars(error)
    assert errors[0].http_status == 500


@pytest.mark.parametrize("job", [0, -1, 2**31, 2**64 + 28142, -(2**70), "", "x", "28142x"])
def test_what_is_no_job_is_an_invalid_argument(client: Client, job: Any) -> None:
    with pytest.raises(InvalidArgument):
        client.output_file(job)


@pytest.mark.parametrize(
    "options",
    [
        {"max_size": -1},
        {"max_size": 2**64},
        {"attempts": -1},
        {"attempts": 2**32 + 1},
        {"body_encoding": "gzip"},
        {"token": "nul\0"},
        {"token": "\udc80"},
        {"token": "two\nlines"},
        {"proxy": "nonsense://"},
        {"ca_certificates": b"no certificate"},
        {"connect_timeout": float("nan")},
    ],
)
def test_nonsense_is_a_value_error(make_client: Callable[..., Client], options: Any) -> None:
    with pytest.raises(ValueError):
        make_client(**options)


def test_a_secret_that_is_no_text_is_not_shown() -> None:
    with pytest.raises(ValueError, match="the password holds half") as caught:
        Client("tt", user="me", password="hunter2\udc80")
    assert "hunter2" not in repr(caught.value)
    assert caught.value.__suppress_context__


def test_nonsense_of_a_call_is_a_value_error(client: Client, tmp_path: Path) -> None:
    calls: list[Callable[[], Any]] = [
        lambda: client.save_output_file(28142, tmp_path, if_exists="ask"),  # type: ignore[arg-type]
        lambda: client.save_output_file(28142, "nul\0"),
        lambda: client.save_output_file(28142, ""),
        lambda: client.output_file(28142).save(""),
        lambda: client.save_output_file(28142, tmp_path, name="nul\0"),
        lambda: client.output_file(28142, timeout=float("nan")),
    ]
    for call in calls:
        with pytest.raises(ValueError):
            call()
    assert list(tmp_path.iterdir()) == []


def test_no_secret_is_shown(make_client: Callable[..., Client]) -> None:
    client = make_client(token="another-secret-token")
    with pytest.raises(AuthenticationError) as caught:
        client.output_file(28142)
    shown = [repr(client), str(client), repr(caught.value), repr(vars(caught.value))]
    assert not [text for text in shown if "another-secret-token" in text]
    assert repr(Client("tt", user="me", password="hunter2")) == "<Client 'tt'>"


def test_the_version_is_the_librarys() -> None:
    manifest = HEADER.parents[1] / "Cargo.toml"
    version = re.search(r'^version = "(.*)"', manifest.read_text(encoding="utf-8"), re.MULTILINE)
    assert version is not None
    assert sellercloud_output.__version__ == version[1]


def test_a_server_is_needed() -> None:
    with pytest.raises(InvalidArgument):
        Client(token=setting("STAND_IN_TOKEN"))
