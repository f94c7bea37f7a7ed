"""Tests that secrets are wiped, and that no traceback, repr or debugger shows them."""

from __future__ import annotations

import copy
import ctypes
import gc
import pickle
import types
from pathlib import Path
from typing import Any, Callable

import pytest
import sellercloud_output
from conftest import setting
from sellercloud_output import Client
from sellercloud_output import __main__ as command_line

PACKAGE = Path(sellercloud_output.__file__).parent
SECRET = "hunter2-is-a-secret"


def shows(value: object, depth: int = 6) -> bool:
    """Returns whether a debugger that prints a variable and its contents shows the secret."""
    if SECRET in repr(value) or (isinstance(value, bytes) and SECRET.encode() in value):
        return True
    if depth == 0:
        return False
    parts: list[object] = []
    if isinstance(value, dict):
        parts += [*value.keys(), *value.values()]
    elif isinstance(value, (list, tuple, set, frozenset)):
        parts += value
    elif not isinstance(value, (type, types.ModuleType, types.FunctionType)):
        parts += getattr(value, "__dict__", {}).values()
    return any(shows(part, depth - 1) for part in parts)


def showing_frames(error: BaseException | None) -> list[str]:
    """Returns the package's variables that hold the secret in the tracebacks of an error."""
    found: list[str] = []
    while error is not None:
        trace = error.__traceback__
        while trace is not None:
            frame = trace.tb_frame
            if Path(frame.f_code.co_filename).parent == PACKAGE:
                found += [
                    f"{frame.f_code.co_name}: {name}"
                    for name, value in frame.f_locals.items()
                    if shows(value)
                ]
            trace = trace.tb_next
        if shows(error.args) or shows(vars(error)) or shows(getattr(error, "object", None)):
            found.append(repr(type(error)))
        error = error.__cause__ or error.__context__
    return found


FAILING: dict[str, dict[str, Any]] = {
    "a token with a line feed": {"token": SECRET + "\n" + SECRET},
    "a token with a NUL": {"token": SECRET + "\0"},
    "a token with a lone surrogate": {"token": SECRET + "\udc80"},
    "a token and an invalid option": {"token": SECRET, "body_encoding": "gzip"},
    "a password with a lone surrogate": {"user_name": "me", "password": SECRET + "\udc80"},
    "a password and an invalid server": {
        "server": "",
        "user_name": "me",
        "password": SECRET,
    },
    "an invalid proxy": {"token": "x", "proxy": f"unknown://user:{SECRET}@proxy"},
    "an invalid key": {
        "token": "x",
        "client_certificate": SECRET,
        "client_key": SECRET.encode(),
    },
}


@pytest.mark.parametrize("options", FAILING.values(), ids=FAILING.keys())
def test_failed_constructor_shows_no_secret(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError) as caught:
        Client(options.pop("server", "tt"), **options)
    assert showing_frames(caught.value) == []


def test_failed_call_shows_no_secret(make_client: Callable[..., Client]) -> None:
    client = make_client(token=SECRET)
    calls: list[Callable[[], Any]] = [
        lambda: client.get_output_file(28142),
        lambda: client.get_output_file(28142, timeout=-1),
        lambda: make_client(token_provider=lambda _: SECRET).get_output_file(28142),
        lambda: make_client(token_provider=lambda _: SECRET + "\0").get_output_file(28142),
        lambda: make_client(token_provider=lambda _: SECRET.encode()).get_output_file(28142),
    ]
    for call in calls:
        with pytest.raises(Exception) as caught:
            call()
        assert showing_frames(caught.value) == []


def test_failed_unpickling_shows_no_secret(
    make_client: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    pickled = pickle.dumps(make_client(token=SECRET))
    monkeypatch.setattr(sellercloud_output._client, "BODY_ENCODINGS", {})
    with pytest.raises(ValueError, match="body_encoding") as caught:
        pickle.loads(pickled)
    assert showing_frames(caught.value) == []


@pytest.mark.parametrize("name", ["SELLERCLOUD_TOKEN", "SELLERCLOUD_PASSWORD"])
def test_failed_command_line_shows_no_secret(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("SELLERCLOUD_SERVER", "http://not.loopback.example")
    monkeypatch.setenv("SELLERCLOUD_USER" if "PASSWORD" in name else "LANG", "me")
    monkeypatch.setenv(name, SECRET)
    options = command_line.parser().parse_args(["get", "1"])
    with pytest.raises(ValueError) as caught:
        command_line.client_from(options)
    assert showing_frames(caught.value) == []
    monkeypatch.setenv("SELLERCLOUD_TOKEN", f'"{SECRET}"')
    with pytest.raises(SystemExit) as exited:
        command_line.client_from(options)
    assert showing_frames(exited.value) == []


def memory_of(root: object) -> bytes:
    """Returns all texts and bytes that can be reached from an object."""
    seen: set[int] = set()
    found: list[bytes] = []
    left = [root]
    while left:
        value = left.pop()
        if id(value) in seen or isinstance(value, (type, types.ModuleType, types.FunctionType)):
            continue
        seen.add(id(value))
        if isinstance(value, str):
            found.append(value.encode(errors="replace"))
        elif isinstance(value, (bytes, bytearray, ctypes.Array)):
            found.append(bytes(value))
        left += gc.get_referents(value)
    return b"\0".join(found)


def test_close_wipes_the_secrets() -> None:
    client = Client(
        "tt",
        user_name="me",
        password=SECRET,
        proxy=f"http://user:{SECRET}@127.0.0.1:1",
    )
    # An open client needs its secrets: the child of a fork logs in again.
    assert SECRET.encode() in memory_of(client)
    held = client.__getstate__()
    client.close()
    assert SECRET.encode() not in memory_of(client)
    assert SECRET.encode() not in memory_of(held)
    assert repr(client) == "<Client 'tt'>"
    client.close()


def test_copy_of_closed_client_works(make_client: Callable[..., Client]) -> None:
    client = make_client()
    copies = [copy.copy(client), copy.deepcopy(client), pickle.loads(pickle.dumps(client))]
    client.close()
    for made in copies:
        assert len(made.get_output_file(28142)) == 2400
        assert setting("MOCK_SERVER_TOKEN").encode() in memory_of(made)
