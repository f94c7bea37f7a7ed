"""Queued jobs, and how far they are."""

from __future__ import annotations

import ctypes
import enum
from dataclasses import dataclass

from . import _declarations as c


class JobStatus(enum.IntEnum):
    """How far a job is, or how it ended."""

    UNKNOWN = -1
    SUBMITTED = c.SCO_JOB_SUBMITTED
    PROCESSING = c.SCO_JOB_PROCESSING
    COMPLETED = c.SCO_JOB_COMPLETED
    FAILED = c.SCO_JOB_ENDED_AS_FAILED
    PARTIAL_SUCCESS = c.SCO_JOB_PARTIAL_SUCCESS
    ON_HOLD = c.SCO_JOB_ON_HOLD
    CANCELLED = c.SCO_JOB_CANCELLED
    CANCELLED_SERVICE_RESTARTED = c.SCO_JOB_CANCELLED_SERVICE_RESTARTED
    ABORTED_TOO_MUCH_TIME_CONSUMED = c.SCO_JOB_ABORTED_TOO_MUCH_TIME_CONSUMED
    CANCELLED_WHILE_RUNNING = c.SCO_JOB_CANCELLED_WHILE_RUNNING


@dataclass(frozen=True)
class QueuedJob:
    """A queued job as the server told of it; None where it said nothing.

    status is a plain number where this version does not know it. The times are the
    server's own text, which may lack a time zone.
    """

    id: int
    status: JobStatus | int
    status_name: str
    is_final: bool
    type: str | None
    company_name: str | None
    error_message: str | None
    submitted_on: str | None
    started_on: str | None
    completed_on: str | None
    output_file: str | None
    input_file: str | None
    company_id: int | None
    priority: int | None
    total_records: int | None
    total_processed: int | None
    total_succeeded: int | None
    total_failed: int | None
    total_phases: int | None
    current_phase: int | None
    total_items_in_phase: int | None
    total_processed_in_phase: int | None


def queued_job(library: ctypes.CDLL, job: object) -> QueuedJob:
    """The job of a handle."""

    def text(field: int) -> str | None:
        value: bytes | None = library.sco_job_text(job, field)
        return None if value is None else value.decode()

    def number(field: int) -> int | None:
        value: int = library.sco_job_number(job, field)
        return None if value == -1 else value

    status: int = library.sco_job_status(job)
    return QueuedJob(
        id=library.sco_job_id(job),
        status=JobStatus(status) if status in set(JobStatus) else status,
        status_name=library.sco_job_status_name(job).decode(),
        is_final=bool(library.sco_job_is_final(job)),
        type=text(c.SCO_JOB_TYPE),
        company_name=text(c.SCO_JOB_COMPANY_NAME),
        error_message=text(c.SCO_JOB_ERROR_MESSAGE),
        submitted_on=text(c.SCO_JOB_SUBMITTED_ON),
        started_on=text(c.SCO_JOB_STARTED_ON),
        completed_on=text(c.SCO_JOB_COMPLETED_ON),
        output_file=text(c.SCO_JOB_OUTPUT_FILE),
        input_file=text(c.SCO_JOB_INPUT_FILE),
        company_id=number(c.SCO_JOB_COMPANY_ID),
        priority=number(c.SCO_JOB_PRIORITY),
        total_records=number(c.SCO_JOB_TOTAL_RECORDS),
        total_processed=number(c.SCO_JOB_TOTAL_PROCESSED),
        total_succeeded=number(c.SCO_JOB_TOTAL_SUCCEEDED),
        total_failed=number(c.SCO_JOB_TOTAL_FAILED),
        total_phases=number(c.SCO_JOB_TOTAL_PHASES),
        current_phase=number(c.SCO_JOB_CURRENT_PHASE),
        total_items_in_phase=number(c.SCO_JOB_TOTAL_ITEMS_IN_PHASE),
        total_processed_in_phase=number(c.SCO_JOB_TOTAL_PROCESSED_IN_PHASE),
    )
