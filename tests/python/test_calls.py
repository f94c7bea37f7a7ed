"""Tests of logins, jobs, limits, callbacks and threads."""

from __future__ import annotations

import io
import math
import pickle
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Callable

import pytest
from conftest import setting
from sellercloud_output import (
    CallCancelledError,
    CancelToken,
    Client,
    InvalidArgumentError,
    JobFailedError,
    JobStatus,
    Progress,
    RequestRecord,
    ServerError,
    StorageError,
    TimedOutError,
    TlsError,
    WaitOptions,
)

QUICK = WaitOptions(initial_interval=0.001, max_interval=0.005)


class OwnError(Exception):
    """An exception that a test's callback raises."""


def test_wait_for_job_succeeded_returns_job_and_file(
    make_client: Callable[..., Client], login: dict[str, Any]
) -> None:
    client = make_client(**login)
    job, file = client.wait_for_output_file(50001, wait=QUICK)
    assert job.id == 50001
    assert job.status is JobStatus.COMPLETED
    assert job.is_final
    assert job.company_name == "Acme"
    assert job.started_on is None
    assert job.total_records == 10
    assert len(file) == 2400
    assert client.wait_for_job(50003, wait=QUICK).status_name == "PartialSuccess"
    assert client.get_job(50003).status is JobStatus.PARTIAL_SUCCESS


def test_job_as_number_id_text_or_link_is_accepted(client: Client) -> None:
    link = "/queued-jobs/queued-job-details.aspx?id=28142"
    assert Client.parse_job_id(link) == 28142
    for job in (28142, "28142", link):
        assert len(client.get_output_file(job)) == 2400


def test_team_server_is_looked_up(login: dict[str, Any]) -> None:
    url = setting("MOCK_SERVER_TEAM_LOOKUP_URL")
    client = Client(team=setting("MOCK_SERVER_TEAM"), team_lookup_url=url, **login)
    assert len(client.get_output_file(28142)) == 2400
    assert repr(client) == f"<Client team={setting('MOCK_SERVER_TEAM')!r}>"


def test_certificates_as_text_bytes_or_file_are_accepted(
    make_client: Callable[..., Client],
) -> None:
    path = Path(setting("MOCK_SERVER_CERTIFICATES")) / "ca.pem"
    for pem in (path, path.read_bytes(), path.read_text()):
        assert len(make_client("TLS_SERVER", ca_certificates=pem).get_output_file(28142)) == 2400
    own = path.with_name("client.pem")
    shown = {"client_certificate": own, "client_key": own}
    known = make_client("TLS_SERVER_WITH_CLIENT_CERTIFICATES", ca_certificates=path, **shown)
    assert len(known.get_output_file(28142)) == 2400
    unknown = make_client(
        "TLS_SERVER_WITH_CLIENT_CERTIFICATES", ca_certificates=path, max_attempts=1
    )
    with pytest.raises(TlsError):
        unknown.get_output_file(28142)


def test_proxy_reaches_server(make_client: Callable[..., Client]) -> None:
    client = make_client("PROXIED_SERVER", proxy=setting("PROXY"), allow_plain_http=True)
    assert len(client.get_output_file(28142)) == 2400


def test_user_agent_suffix_is_sent(make_client: Callable[..., Client]) -> None:
    # The server knows job 60006 only with this suffix.
    client = make_client(user_agent_suffix="nightly-export/2.1 (warehouse 7)")
    assert len(client.get_output_file(60006)) == 2400
    copy = pickle.loads(pickle.dumps(client))
    assert len(copy.get_output_file(60006)) == 2400
    with pytest.raises(ServerError):
        make_client(user_agent_suffix="another/1").get_output_file(60006)


@pytest.mark.parametrize(
    "suffix",
    ["", " ", " a", "a ", "a\r\nX-Injected: 1", "a\0", "a\tb", "caf\xe9", "\udce9", "x" * 129],
)
def test_user_agent_suffix_that_cannot_be_sent_is_rejected(
    make_client: Callable[..., Client], suffix: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=r"^user_agent_suffix "):
        make_client(user_agent_suffix=suffix)


def test_token_provider_exception_is_raised_and_rejected_token_is_renewed(
    make_client: Callable[..., Client],
) -> None:
    renewals: list[bool] = []

    def provide(renew: bool) -> str:
        renewals.append(renew)
        if len(renewals) == 1:
            raise OwnError
        return setting("MOCK_SERVER_TOKEN") if renew else "another-token"

    client = make_client(token_provider=provide)
    with pytest.raises(OwnError):
        client.get_output_file(28142)
    assert len(client.get_output_file(28142)) == 2400
    assert renewals == [False, False, True]


