"""Forks, pickles and pools of processes."""

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
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if body() else 2
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_client_survives_a_fork(
    make_client: Callable[..., Client], login: dict[str, Any], orders: bytes
) -> None:
    client = make_client(**login)
    file = client.output_file(28142)
    view = file.data

    def in_child() -> bool:
        files = [client.output_file(28142) for _ in range(3)]
        return all(file.data == orders for file in files) and view == orders

    for _ in range(5):
        assert exit_code_in_child(in_child) == 0
        assert client.output_file(28142).data == orders


def test_a_fork_among_busy_threads(client: Client, orders: bytes) -> None:
    """A child has only the thread that forked, whatever the others had locked."""
    is_done = threading.Event()

    def fetch() -> None:
        while not is_done.is_set():
            client.output_file(28142)

    threads = [threading.Thread(target=fetch) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(20):
            assert exit_code_in_child(lambda: client.output_file(28142).data == orders) == 0
    finally:
        is_done.set()
        for thread in threads:
            thread.join()


def test_children_that_save_at_once_leave_each_other_alone(client: Client, tmp_path: Path) -> None:
    """A fork copies what random names are made from."""
    client.save_output_file(28142, tmp_path, name="first", sync=False)
    for _ in range(150):
        barrier = multiprocessing.get_context("fork").Barrier(3)

        def save(name: str, barrier: Any = barrier) -> None:
            file = client.output_file(28142)
            barrier.wait()
            file.save(tmp_path, name=name, if_exists="replace", sync=False)

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


def test_a_client_that_is_closed_stays_so_in_a_child(make_client: Callable[..., Client]) -> None:
    client = make_client()
    client.close()

    def in_child() -> bool:
        with pytest.raises(ValueError, match="closed"):
            client.output_file(28142)
        return True

    assert exit_code_in_child(in_child) == 0


def test_a_client_is_pickled_as_its_settings(make_client: Callable[..., Client]) -> None:
    client = make_client(max_size=2400)
    copy = pickle.loads(pickle.dumps(client))
    assert len(copy.output_file(28142)) == 2400
    assert setting("STAND_IN_TOKEN") not in repr(copy)
    client.close()
    with pytest.raises(ValueError, match="closed"):
        pickle.dumps(client)
    with pytest.raises(TypeError):
        pickle.dumps(CancelToken())


def save(client: Client, folder: Path, job: int) -> Path:
    return client.save_output_file(job, folder).path


def log(record: RequestRecord) -> None:
    assert record.method in {"GET", "POST"}


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_works_in_a_pool_of_processes(
    make_client: Callable[..., Client], login: dict[str, Any], tmp_path: Path, method: str
) -> None:
    client = make_client(**login, log=log)
    client.job(50003)
    context = multiprocessing.get_context(method)
    jobs = [28142, 28143, 28144, 28145]
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        calls = [pool.submit(save, client, tmp_path, job) for job in jobs]
        paths = [call.result() for call in calls]
        failed = pool.submit(save, client, tmp_path, 5).exception()
    assert [path.stat().st_size for path in paths] == [2400, 4239, 1955, 613]
    assert isinstance(failed, ServerError)
    assert failed.http_status == 500


@pytest.mark.parametrize("server", ["SILENT_SERVER", "DRIPPING_SERVER", "BUSY_SERVER"])
def test_a_process_ends_while_daemon_threads_make_calls(server: str) -> None:
    program = (
        "import os, threading\n"
        "from sellercloud_output import Client, SellercloudError\n"
        f"client = Client(os.environ['{server}'], token='token', log=print)\n"
        "begun = threading.Barrier(5)\n"
        "def call():\n"
        "    begun.wait()\n"
        "    while True:\n"
        "        client.output_file(1, progress=lambda _: None)\n"
        "for _ in range(4):\n"
        "    threading.Thread(target=call, daemon=True).start()\n"
        "begun.wait()\n"
        "try:\n"
        "    client.output_file(1, timeout=0.2)\n"
        "except SellercloudError:\n"
        "    pass\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    # What ends the threads is their own affair.
    assert b"FATAL" not in done.stderr
