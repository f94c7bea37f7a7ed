"""Logins, jobs, limits, callbacks and threads."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Callable

import pytest
from conftest import setting
from sellercloud_output import (
    Cancelled,
    CancelToken,
    Client,
    JobStatus,
    Progress,
    RequestRecord,
    ServerError,
    TlsError,
    Wait,
)

QUICK = Wait(first=0.001, longest=0.005)


class OwnError(Exception):
    """Of this test."""


def test_jobs_are_waited_for(make_client: Callable[..., Client], login: dict[str, Any]) -> None:
    client = make_client(**login)
    job, file = client.wait_for_output_file(50001, wait=QUICK)
    assert job.id == 50001
    assert job.status is JobStatus.COMPLETED
    assert job.is_final
    assert job.company_name == "Acme"
    assert job.started_on is None
    assert job.total_records == 10
    assert len(file) == 2400
    assert client.wait(50003, wait=QUICK).status_name == "PartialSuccess"
    assert client.job(50003).status is JobStatus.PARTIAL_SUCCESS


def test_a_job_is_a_number_or_text(client: Client) -> None:
    link = "/queued-jobs/queued-job-details.aspx?id=28142"
    assert Client.job_id(link) == 28142
    for job in (28142, "28142", link):
        assert len(client.output_file(job)) == 2400


def test_a_team_is_looked_up(login: dict[str, Any]) -> None:
    directory = setting("STAND_IN_DIRECTORY")
    client = Client(team=setting("STAND_IN_TEAM"), team_directory=directory, **login)
    assert len(client.output_file(28142)) == 2400
    assert repr(client) == f"<Client team={setting('STAND_IN_TEAM')!r}>"


def test_certificates_are_text_bytes_or_files(make_client: Callable[..., Client]) -> None:
    path = Path(setting("STAND_IN_FOLDER")) / "ca.pem"
    for pem in (path, path.read_bytes(), path.read_text()):
        assert len(make_client("TLS_SERVER", ca_certificates=pem).output_file(28142)) == 2400
    own = path.with_name("client.pem")
    shown = {"client_certificate": own, "client_key": own}
    known = make_client("TLS_SERVER_FOR_KNOWN_CLIENTS", ca_certificates=path, **shown)
    assert len(known.output_file(28142)) == 2400
    unknown = make_client("TLS_SERVER_FOR_KNOWN_CLIENTS", ca_certificates=path, attempts=1)
    with pytest.raises(TlsError):
        unknown.output_file(28142)


def test_a_proxy_is_used(make_client: Callable[..., Client]) -> None:
    assert len(make_client(proxy=setting("PROXY")).output_file(28142)) == 2400


def test_a_token_source_gives_the_token(make_client: Callable[..., Client]) -> None:
    asked: list[bool] = []

    def source(renew: bool) -> str:
        asked.append(renew)
        if len(asked) == 1:
            raise OwnError
        return setting("STAND_IN_TOKEN") if renew else "another-token"

    client = make_client(token_source=source)
    with pytest.raises(OwnError):
        client.output_file(28142)
    assert len(client.output_file(28142)) == 2400
    assert asked == [False, False, True]


def test_requests_are_logged(make_client: Callable[..., Client]) -> None:
    records: list[RequestRecord] = []
    make_client(log=records.append).output_file(28142)
    (record,) = records
    assert record.method == "GET"
    assert record.url.endswith("/28142")
    assert (record.status, record.error, record.size, record.attempt) == (200, None, 3200, 1)
    assert 0 < record.seconds < 60


def test_progress_is_told(client: Client) -> None:
    told: list[Progress] = []
    client.output_file(28142, progress=told.append)
    assert told[-1] == Progress(received=3200, total=3200, attempt=1)


def test_what_a_callback_raises_is_raised_by_the_call(
    make_client: Callable[..., Client], tmp_path: Path
) -> None:
    def fail(_: object) -> None:
        raise OwnError

    client = make_client()
    with pytest.raises(OwnError) as caught:
        client.output_file(28142, progress=fail)
    assert caught.traceback[-1].name == "fail"
    with pytest.raises(OwnError):
        client.save_output_file(28142, tmp_path, progress=fail)
    assert list(tmp_path.iterdir()) == []
    assert len(client.output_file(28142)) == 2400
    with pytest.raises(OwnError):
        make_client(log=fail).output_file(28142)


def test_a_callback_may_make_calls_of_its_own(client: Client) -> None:
    sizes: list[int] = []

    def call(_: Progress) -> None:
        sizes.append(len(client.output_file(28143)))
        with pytest.raises(ServerError):
            client.output_file(5)

    assert len(client.output_file(28142, progress=call)) == 2400
    assert set(sizes) == {4239}


def test_a_call_is_cancelled_from_another_thread(make_client: Callable[..., Client]) -> None:
    client = make_client("SILENT_BODY")
    cancel = CancelToken()
    pulled: list[float] = []

    def pull() -> None:
        pulled.append(time.monotonic())
        cancel.cancel()

    def begun(_: Progress) -> None:
        if not threads:
            threads.append(threading.Thread(target=pull))
            threads[0].start()

    threads: list[threading.Thread] = []
    with pytest.raises(Cancelled):
        client.output_file(1, cancel=cancel, progress=begun)
    assert time.monotonic() - pulled[0] < 0.25
    threads[0].join()
    assert cancel.is_cancelled
    with pytest.raises(Cancelled):
        client.job(1, cancel=cancel)


def test_calls_of_threads_run_in_parallel(make_client: Callable[..., Client]) -> None:
    """Each waits, within its call, until all are within theirs."""
    client = make_client("SILENT_BODY")
    all_are_there = threading.Barrier(8)
    cancel = CancelToken()

    def meet(_: Progress) -> None:
        all_are_there.wait(timeout=20)
        cancel.cancel()

    def call() -> None:
        with pytest.raises(Cancelled):
            client.output_file(1, cancel=cancel, progress=meet)

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(call) for _ in range(8)]:
            done.result()


def test_many_threads_share_a_client(
    make_client: Callable[..., Client], login: dict[str, Any], orders: bytes
) -> None:
    records: list[RequestRecord] = []
    client = make_client(**login, log=records.append)
    with ThreadPoolExecutor(8) as pool:
        files = list(pool.map(client.output_file, [28142] * 40))
    assert all(file.data == orders for file in files)
    assert len([record for record in records if record.method == "POST"]) == 1


def test_a_closed_client_says_so_but_ends_its_calls(make_client: Callable[..., Client]) -> None:
    with make_client() as client:
        sizes: list[int] = []

        def close(_: Progress) -> None:
            client.close()

        sizes.append(len(client.output_file(28142, progress=close)))
        assert sizes == [2400]
        with pytest.raises(ValueError, match="the client is closed"):
            client.output_file(28142)


def memory_and_files() -> tuple[int, int]:
    """Resident memory in KiB, and how many files are open."""
    status = Path("/proc/self/status").read_text()
    resident = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
    return int(resident), len(list(Path("/proc/self/fd").iterdir()))


def test_ten_thousand_calls_need_no_more_than_two_thousand(client: Client, tmp_path: Path) -> None:
    def calls(rounds: int) -> None:
        for _ in range(rounds):
            assert len(client.output_file(28142)) == 2400
            client.save_output_file(28143, tmp_path, if_exists="replace", sync=False)
            with pytest.raises(ServerError):
                client.output_file(5, progress=lambda _: None)
            with open("/dev/null", "wb") as null:
                client.write_output_file(28142, null)
            client.job(50003)

    calls(400)
    memory, files = memory_and_files()
    calls(1600)
    memory_now, files_now = memory_and_files()
    print(f"after 2,000 calls {memory} KiB, {files} files; after 10,000 {memory_now}, {files_now}")
    assert files_now == files
    # A leak of but 150 bytes a call would be more.
    assert memory_now - memory < 1200