def test_on_request_receives_record_of_request(make_client: Callable[..., Client]) -> None:
    records: list[RequestRecord] = []
    make_client(on_request=records.append).get_output_file(28142)
    (record,) = records
    assert record.method == "GET"
    assert record.url.endswith("/28142")
    assert (record.http_status, record.error, record.bytes_received, record.attempt) == (
        200,
        None,
        3200,
        1,
    )
    assert 0 < record.duration < 60


def test_on_progress_receives_all_bytes(client: Client) -> None:
    reports: list[Progress] = []
    client.get_output_file(28142, on_progress=reports.append)
    assert reports[-1] == Progress(bytes_received=3200, total_bytes=3200, attempt=1)


def test_callback_exception_is_raised_by_call(
    make_client: Callable[..., Client], tmp_path: Path
) -> None:
    def fail(_: object) -> None:
        raise OwnError

    client = make_client()
    with pytest.raises(OwnError) as caught:
        client.get_output_file(28142, on_progress=fail)
    assert caught.traceback[-1].name == "fail"
    with pytest.raises(OwnError):
        client.save_output_file(28142, tmp_path, on_progress=fail)
    assert list(tmp_path.iterdir()) == []
    assert len(client.get_output_file(28142)) == 2400


def test_on_request_exception_is_logged_once_and_fails_no_call(
    make_client: Callable[..., Client],
    login: dict[str, Any],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(record: RequestRecord) -> None:
        requests.append(record.attempt)
        raise OwnError

    requests: list[int] = []
    client = make_client(on_request=fail, **login)
    assert len(client.get_output_file(28142)) == 2400
    # The server sends two responses of 503 before the file.
    assert client.save_output_file(40001, tmp_path).size == 2400
    assert client.wait_for_output_file(50003, wait=QUICK)[0].is_final
    with pytest.raises(ServerError):
        client.get_output_file(5)
    assert len(requests) >= 8
    (report,) = caplog.records
    assert report.name == "sellercloud_output"
    assert report.exc_info is not None
    assert report.exc_info[0] is OwnError
    # Each client logs its first exception.
    make_client(on_request=fail).get_output_file(28142)
    assert len(caplog.records) == 2


def test_on_request_system_exit_is_raised_by_call(make_client: Callable[..., Client]) -> None:
    with pytest.raises(SystemExit):
        make_client(on_request=lambda _: sys.exit(3)).get_output_file(28142)


def test_wait_for_job_on_hold_fails_unless_disabled(client: Client) -> None:
    with pytest.raises(JobFailedError) as caught:
        client.wait_for_job(50009, wait=QUICK, timeout=60)
    assert caught.value.job is not None
    assert caught.value.job.status is JobStatus.ON_HOLD
    with pytest.raises(TimedOutError, match="still OnHold"):
        client.wait_for_job(
            50009,
            wait=WaitOptions(initial_interval=0.001, max_interval=0.1, fail_on_hold=False),
            timeout=0.3,
        )


@pytest.mark.parametrize(("enabled", "attempts"), [(False, 1), (True, 3)])
def test_server_error_with_retries_enabled_is_retried(
    make_client: Callable[..., Client], enabled: bool, attempts: int
) -> None:
    with pytest.raises(ServerError) as caught:
        make_client(max_attempts=3, retry_server_errors=enabled).get_output_file(40007)
    assert caught.value.attempts == attempts


def test_wait_and_save_or_write_saves_or_writes_file(
    client: Client, tmp_path: Path, orders: bytes
) -> None:
    job, saved = client.wait_and_save_output_file(50003, tmp_path, file_name="a.csv", wait=QUICK)
    assert job.status is JobStatus.PARTIAL_SUCCESS
    assert saved.path == tmp_path / "a.csv"
    assert saved.path.read_bytes() == orders
    writer = io.BytesIO()
    job, written = client.wait_and_write_output_file(50003, writer, wait=QUICK)
    assert job.id == 50003
    assert written.size == 2400
    assert writer.getvalue() == orders


def test_wait_and_save_invalid_destination_fails_before_wait(
    client: Client, tmp_path: Path
) -> None:
    # Job 50004 never ends.
    with pytest.raises(StorageError, match="nowhere"):
        client.wait_and_save_output_file(50004, tmp_path / "nowhere", timeout=60)
    (tmp_path / "taken.csv").touch()
    with pytest.raises(StorageError, match="already exists"):
        client.wait_and_save_output_file(50004, tmp_path, file_name="taken.csv", timeout=60)
    with pytest.raises(InvalidArgumentError):
        client.wait_and_save_output_file(50004, tmp_path, file_name="a/b", timeout=60)
    with pytest.raises(InvalidArgumentError):
        client.wait_and_save_output_file(50004, "", timeout=60)


@pytest.mark.parametrize("no_limit", [None, math.inf])
def test_timeout_none_or_infinity_is_no_limit(
    make_client: Callable[..., Client], no_limit: float | None
) -> None:
    limits = ("connect_timeout", "stall_timeout", "call_timeout")
    client = make_client(**dict.fromkeys(limits, no_limit))
    assert len(client.get_output_file(28142, timeout=no_limit)) == 2400


def test_callback_that_makes_calls_succeeds(client: Client) -> None:
    sizes: list[int] = []

    def call(_: Progress) -> None:
        sizes.append(len(client.get_output_file(28143)))
        with pytest.raises(ServerError):
            client.get_output_file(5)

    assert len(client.get_output_file(28142, on_progress=call)) == 2400
    assert set(sizes) == {4239}


def test_cancel_from_another_thread_ends_call(make_client: Callable[..., Client]) -> None:
    client = make_client("STALLED_BODY_SERVER")
    token = CancelToken()
    cancelled_at: list[float] = []

    def cancel() -> None:
        cancelled_at.append(time.monotonic())
        token.cancel()

    def start_canceller(_: Progress) -> None:
        if not threads:
            threads.append(threading.Thread(target=cancel))
            threads[0].start()

    threads: list[threading.Thread] = []
    with pytest.raises(CallCancelledError):
        client.get_output_file(1, cancel_token=token, on_progress=start_canceller)
    assert time.monotonic() - cancelled_at[0] < 0.25
    threads[0].join()
    assert token.is_cancelled
    with pytest.raises(CallCancelledError):
        client.get_job(1, cancel_token=token)


def test_calls_on_several_threads_run_in_parallel(make_client: Callable[..., Client]) -> None:
    # Each call waits in its callback until all calls are in theirs.
    client = make_client("STALLED_BODY_SERVER")
    all_are_running = threading.Barrier(8)
    token = CancelToken()

    def meet(_: Progress) -> None:
        all_are_running.wait(timeout=20)
        token.cancel()

    def call() -> None:
        with pytest.raises(CallCancelledError):
            client.get_output_file(1, cancel_token=token, on_progress=meet)

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(call) for _ in range(8)]:
            done.result()


