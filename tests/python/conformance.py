"""Makes the calls of a list (tests/conformance/README.md) and prints it with the answers."""

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
    Wait,
    WrittenFile,
)

FIRST, LONGEST, GRACE = 0.001, 0.005, 0.05
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
ENCODINGS: Any = ("base64", "raw", "auto")
IF_EXISTS: Any = ("fail", "replace", "number")

Question = dict[str, str]
Answers = Iterator[tuple[str, object]]


def client_of(question: Question) -> Client:
    token = question.get("token")
    if token is None and "user" not in question and "no_token" not in question:
        token = os.environ["STAND_IN_TOKEN"]
    server = None if "team" in question else question.get("server", os.environ["STAND_IN"])
    max_size = question.get("max_size")
    ca = question.get("ca")
    return Client(
        server,
        team=question.get("team"),
        team_directory=question.get("team_directory"),
        token=token,
        user=question.get("user"),
        password=question.get("password"),
        body_encoding=ENCODINGS[int(question.get("body_encoding", 0))],
        max_size=None if max_size is None else int(max_size),
        allow_plain_http="allow_plain_http" in question,
        attempts=int(question.get("attempts", 1)),
        retry_base=0.001,
        retry_longest=0.01,
        retry_server_errors="retry_server_errors" in question,
        proxy=question.get("proxy"),
        ca_certificates=None if ca is None else Path(ca),
    )


def job_answers(job: QueuedJob) -> Answers:
    yield "id", job.id
    yield "status", int(job.status)
    yield "status_name", job.status_name
    yield "is_final", int(job.is_final)
    for word, names in (("text", TEXTS), ("number", NUMBERS)):
        for field, name in enumerate(names):
            value = getattr(job, name)
            if value is not None:
                yield f"{word} {field}", value


def file_answers(file: OutputFile | WrittenFile, data: bytes, question: Question) -> Answers:
    yield "name", file.name
    yield "name_is_made_up", int(file.name_is_made_up)
    if file.content_type is not None:
        yield "content_type", file.content_type
    yield "length", len(file) if isinstance(file, OutputFile) else file.size
    if "sample" in question:
        is_equal = data == Path(question["sample"]).read_bytes()
        yield "bytes", "equal" if is_equal else "different"
    if isinstance(file, SavedFile):
        yield "path", file.path


def error_answers(error: SellercloudError) -> Answers:
    yield "kind", int(error.kind)
    yield "message", error
    if error.http_status is not None:
        yield "http_status", error.http_status
    yield "attempts", error.attempts
    yield "retry_may_help", int(error.retry_may_help)
    if error.retry_after is not None:
        yield "retry_after_ms", round(error.retry_after * 1000)
    if isinstance(error, StorageError) and error.errno is not None:
        yield "os_error", error.errno
    if error.job is not None:
        yield from job_answers(error.job)
    for line in error.log_lines:
        yield "log_line", line


def answers(question: Question) -> Answers:
    call, job = question["call"], question["job"]
    if call == "job_id":
        yield "id", Client.job_id(job)
        return
    number = int(job)
    options: dict[str, Any] = {}
    if "timeout" in question:
        options["timeout"] = int(question["timeout"]) / 1000
    if "cancelled" in question:
        options["cancel"] = CancelToken()
        options["cancel"].cancel()
    wait = Wait(FIRST, LONGEST, GRACE, fail_on_hold=question.get("fail_on_hold") != "0")
    saving: dict[str, Any] = {
        "name": question.get("file_name"),
        "if_exists": IF_EXISTS[int(question.get("if_exists", 0))],
    }
    with client_of(question) as client:
        if call == "get_output_file":
            file = client.output_file(number, **options)
            yield from file_answers(file, bytes(file), question)
        elif call == "output_file_save":
            saved = client.output_file(number, **options).save(question["folder"], **saving)
            yield from file_answers(saved, saved.path.read_bytes(), question)
        elif call == "save_output_file":
            saved = client.save_output_file(number, question["folder"], **saving, **options)
            yield from file_answers(saved, saved.path.read_bytes(), question)
        elif call == "write_output_file":
            writer = io.BytesIO()
            written = client.write_output_file(number, writer, **options)
            yield from file_answers(written, writer.getvalue(), question)
        elif call == "get_job":
            yield from job_answers(client.job(number, **options))
        elif call == "wait_for_job":
            yield from job_answers(client.wait(number, wait=wait, **options))
        elif call == "wait_for_output_file":
            ended, file = client.wait_for_output_file(number, wait=wait, **options)
            yield from job_answers(ended)
            yield from file_answers(file, bytes(file), question)
        elif call == "wait_and_save_output_file":
            folder = question["folder"]
            options.update(saving, wait=wait)
            ended, saved = client.wait_and_save_output_file(number, folder, **options)
            yield from job_answers(ended)
            yield from file_answers(saved, saved.path.read_bytes(), question)
        elif call == "wait_and_write_output_file":
            writer = io.BytesIO()
            options.update(wait=wait)
            ended, written = client.wait_and_write_output_file(number, writer, **options)
            yield from job_answers(ended)
            yield from file_answers(written, writer.getvalue(), question)
        else:
            raise ValueError(f"no call {call}")


def main() -> None:
    records = Path(sys.argv[1]).read_text(encoding="utf-8").rstrip("\n").split("\n\n")
    told = []
    for record in records:
        lines = [line for line in record.split("\n") if not line.startswith("> ")]
        question = dict(line.split(": ", 1) for line in lines)
        given: list[tuple[str, object]] = []
        try:
            given.extend(answers(question))
        except SellercloudError as error:
            given = list(error_answers(error))
        for name, value in given:
            lines.append(f"> {name}: {value}".replace("\r", "\\r").replace("\n", "\\n"))
        told.append("\n".join(lines))
    sys.stdout.buffer.write(("\n\n".join(told) + "\n").encode())


if __name__ == "__main__":
    main()
