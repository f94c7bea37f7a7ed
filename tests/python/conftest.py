"""The stand-in servers, which the environment names; tests/python/run starts them."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any, Callable

import pytest
from sellercloud_output import Client

# A process that was started with SIGINT ignored (nohup, cron, a shell's &) stays so: neither
# its calls nor the processes that it starts would be interrupted.
if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.default_int_handler)

SAMPLES = Path(__file__).parents[1] / "samples"


def setting(name: str) -> str:
    return os.environ[name]


@pytest.fixture
def make_client() -> Callable[..., Client]:
    """Makes clients of a server that the environment names, with short waits."""

    def make(server: str = "STAND_IN", **options: Any) -> Client:
        if not {"token", "user", "token_source"} & options.keys():
            options["token"] = setting("STAND_IN_TOKEN")
        return Client(setting(server), retry_base=0.01, **options)

    return make


@pytest.fixture
def client(make_client: Callable[..., Client]) -> Client:
    return make_client()


@pytest.fixture
def orders() -> bytes:
    """The file of job 28142."""
    return (SAMPLES / "orders.csv").read_bytes()


@pytest.fixture
def login() -> dict[str, Any]:
    return {"user": setting("STAND_IN_USER"), "password": setting("STAND_IN_PASSWORD")}