def test_client_shared_by_threads_logs_in_once(
    make_client: Callable[..., Client], login: dict[str, Any], orders: bytes
) -> None:
    records: list[RequestRecord] = []
    client = make_client(**login, on_request=records.append)
    with ThreadPoolExecutor(8) as pool:
        files = list(pool.map(client.get_output_file, [28142] * 40))
    assert all(file.data == orders for file in files)
    assert len([record for record in records if record.method == "POST"]) == 1


def test_close_during_call_lets_call_finish_and_rejects_later_calls(
    make_client: Callable[..., Client],
) -> None:
    with make_client() as client:
        sizes: list[int] = []

        def close(_: Progress) -> None:
            client.close()

        sizes.append(len(client.get_output_file(28142, on_progress=close)))
        assert sizes == [2400]
        with pytest.raises(ValueError, match="the client is closed"):
            client.get_output_file(28142)


def memory_and_files() -> tuple[int, int]:
    """Returns the resident memory in KiB and the number of open files."""
    status = Path("/proc/self/status").read_text()
    resident = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
    return int(resident), len(list(Path("/proc/self/fd").iterdir()))


def test_ten_thousand_calls_leak_neither_memory_nor_files(client: Client, tmp_path: Path) -> None:
    def calls(rounds: int) -> None:
        for _ in range(rounds):
            assert len(client.get_output_file(28142)) == 2400
            client.save_output_file(28143, tmp_path, if_exists="replace", flush_to_disk=False)
            with pytest.raises(ServerError):
                client.get_output_file(5, on_progress=lambda _: None)
            with open("/dev/null", "wb") as null:
                client.write_output_file(28142, null)
            client.get_job(50003)

    calls(400)
    memory, files = memory_and_files()
    calls(1600)
    memory_now, files_now = memory_and_files()
    print(f"after 2,000 calls {memory} KiB, {files} files; after 10,000 {memory_now}, {files_now}")
    assert files_now == files
    # A leak of 150 bytes per call would exceed this.
    assert memory_now - memory < 1200
