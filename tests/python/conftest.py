"""Fixtures for the mock servers, whose addresses tests/python/run puts into the environment."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any, Callable

import pytest
from sellercloud_output import Client

# A process that starts with SIGINT ignored (under nohup, cron or a shell's &) keeps ignoring
# it, as do its child processes. The tests that send SIGINT would then wait in vain.
if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.default_int_handler)

FIXTURES = Path(__file__).parents[1] / "fixtures"


def setting(name: str) -> str:
    """Returns a setting of the mock servers."""
    return os.environ[name]


@pytest.fixture
def make_client() -> Callable[..., Client]:
    """Returns a function that creates clients of a mock server, with short backoffs."""

    def make(server: str = "MOCK_SERVER", **options: Any) -> Client:
        if not {"token", "user_name", "token_provider"} & options.keys():
            options["token"] = setting("MOCK_SERVER_TOKEN")
        return Client(setting(server), initial_backoff=0.01, **options)

    return make


@pytest.fixture
def client(make_client: Callable[..., Client]) -> Client:
    """Returns a client of the mock server."""
    return make_client()


@pytest.fixture
def orders() -> bytes:
    """Returns the output file of job 28142."""
    return (FIXTURES / "orders.csv").read_bytes()


@pytest.fixture
def login() -> dict[str, Any]:
    """Returns the login that the mock server accepts."""
    return {
        "user_name": setting("MOCK_SERVER_USER_NAME"),
        "password": setting("MOCK_SERVER_PASSWORD"),
    }
