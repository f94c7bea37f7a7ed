"""Tests of Ctrl-C and other signals during calls."""

from __future__ import annotations

import random
import signal
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any, Callable

import pytest
from sellercloud_output import Client, WaitOptions


class OwnError(Exception):
    """An exception that a test's signal handler raises."""


@pytest.fixture
def ignored(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[object]]:
    """Collects the exceptions that Python could not raise, and expects none."""
    seen: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", seen.append)
    yield seen
    assert seen == []


CALLS: dict[str, tuple[str, Callable[[Client], Any]]] = {
    "connecting": ("FULL_PORT", lambda client: client.get_output_file(1)),
    "waiting for a response": ("UNRESPONSIVE_SERVER", lambda client: client.get_output_file(1)),
    "in a stalled body": ("STALLED_BODY_SERVER", lambda client: client.get_output_file(1)),
    "in a slow body": ("SLOW_BODY_SERVER", lambda client: client.get_output_file(1)),
    "before a retry": ("BUSY_SERVER", lambda client: client.get_output_file(1)),
    "waiting for a job": (
        "MOCK_SERVER",
        lambda client: client.wait_for_job(50004, wait=WaitOptions(grace=0), timeout=60),
    ),
}


@pytest.mark.parametrize("place", CALLS)
def test_ctrl_c_during_call_ends_it(
    make_client: Callable[..., Client], ignored: list[object], place: str
) -> None:
    server, call = CALLS[place]
    # If the signal does not arrive, this timeout fails the test.
    client = make_client(server, call_timeout=120)
    sent: list[float] = []

    def interrupt() -> None:
        sent.append(time.monotonic())
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        threading.Timer(0.2, interrupt).start()
        call(client)
    assert time.monotonic() - sent[0] < 0.25


def test_signal_handler_exception_at_any_time_ends_calls(
    make_client: Callable[..., Client], ignored: list[object]
) -> None:
    # The signals arrive in a callback, when ctypes enters or leaves it, or between calls.
    numbers = random.Random(8187)
    client = make_client(on_request=lambda _: None)

    def handle(*_: object) -> None:
        raise OwnError

    class Sink:
        def write(self, data: bytes) -> None:
            pass

    def call_until(alarm: float) -> None:
        signal.setitimer(signal.ITIMER_REAL, alarm)
        for _ in range(10_000):
            client.write_output_file(28143, Sink(), on_progress=lambda _: None)

    before = signal.signal(signal.SIGALRM, handle)
    try:
        for _ in range(300):
            with pytest.raises(OwnError):
                call_until(numbers.uniform(0.0001, 0.005))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert len(client.get_output_file(28142)) == 2400


def test_signal_handler_exception_in_on_request_ends_call(
    make_client: Callable[..., Client], ignored: list[object]
) -> None:
    # An exception that on_request itself raises would not end the call.

    def handle(*_: object) -> None:
        raise OwnError

    def raise_alarm(_: object) -> None:
        signal.raise_signal(signal.SIGALRM)

    before = signal.signal(signal.SIGALRM, handle)
    try:
        with pytest.raises(OwnError):
            make_client(on_request=raise_alarm).get_output_file(28142)
    finally:
        signal.signal(signal.SIGALRM, before)


def test_ctrl_c_in_on_request_ends_call(make_client: Callable[..., Client]) -> None:
    with pytest.raises(KeyboardInterrupt):
        make_client(on_request=lambda _: signal.raise_signal(signal.SIGINT)).get_output_file(28142)


def test_signal_handler_that_returns_does_not_end_calls(
    client: Client, ignored: list[object]
) -> None:
    handled: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda number, _: handled.append(number))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
        for _ in range(200):
            assert len(client.get_output_file(28142)) == 2400
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert handled
