"""Queued jobs and their statuses."""

from __future__ import annotations

import ctypes
import enum
from dataclasses import dataclass

from . import _declarations as c


class JobStatus(enum.IntEnum):
    """The status of a queued job. The numbers are the server's."""

    UNKNOWN = c.SCO_JOB_STATUS_UNKNOWN
    """This version does not know the status; `QueuedJob.status_name` has the server's text."""

    SUBMITTED = c.SCO_JOB_STATUS_SUBMITTED
    """The job waits in the queue."""

    PROCESSING = c.SCO_JOB_STATUS_PROCESSING
    """The job is running."""

    COMPLETED = c.SCO_JOB_STATUS_COMPLETED
    """The job succeeded."""

    FAILED = c.SCO_JOB_STATUS_FAILED
    """The job failed."""

    PARTIAL_SUCCESS = c.SCO_JOB_STATUS_PARTIAL_SUCCESS
    """The job succeeded for some of its records; there is an output file."""

    ON_HOLD = c.SCO_JOB_STATUS_ON_HOLD
    """The job is on hold until a user releases it."""

    CANCELLED = c.SCO_JOB_STATUS_CANCELLED
    """A user cancelled the job before it ran."""

    CANCELLED_SERVICE_RESTARTED = c.SCO_JOB_STATUS_CANCELLED_SERVICE_RESTARTED
    """The server cancelled the job when it restarted."""

    ABORTED_TOO_MUCH_TIME_CONSUMED = c.SCO_JOB_STATUS_ABORTED_TOO_MUCH_TIME_CONSUMED
    """The server aborted the job because it took too long."""

    CANCELLED_WHILE_RUNNING = c.SCO_JOB_STATUS_CANCELLED_WHILE_RUNNING
    """A user cancelled the job while it ran."""


@dataclass(frozen=True)
class QueuedJob:
    """A queued job as the server describes it.

    An attribute is None if the server did not send it. Times are the server's own text,
    which may lack a time zone.
    """

    id: int
    """The job's id."""

    status: JobStatus
    """The job's status; `JobStatus.UNKNOWN` for one that this version does not know."""

    status_name: str
    """The status in the server's words, such as "PartialSuccess"."""

    is_final: bool
    """Whether the job has ended, with or without success."""

    type: str | None
    """The type of the job, in the server's words."""

    company_name: str | None
    """The name of the company that the job belongs to."""

    error_message: str | None
    """Why the job failed, in the server's words."""

    submitted_on: str | None
    """When the job was submitted."""

    started_on: str | None
    """When the job started to run."""

    completed_on: str | None
    """When the job ended."""

    output_file: str | None
    """The name of the job's output file on the server, once there is one."""

    input_file: str | None
    """The name of the job's input file on the server."""

    company_id: int | None
    """The id of the company that the job belongs to."""

    priority: int | None
    """The job's priority, from 0 to 3."""

    total_records: int | None
    """The number of records to process."""

    total_processed: int | None
    """The number of records processed so far."""

    total_succeeded: int | None
    """The number of records processed with success."""

    total_failed: int | None
    """The number of records that failed."""

    total_phases: int | None
    """The number of phases of the job."""

    current_phase: int | None
    """The number of the current phase."""

    total_items_in_phase: int | None
    """The number of items in the current phase."""

    total_processed_in_phase: int | None
    """The number of items in the current phase that were processed so far."""


def queued_job(library: ctypes.CDLL, job: object) -> QueuedJob:
    """Copies the job out of a native handle.

    Args:
        library: The native library.
        job: The handle, which the caller keeps.

    Returns:
        The job.
    """

    def text(field: int) -> str | None:
        value: bytes | None = library.sco_job_text(job, field)
        return None if value is None else value.decode()

    def number(field: int) -> int | None:
        value: int = library.sco_job_number(job, field)
        return None if value == -1 else value

    return QueuedJob(
        id=library.sco_job_id(job),
        status=JobStatus(library.sco_job_status(job)),
        status_name=library.sco_job_status_name(job).decode(),
        is_final=bool(library.sco_job_is_final(job)),
        type=text(c.SCO_JOB_TEXT_TYPE),
        company_name=text(c.SCO_JOB_TEXT_COMPANY_NAME),
        error_message=text(c.SCO_JOB_TEXT_ERROR_MESSAGE),
        submitted_on=text(c.SCO_JOB_TEXT_SUBMITTED_ON),
        started_on=text(c.SCO_JOB_TEXT_STARTED_ON),
        completed_on=text(c.SCO_JOB_TEXT_COMPLETED_ON),
        output_file=text(c.SCO_JOB_TEXT_OUTPUT_FILE),
        input_file=text(c.SCO_JOB_TEXT_INPUT_FILE),
        company_id=number(c.SCO_JOB_NUMBER_COMPANY_ID),
        priority=number(c.SCO_JOB_NUMBER_PRIORITY),
        total_records=number(c.SCO_JOB_NUMBER_TOTAL_RECORDS),
        total_processed=number(c.SCO_JOB_NUMBER_TOTAL_PROCESSED),
        total_succeeded=number(c.SCO_JOB_NUMBER_TOTAL_SUCCEEDED),
        total_failed=number(c.SCO_JOB_NUMBER_TOTAL_FAILED),
        total_phases=number(c.SCO_JOB_NUMBER_TOTAL_PHASES),
        current_phase=number(c.SCO_JOB_NUMBER_CURRENT_PHASE),
        total_items_in_phase=number(c.SCO_JOB_NUMBER_TOTAL_ITEMS_IN_PHASE),
        total_processed_in_phase=number(c.SCO_JOB_NUMBER_TOTAL_PROCESSED_IN_PHASE),
    )
