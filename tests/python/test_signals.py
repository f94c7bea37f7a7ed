"""Ctrl-C and other signals during calls."""

from __future__ import annotations

import random
import signal
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any, Callable

import pytest
from sellercloud_output import Client, Wait


class OwnError(Exception):
    """Raised by this test's signal handler."""


@pytest.fixture
def ignored(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[object]]:
    """What Python could not raise."""
    seen: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", seen.append)
    yield seen
    assert seen == []


CALLS: dict[str, tuple[str, Callable[[Client], Any]]] = {
    "connecting": ("FULL_PORT", lambda client: client.output_file(1)),
    "silent": ("SILENT_SERVER", lambda client: client.output_file(1)),
    "silent within the body": ("SILENT_BODY", lambda client: client.output_file(1)),
    "dripping": ("DRIPPING_SERVER", lambda client: client.output_file(1)),
    "before a retry": ("BUSY_SERVER", lambda client: client.output_file(1)),
    "waiting": ("STAND_IN", lambda client: client.wait(50004, wait=Wait(grace=0), timeout=60)),
}


@pytest.mark.parametrize("place", CALLS)
def test_ctrl_c_ends_a_call(
    make_client: Callable[..., Client], ignored: list[object], place: str
) -> None:
    server, call = CALLS[place]
    # Where the signal does not arrive, the test fails before long.
    client = make_client(server, call_timeout=120)
    sent: list[float] = []

    def interrupt() -> None:
        sent.append(time.monotonic())
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        threading.Timer(0.2, interrupt).start()
        call(client)
    assert time.monotonic() - sent[0] < 0.25


def test_what_a_handler_raises_is_never_lost(
    make_client: Callable[..., Client], ignored: list[object]
) -> None:
    """Wherever it comes: in a callback, on its way in or out, or between."""
    numbers = random.Random(8187)
    client = make_client(log=lambda _: None)

    def handle(*_: object) -> None:
        raise OwnError

    class Sink:
        def write(self, data: bytes) -> None:
            pass

    def call_until(alarm: float) -> None:
        signal.setitimer(signal.ITIMER_REAL, alarm)
        for _ in range(10_000):
            client.write_output_file(28143, Sink(), progress=lambda _: None)

    before = signal.signal(signal.SIGALRM, handle)
    try:
        for _ in range(300):
            with pytest.raises(OwnError):
                call_until(numbers.uniform(0.0001, 0.005))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert len(client.output_file(28142)) == 2400


def test_handler_that_raises_in_log_callback_ends_the_call(
    make_client: Callable[..., Client], ignored: list[object]
) -> None:
    """Unlike what the log callback itself raises."""

    def handle(*_: object) -> None:
        raise OwnError

    def log(_: object) -> None:
        signal.raise_signal(signal.SIGALRM)

    before = signal.signal(signal.SIGALRM, handle)
    try:
        with pytest.raises(OwnError):
            make_client(log=log).output_file(28142)
    finally:
        signal.signal(signal.SIGALRM, before)


def test_ctrl_c_in_log_callback_ends_the_call(make_client: Callable[..., Client]) -> None:
    with pytest.raises(KeyboardInterrupt):
        make_client(log=lambda _: signal.raise_signal(signal.SIGINT)).output_file(28142)


def test_a_signal_that_raises_nothing_ends_nothing(client: Client, ignored: list[object]) -> None:
    handled: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda number, _: handled.append(number))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
        for _ in range(200):
            assert len(client.output_file(28142)) == 2400
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert handled
