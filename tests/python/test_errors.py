"""Tests of the exceptions: kinds, attributes, builtin base classes and pickling."""

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
    ConnectionFailedError,
    ErrorKind,
    InvalidArgumentError,
    JobFailedError,
    JobStatus,
    SellercloudError,
    ServerError,
    StorageError,
    TimedOutError,
    TlsError,
    WaitOptions,
)

LIMITS = ("connect_timeout", "stall_timeout", "call_timeout", "max_file_size", "max_attempts")
HEADER = Path(__file__).parents[2] / "include" / "sellercloud_output.h"


def header_constants() -> dict[str, int]:
    """Returns the members of the header's enums, without the prefix SCO_."""
    text = HEADER.read_text(encoding="utf-8")
    return {name: int(value) for name, value in re.findall(r"\bSCO_(\w+) = (-?\d+)", text)}


@pytest.mark.parametrize("option", LIMITS)
def test_client_limit_zero_is_rejected(make_client: Callable[..., Client], option: str) -> None:
    with pytest.raises(InvalidArgumentError, match="must be greater than zero"):
        make_client(**{option: 0})


def test_call_limit_zero_is_rejected(client: Client) -> None:
    calls: list[Callable[[], Any]] = [
        lambda: client.get_output_file(28142, timeout=0),
        lambda: client.wait_for_job(50003, wait=WaitOptions(initial_interval=0)),
        lambda: client.wait_for_job(50003, wait=WaitOptions(max_interval=0)),
    ]
    for call in calls:
        with pytest.raises(InvalidArgumentError, match="must be greater than zero"):
            call()
    # Grace and backoff are no limits.
    assert client.wait_for_job(50003, wait=WaitOptions(grace=0)).is_final
    assert len(
        Client(
            setting("MOCK_SERVER"), token=setting("MOCK_SERVER_TOKEN"), initial_backoff=0
        ).get_output_file(28142)
    )


def test_error_kind_has_one_class_and_the_headers_number() -> None:
    constants = header_constants()
    statuses = {kind.name: kind.value for kind in ErrorKind}
    assert statuses == {name: constants[f"ERROR_{name}"] for name in statuses}
    assert sorted(statuses.values()) == list(range(101, 117))
    kinds = [exception.kind for exception in SellercloudError.__subclasses__()]
    assert sorted(kinds) == sorted(ErrorKind)


def test_job_status_has_the_headers_number() -> None:
    constants = header_constants()
    for status in JobStatus:
        assert status == constants[f"JOB_STATUS_{status.name}"]
    assert len(JobStatus) == 11


def test_server_error_has_message_and_attributes(client: Client) -> None:
    with pytest.raises(ServerError) as caught:
        client.get_output_file(5)
    error = caught.value
    assert str(error) == (
        "job 5: the server responded with 500 Internal Server Error: "
        "Could not find or load record with ID 5!"
    )
    assert error.kind is ErrorKind.SERVER
    assert error.http_status == 500
    assert error.attempts == 1
    assert error.retry_after is None
    assert not error.is_retryable
    assert error.job_id == 5
    assert error.job is None
    assert error.job_log == ()


def test_busy_server_error_has_retry_after(make_client: Callable[..., Client]) -> None:
    with pytest.raises(ServerError) as caught:
        make_client("BUSY_SERVER", call_timeout=5).get_output_file(1)
    assert caught.value.retry_after == 60.0
    assert caught.value.is_retryable


def test_errors_are_builtin_exceptions_too(make_client: Callable[..., Client]) -> None:
    with pytest.raises(PermissionError) as rejected:
        make_client(token="another-token").get_output_file(28142)
    assert isinstance(rejected.value, AuthenticationError)
    with pytest.raises(TimeoutError) as late:
        make_client("UNRESPONSIVE_SERVER").get_output_file(1, timeout=0.2)
    assert isinstance(late.value, TimedOutError)
    with pytest.raises(ConnectionError) as lost:
        Client("http://127.0.0.1:1", token="token", max_attempts=1).get_output_file(1)
    assert isinstance(lost.value, ConnectionFailedError)
    with pytest.raises(ConnectionError) as untrusted:
        make_client("TLS_SERVER", max_attempts=1).get_output_file(28142)
    assert isinstance(untrusted.value, TlsError)
    with pytest.raises(ValueError, match="job id"):
        make_client().get_output_file(0)


def test_storage_error_has_errno_strerror_and_filename(client: Client, tmp_path: Path) -> None:
    client.save_output_file(28142, tmp_path, file_name="taken")
    with pytest.raises(OSError) as taken:
        client.save_output_file(28142, tmp_path, file_name="taken")
    with pytest.raises(OSError) as missing:
        client.save_output_file(28142, tmp_path / "nowhere", file_name="x")
    (tmp_path / "file").touch()
    with pytest.raises(OSError) as no_directory:
        client.save_output_file(28142, tmp_path / "file", file_name="x")
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


