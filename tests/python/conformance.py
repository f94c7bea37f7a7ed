"""Makes the calls of a list (tests/conformance/README.md) and prints it with the results."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sellercloud_output import (
    CancelToken,
    Client,
    OutputFile,
    QueuedJob,
    SavedFile,
    SellercloudError,
    StorageError,
    WaitOptions,
    WrittenFile,
)

INITIAL_INTERVAL, MAX_INTERVAL, GRACE = 0.001, 0.005, 0.05
TEXTS = (
    "type",
    "company_name",
    "error_message",
    "submitted_on",
    "started_on",
    "completed_on",
    "output_file",
    "input_file",
)
NUMBERS = (
    "company_id",
    "priority",
    "total_records",
    "total_processed",
    "total_succeeded",
    "total_failed",
    "total_phases",
    "current_phase",
    "total_items_in_phase",
    "total_processed_in_phase",
)
# The numbers of the C header.
ENCODINGS: Any = {"401": "base64", "402": "raw", "403": "auto"}
IF_EXISTS: Any = {"501": "fail", "502": "replace", "503": "keep_both"}
FIRST_TEXT, FIRST_NUMBER = 201, 301

Record = dict[str, str]
Results = Iterator[tuple[str, object]]


def new_client(record: Record) -> Client:
    token = record.get("token")
    if token is None and "user_name" not in record and "no_token" not in record:
        token = os.environ["MOCK_SERVER_TOKEN"]
    server = None if "team" in record else record.get("server", os.environ["MOCK_SERVER"])
    max_file_size = record.get("max_file_size")
    ca = record.get("ca")
    return Client(
        server,
        team=record.get("team"),
        team_lookup_url=record.get("team_lookup_url"),
        token=token,
        user_name=record.get("user_name"),
        password=record.get("password"),
        body_encoding=ENCODINGS[record.get("body_encoding", "401")],
        max_file_size=None if max_file_size is None else int(max_file_size),
        allow_plain_http="allow_plain_http" in record,
        max_attempts=int(record.get("max_attempts", 1)),
        initial_backoff=0.001,
        max_backoff=0.01,
        retry_server_errors="retry_server_errors" in record,
        proxy=record.get("proxy"),
        user_agent_suffix=record.get("user_agent_suffix"),
        ca_certificates=None if ca is None else Path(ca),
    )


def job_results(job: QueuedJob) -> Results:
    yield "id", job.id
    yield "status", int(job.status)
    yield "status_name", job.status_name
    yield "is_final", int(job.is_final)
    for word, names, first in (("text", TEXTS, FIRST_TEXT), ("number", NUMBERS, FIRST_NUMBER)):
        for field, name in enumerate(names, first):
            value = getattr(job, name)
            if value is not None:
                yield f"{word} {field}", value


def file_results(file: OutputFile | WrittenFile, data: bytes, record: Record) -> Results:
    yield "name", file.name
    yield "is_fallback_name", int(file.is_fallback_name)
    if file.content_type is not None:
        yield "content_type", file.content_type
    yield "size", file.size
    if "sample" in record:
        is_equal = data == Path(record["sample"]).read_bytes()
        yield "bytes", "equal" if is_equal else "different"
    if isinstance(file, SavedFile):
        yield "path", file.path


def error_results(error: SellercloudError) -> Results:
    yield "kind", int(error.kind)
    yield "message", error
    if error.http_status is not None:
        yield "http_status", error.http_status
    yield "attempts", error.attempts
    yield "is_retryable", int(error.is_retryable)
    if error.retry_after is not None:
        yield "retry_after_ms", round(error.retry_after * 1000)
    if isinstance(error, StorageError) and error.errno is not None:
        yield "os_error", error.errno
    if error.job_id is not None:
        yield "job_id", error.job_id
    if error.job is not None:
        yield from job_results(error.job)
    for line in error.job_log:
        yield "job_log_line", line


def results_of(record: Record) -> Results:
    call, job = record["call"], record["job"]
    if call == "parse_job_id":
        yield "id", Client.parse_job_id(job)
        return
    number = int(job)
    options: dict[str, Any] = {}
    if "timeout" in record:
        options["timeout"] = int(record["timeout"]) / 1000
    if "cancelled" in record:
        options["cancel_token"] = CancelToken()
        options["cancel_token"].cancel()
    wait = WaitOptions(
        INITIAL_INTERVAL, MAX_INTERVAL, GRACE, fail_on_hold=record.get("fail_on_hold") != "0"
    )
    saving: dict[str, Any] = {
        "file_name": record.get("file_name"),
        "if_exists": IF_EXISTS[record.get("if_exists", "501")],
    }
    with new_client(record) as client:
        if call == "get_output_file":
            file = client.get_output_file(number, **options)
            yield from file_results(file, bytes(file), record)
        elif call == "output_file_save":
            saved = client.get_output_file(number, **options).save(record["directory"], **saving)
            yield from file_results(saved, saved.path.read_bytes(), record)
        elif call == "save_output_file":
            saved = client.save_output_file(number, record["directory"], **saving, **options)
            yield from file_results(saved, saved.path.read_bytes(), record)
        elif call == "write_output_file":
            writer = io.BytesIO()
            written = client.write_output_file(number, writer, **options)
            yield from file_results(written, writer.getvalue(), record)
        elif call == "get_job":
            yield from job_results(client.get_job(number, **options))
        elif call == "wait_for_job":
            yield from job_results(client.wait_for_job(number, wait=wait, **options))
        elif call == "wait_for_output_file":
            ended, file = client.wait_for_output_file(number, wait=wait, **options)
            yield from job_results(ended)
            yield from file_results(file, bytes(file), record)
        elif call == "wait_and_save_output_file":
            directory = record["directory"]
            options.update(saving, wait=wait)
            ended, saved = client.wait_and_save_output_file(number, directory, **options)
            yield from job_results(ended)
            yield from file_results(saved, saved.path.read_bytes(), record)
        elif call == "wait_and_write_output_file":
            writer = io.BytesIO()
            options.update(wait=wait)
            ended, written = client.wait_and_write_output_file(number, writer, **options)
            yield from job_results(ended)
            yield from file_results(written, writer.getvalue(), record)
        else:
            raise ValueError(f"no call {call}")


def main() -> None:
    texts = Path(sys.argv[1]).read_text(encoding="utf-8").rstrip("\n").split("\n\n")
    printed = []
    for text in texts:
        lines = [line for line in text.split("\n") if not line.startswith("> ")]
        record = dict(line.split(": ", 1) for line in lines)
        results: list[tuple[str, object]] = []
        try:
            results.extend(results_of(record))
        except SellercloudError as error:
            results = list(error_results(error))
        for name, value in results:
            lines.append(f"> {name}: {value}".replace("\r", "\\r").replace("\n", "\\n"))
        printed.append("\n".join(lines))
    sys.stdout.buffer.write(("\n\n".join(printed) + "\n").encode())


if __name__ == "__main__":
    main()
