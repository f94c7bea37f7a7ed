"""Tests of forks, pickled clients and process pools."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Callable

import pytest
from conftest import setting
from sellercloud_output import CancelToken, Client, RequestRecord, ServerError


def exit_code_in_child(body: Callable[[], bool]) -> int:
    """Forks, and returns the child's exit code: 0 if `body` returned True."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if body() else 2
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_client_after_fork_works_in_parent_and_child(
    make_client: Callable[..., Client], login: dict[str, Any], orders: bytes
) -> None:
    client = make_client(**login)
    file = client.get_output_file(28142)
    view = file.data

    def in_child() -> bool:
        files = [client.get_output_file(28142) for _ in range(3)]
        return all(file.data == orders for file in files) and view == orders

    for _ in range(5):
        assert exit_code_in_child(in_child) == 0
        assert client.get_output_file(28142).data == orders


def test_client_after_fork_with_busy_threads_works(client: Client, orders: bytes) -> None:
    # The child has only the thread that forked, while the others may hold locks.
    is_done = threading.Event()

    def download() -> None:
        while not is_done.is_set():
            client.get_output_file(28142)

    threads = [threading.Thread(target=download) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(20):
            assert exit_code_in_child(lambda: client.get_output_file(28142).data == orders) == 0
    finally:
        is_done.set()
        for thread in threads:
            thread.join()


def test_children_that_save_at_once_use_different_temporary_names(
    client: Client, tmp_path: Path
) -> None:
    # A fork copies the state of a random number generator.
    client.save_output_file(28142, tmp_path, file_name="first", flush_to_disk=False)
    for _ in range(150):
        barrier = multiprocessing.get_context("fork").Barrier(3)

        def save(name: str, barrier: Any = barrier) -> None:
            file = client.get_output_file(28142)
            barrier.wait()
            file.save(tmp_path, file_name=name, if_exists="replace", flush_to_disk=False)

        children = []
        for name in ("one", "two", "three"):
            child = os.fork()
            if child == 0:
                code = 1
                try:
                    save(name)
                    code = 0
                finally:
                    os._exit(code)
            children.append(child)
        statuses = [os.waitpid(child, 0)[1] for child in children]
        assert statuses == [0, 0, 0]
    assert len(list(tmp_path.iterdir())) == 4


def test_closed_client_after_fork_stays_closed(make_client: Callable[..., Client]) -> None:
    client = make_client()
    client.close()

    def in_child() -> bool:
        with pytest.raises(ValueError, match="closed"):
            client.get_output_file(28142)
        return True

    assert exit_code_in_child(in_child) == 0


def test_pickled_client_has_its_settings(make_client: Callable[..., Client]) -> None:
    client = make_client(max_file_size=2400)
    copy = pickle.loads(pickle.dumps(client))
    assert len(copy.get_output_file(28142)) == 2400
    assert setting("MOCK_SERVER_TOKEN") not in repr(copy)
    client.close()
    with pytest.raises(ValueError, match="closed"):
        pickle.dumps(client)
    with pytest.raises(TypeError):
        pickle.dumps(CancelToken())


def save(client: Client, directory: Path, job: int) -> Path:
    return client.save_output_file(job, directory).path


def check_record(record: RequestRecord) -> None:
    assert record.method in {"GET", "POST"}


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_client_in_process_pool_works(
    make_client: Callable[..., Client], login: dict[str, Any], tmp_path: Path, method: str
) -> None:
    client = make_client(**login, on_request=check_record)
    client.get_job(50003)
    context = multiprocessing.get_context(method)
    jobs = [28142, 28143, 28144, 28145]
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        calls = [pool.submit(save, client, tmp_path, job) for job in jobs]
        paths = [call.result() for call in calls]
        failed = pool.submit(save, client, tmp_path, 5).exception()
    assert [path.stat().st_size for path in paths] == [2400, 4239, 1955, 613]
    assert isinstance(failed, ServerError)
    assert failed.http_status == 500


@pytest.mark.parametrize("server", ["UNRESPONSIVE_SERVER", "SLOW_BODY_SERVER", "BUSY_SERVER"])
def test_exit_with_calls_on_daemon_threads_is_clean(server: str) -> None:
    program = (
        "import os, threading\n"
        "from sellercloud_output import Client, SellercloudError\n"
        f"client = Client(os.environ['{server}'], token='token', on_request=print)\n"
        "running = threading.Barrier(5)\n"
        "def call():\n"
        "    running.wait()\n"
        "    while True:\n"
        "        client.get_output_file(1, on_progress=lambda _: None)\n"
        "for _ in range(4):\n"
        "    threading.Thread(target=call, daemon=True).start()\n"
        "running.wait()\n"
        "try:\n"
        "    client.get_output_file(1, timeout=0.2)\n"
        "except SellercloudError:\n"
        "    pass\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    # The threads may print how their calls ended, but the interpreter must not abort.
    assert b"FATAL" not in done.stderr