def test_wait_for_failed_job_error_has_job_and_log(client: Client) -> None:
    with pytest.raises(JobFailedError) as caught:
        client.wait_for_job(50002, wait=WaitOptions(0.001, 0.005))
    assert caught.value.job is not None
    assert caught.value.job.status is JobStatus.FAILED
    assert caught.value.job_log == ("Row 7 of job 50002: no SKU", "Row 9: no price")


def test_errors_pickled_keep_their_attributes(
    client: Client, make_client: Callable[..., Client]
) -> None:
    errors: list[SellercloudError] = []
    calls: list[Callable[[], Any]] = [
        lambda: client.get_output_file(5),
        lambda: client.get_output_file("x"),
        lambda: client.save_output_file(28142, "/nowhere"),
        lambda: client.wait_for_job(50002, wait=WaitOptions(0.001, 0.005)),
        lambda: make_client("UNRESPONSIVE_SERVER").get_output_file(1, timeout=0.1),
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
def test_invalid_job_is_an_invalid_argument(client: Client, job: Any) -> None:
    with pytest.raises(InvalidArgumentError):
        client.get_output_file(job)


@pytest.mark.parametrize(
    "options",
    [
        {"max_file_size": -1},
        {"max_file_size": 2**64},
        {"max_attempts": -1},
        {"max_attempts": 2**32 + 1},
        {"body_encoding": "gzip"},
        {"token": "nul\0"},
        {"token": "\udc80"},
        {"token": "two\nlines"},
        {"proxy": "unknown://"},
        {"ca_certificates": b"no certificate"},
        {"connect_timeout": float("nan")},
    ],
)
def test_invalid_client_option_is_an_invalid_argument(
    make_client: Callable[..., Client], options: Any
) -> None:
    with pytest.raises(InvalidArgumentError):
        make_client(**options)


def test_invalid_password_error_does_not_show_it() -> None:
    with pytest.raises(ValueError, match="password contains a lone surrogate") as caught:
        Client("tt", user_name="me", password="hunter2\udc80")
    assert "hunter2" not in repr(caught.value)
    assert caught.value.__suppress_context__


def test_invalid_call_option_is_an_invalid_argument(client: Client, tmp_path: Path) -> None:
    calls: list[Callable[[], Any]] = [
        lambda: client.save_output_file(28142, tmp_path, if_exists="ask"),  # type: ignore[arg-type]
        lambda: client.save_output_file(28142, "nul\0"),
        lambda: client.save_output_file(28142, ""),
        lambda: client.get_output_file(28142).save(""),
        lambda: client.save_output_file(28142, tmp_path, file_name="nul\0"),
        lambda: client.get_output_file(28142, timeout=float("nan")),
    ]
    for call in calls:
        with pytest.raises(InvalidArgumentError):
            call()
    assert list(tmp_path.iterdir()) == []


def test_rejected_token_error_does_not_show_it(make_client: Callable[..., Client]) -> None:
    client = make_client(token="another-secret-token")
    with pytest.raises(AuthenticationError) as caught:
        client.get_output_file(28142)
    shown = [repr(client), str(client), repr(caught.value), repr(vars(caught.value))]
    assert not [text for text in shown if "another-secret-token" in text]
    assert repr(Client("tt", user_name="me", password="hunter2")) == "<Client 'tt'>"


def test_version_is_the_crates() -> None:
    manifest = HEADER.parents[1] / "Cargo.toml"
    version = re.search(r'^version = "(.*)"', manifest.read_text(encoding="utf-8"), re.MULTILINE)
    assert version is not None
    assert sellercloud_output.__version__ == version[1]


@pytest.mark.parametrize(
    "options",
    [
        {"server": "tt", "team": "acme", "token": "x"},
        {"server": "tt", "token": "x", "user_name": "me", "password": "y"},
        {"server": "tt", "token": "x", "password": "y"},
        {"server": "tt", "token": "x", "token_provider": lambda _: "y"},
        {"server": "tt", "password": "x", "token_provider": lambda _: "y"},
        {"server": "tt", "user_name": "me", "password": "y", "token_provider": lambda _: "y"},
    ],
)
def test_client_with_options_that_exclude_each_other_is_an_invalid_argument(options: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="are both set: pass one of them"):
        Client(**options)


def test_client_without_server_is_an_invalid_argument() -> None:
    with pytest.raises(InvalidArgumentError):
        Client(token=setting("MOCK_SERVER_TOKEN"))
