"""Logins, jobs, limits, callbacks and threads."""

from __future__ import annotations

import io
import math
import sys
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
    InvalidArgument,
    JobFailed,
    JobStatus,
    Progress,
    RequestRecord,
    ServerError,
    StorageError,
    TimedOut,
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
    client = make_client("PROXIED_SERVER", proxy=setting("PROXY"), allow_plain_http=True)
    assert len(client.output_file(28142)) == 2400


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


def test_log_callback_that_raises_fails_no_call(
    make_client: Callable[..., Client],
    login: dict[str, Any],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(record: RequestRecord) -> None:
        requests.append(record.attempt)
        raise OwnError

    requests: list[int] = []
    client = make_client(log=fail, **login)
    assert len(client.output_file(28142)) == 2400
    # Two responses of 503, and then the file.
    assert client.save_output_file(40001, tmp_path).size == 2400
    assert client.wait_for_output_file(50003, wait=QUICK)[0].is_final
    with pytest.raises(ServerError):
        client.output_file(5)
    assert len(requests) >= 8
    (report,) = caplog.records
    assert report.name == "sellercloud_output"
    assert report.exc_info is not None
    assert report.exc_info[0] is OwnError
    # Once for each client.
    make_client(log=fail).output_file(28142)
    assert len(caplog.records) == 2


def test_log_callback_that_exits_ends_the_call(make_client: Callable[..., Client]) -> None:
    with pytest.raises(SystemExit):
        make_client(log=lambda _: sys.exit(3)).output_file(28142)


def test_wait_for_job_on_hold_fails_unless_told_to_wait(client: Client) -> None:
    with pytest.raises(JobFailed) as caught:
        client.wait(50009, wait=QUICK, timeout=60)
    assert caught.value.job is not None
    assert caught.value.job.status is JobStatus.ON_HOLD
    with pytest.raises(TimedOut, match="still OnHold"):
        client.wait(50009, wait=Wait(first=0.001, longest=0.1, fail_on_hold=False), timeout=0.3)


@pytest.mark.parametrize(("enabled", "attempts"), [(False, 1), (True, 3)])
def test_server_error_is_retried_if_enabled(
    make_client: Callable[..., Client], enabled: bool, attempts: int
) -> None:
    with pytest.raises(ServerError) as caught:
        make_client(attempts=3, retry_server_errors=enabled).output_file(40007)
    assert caught.value.attempts == attempts


def test_output_file_is_saved_or_written_after_the_wait(
    client: Client, tmp_path: Path, orders: bytes
) -> None:
    job, saved = client.wait_and_save_output_file(50003, tmp_path, name="a.csv", wait=QUICK)
    assert job.status is JobStatus.PARTIAL_SUCCESS
    assert saved.path == tmp_path / "a.csv"
    assert saved.path.read_bytes() == orders
    writer = io.BytesIO()
    job, written = client.wait_and_write_output_file(50003, writer, wait=QUICK)
    assert job.id == 50003
    assert written.size == 2400
    assert writer.getvalue() == orders


def test_wait_and_save_checks_before_the_wait(client: Client, tmp_path: Path) -> None:
    """This job does not end."""
    with pytest.raises(StorageError, match="nowhere"):
        client.wait_and_save_output_file(50004, tmp_path / "nowhere", timeout=60)
    (tmp_path / "taken.csv").touch()
    with pytest.raises(StorageError, match="is there already"):
        client.wait_and_save_output_file(50004, tmp_path, name="taken.csv", timeout=60)
    with pytest.raises(InvalidArgument):
        client.wait_and_save_output_file(50004, tmp_path, name="a/b", timeout=60)
    with pytest.raises(InvalidArgument):
        client.wait_and_save_output_file(50004, "", timeout=60)


@pytest.mark.parametrize("no_limit", [None, math.inf])
def test_no_limit_is_none_or_infinity(
    make_client: Callable[..., Client], no_limit: float | None
) -> None:
    limits = ("connect_timeout", "stall_timeout", "call_timeout")
    client = make_client(**dict.fromkeys(limits, no_limit))
    assert len(client.output_file(28142, timeout=no_limit)) == 2400


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
