"""The C interface as ctypes has it. Written by write_declarations.py: do not edit."""

from __future__ import annotations

import ctypes
from ctypes import (
    CFUNCTYPE,
    POINTER,
    Structure,
    c_char_p,
    c_double,
    c_int32,
    c_int64,
    c_size_t,
    c_uint32,
    c_uint64,
    c_void_p,
)
from typing import Any

SCO_BODY_BASE64 = 0
SCO_BODY_RAW = 1
SCO_BODY_AUTO = 2
SCO_JOB_SUBMITTED = 0
SCO_JOB_PROCESSING = 1
SCO_JOB_COMPLETED = 3
SCO_JOB_ENDED_AS_FAILED = 4
SCO_JOB_PARTIAL_SUCCESS = 5
SCO_JOB_ON_HOLD = 6
SCO_JOB_CANCELLED = 7
SCO_JOB_CANCELLED_SERVICE_RESTARTED = 8
SCO_JOB_ABORTED_TOO_MUCH_TIME_CONSUMED = 9
SCO_JOB_CANCELLED_WHILE_RUNNING = 10
SCO_JOB_TYPE = 0
SCO_JOB_COMPANY_NAME = 1
SCO_JOB_ERROR_MESSAGE = 2
SCO_JOB_SUBMITTED_ON = 3
SCO_JOB_STARTED_ON = 4
SCO_JOB_COMPLETED_ON = 5
SCO_JOB_OUTPUT_FILE = 6
SCO_JOB_INPUT_FILE = 7
SCO_JOB_COMPANY_ID = 0
SCO_JOB_PRIORITY = 1
SCO_JOB_TOTAL_RECORDS = 2
SCO_JOB_TOTAL_PROCESSED = 3
SCO_JOB_TOTAL_SUCCEEDED = 4
SCO_JOB_TOTAL_FAILED = 5
SCO_JOB_TOTAL_PHASES = 6
SCO_JOB_CURRENT_PHASE = 7
SCO_JOB_TOTAL_ITEMS_IN_PHASE = 8
SCO_JOB_TOTAL_PROCESSED_IN_PHASE = 9
SCO_IF_EXISTS_FAIL = 0
SCO_IF_EXISTS_REPLACE = 1
SCO_IF_EXISTS_NUMBER = 2
SCO_OK = 0
SCO_INVALID_ARGUMENT = 1
SCO_AUTHENTICATION = 2
SCO_FORBIDDEN = 3
SCO_NOT_FOUND = 4
SCO_RATE_LIMITED = 5
SCO_SERVER = 6
SCO_UNEXPECTED_STATUS = 7
SCO_CONNECTION = 8
SCO_TLS = 9
SCO_TIMEOUT = 10
SCO_CANCELLED = 11
SCO_MALFORMED_BODY = 12
SCO_TOO_LARGE = 13
SCO_IO = 14
SCO_INTERNAL = 15
SCO_JOB_FAILED = 16
sco_token_fn = CFUNCTYPE(c_int32, c_void_p, c_int32, c_void_p)


class sco_request(Structure):
    _fields_ = [
        ("size", c_size_t),
        ("method", c_char_p),
        ("url", c_char_p),
        ("error", c_char_p),
        ("bytes", c_uint64),
        ("seconds", c_double),
        ("status", c_int32),
        ("attempt", c_uint32),
    ]

sco_log_fn = CFUNCTYPE(None, c_void_p, POINTER(sco_request))
sco_write_fn = CFUNCTYPE(c_int32, c_void_p, c_void_p, c_size_t)
sco_interrupt_fn = CFUNCTYPE(c_int32, c_void_p)


class sco_progress(Structure):
    _fields_ = [
        ("size", c_size_t),
        ("received", c_uint64),
        ("total", c_uint64),
        ("total_is_known", c_int32),
        ("attempt", c_uint32),
    ]

sco_progress_fn = CFUNCTYPE(c_int32, c_void_p, POINTER(sco_progress))

FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "sco_version": (c_char_p, []),
    "sco_status_string": (c_char_p, [c_int32]),
    "sco_error_kind": (c_int32, [c_void_p]),
    "sco_error_message": (c_char_p, [c_void_p]),
    "sco_error_http_status": (c_int32, [c_void_p]),
    "sco_error_retry_may_help": (c_int32, [c_void_p]),
    "sco_error_attempts": (c_uint32, [c_void_p]),
    "sco_error_retry_after_ms": (c_int64, [c_void_p]),
    "sco_error_os_error": (c_int32, [c_void_p]),
    "sco_error_path": (c_char_p, [c_void_p]),
    "sco_error_job": (c_void_p, [c_void_p]),
    "sco_error_log_line": (c_char_p, [c_void_p, c_size_t]),
    "sco_error_free": (None, [c_void_p]),
    "sco_config_new": (c_void_p, []),
    "sco_config_set_body_encoding": (c_int32, [c_void_p, c_int32, POINTER(c_void_p)]),
    "sco_config_set_max_size": (c_int32, [c_void_p, c_uint64, POINTER(c_void_p)]),
    "sco_config_set_allow_plain_http": (c_int32, [c_void_p, c_int32, POINTER(c_void_p)]),
    "sco_config_set_credentials": (c_int32, [c_void_p, c_char_p, c_char_p, POINTER(c_void_p)]),
    "sco_token_set": (c_int32, [c_void_p, c_char_p, POINTER(c_void_p)]),
    "sco_config_set_token_callback": (c_int32, [c_void_p, sco_token_fn, c_void_p, POINTER(c_void_p)]),
    "sco_config_set_team": (c_int32, [c_void_p, c_char_p, POINTER(c_void_p)]),
    "sco_config_set_team_directory": (c_int32, [c_void_p, c_char_p, POINTER(c_void_p)]),
    "sco_config_set_timeouts": (c_int32, [c_void_p, c_uint64, c_uint64, c_uint64, POINTER(c_void_p)]),
    "sco_config_set_retry": (c_int32, [c_void_p, c_uint32, c_uint64, c_uint64, POINTER(c_void_p)]),
    "sco_config_set_retry_server_errors": (c_int32, [c_void_p, c_int32, POINTER(c_void_p)]),
    "sco_config_set_proxy": (c_int32, [c_void_p, c_char_p, POINTER(c_void_p)]),
    "sco_config_add_ca_certificates": (c_int32, [c_void_p, c_void_p, c_size_t, POINTER(c_void_p)]),
    "sco_config_set_client_certificate": (c_int32, [c_void_p, c_void_p, c_size_t, c_void_p, c_size_t, POINTER(c_void_p)]),
    "sco_config_set_log": (c_int32, [c_void_p, sco_log_fn, c_void_p, POINTER(c_void_p)]),
    "sco_config_free": (None, [c_void_p]),
    "sco_client_new": (c_int32, [c_char_p, c_char_p, c_void_p, POINTER(c_void_p), POINTER(c_void_p)]),
    "sco_client_free": (None, [c_void_p]),
    "sco_job_id_from_text": (c_int32, [c_char_p, POINTER(c_int64), POINTER(c_void_p)]),
    "sco_get_output_file": (c_int32, [c_void_p, c_int64, c_void_p, POINTER(c_void_p), POINTER(c_void_p)]),
    "sco_save_output_file": (c_int32, [c_void_p, c_int64, c_char_p, c_void_p, POINTER(c_void_p), POINTER(c_void_p)]),
    "sco_write_output_file": (c_int32, [c_void_p, c_int64, sco_write_fn, c_void_p, c_void_p, POINTER(c_void_p), POINTER(c_void_p)]),
    "sco_get_job": (c_int32, [c_void_p, c_int64, c_void_p, POINTER(c_void_p), POINTER(c_void_p)]),
    "sco_wait_for_job": (c_int32, [c_void_p, c_int64, c_void_p, POINTER(c_void_p), POINTER(c_void_p)]),
    "sco_wait_for_output_file": (c_int32, [c_void_p, c_int64, c_void_p, POINTER(c_void_p), POINTER(c_void_p), POINTER(c_void_p)]),
    "sco_wait_and_save_output_file": (c_int32, [c_void_p, c_int64, c_char_p, c_void_p, POINTER(c_void_p), POINTER(c_void_p), POINTER(c_void_p)]),
    "sco_wait_and_write_output_file": (c_int32, [c_void_p, c_int64, sco_write_fn, c_void_p, c_void_p, POINTER(c_void_p), POINTER(c_void_p), POINTER(c_void_p)]),
    "sco_output_file_data": (c_void_p, [c_void_p]),
    "sco_output_file_len": (c_size_t, [c_void_p]),
    "sco_output_file_name": (c_char_p, [c_void_p]),
    "sco_output_file_name_is_made_up": (c_int32, [c_void_p]),
    "sco_output_file_content_type": (c_char_p, [c_void_p]),
    "sco_output_file_save": (c_int32, [c_void_p, c_char_p, c_void_p, POINTER(c_void_p), POINTER(c_void_p)]),
    "sco_output_file_free": (None, [c_void_p]),
    "sco_file_info_name": (c_char_p, [c_void_p]),
    "sco_file_info_name_is_made_up": (c_int32, [c_void_p]),
    "sco_file_info_len": (c_uint64, [c_void_p]),
    "sco_file_info_content_type": (c_char_p, [c_void_p]),
    "sco_file_info_path": (c_char_p, [c_void_p]),
    "sco_file_info_free": (None, [c_void_p]),
    "sco_job_id": (c_int64, [c_void_p]),
    "sco_job_status": (c_int32, [c_void_p]),
    "sco_job_status_name": (c_char_p, [c_void_p]),
    "sco_job_is_final": (c_int32, [c_void_p]),
    "sco_job_text": (c_char_p, [c_void_p, c_int32]),
    "sco_job_number": (c_int64, [c_void_p, c_int32]),
    "sco_job_free": (None, [c_void_p]),
    "sco_cancel_new": (c_void_p, []),
    "sco_cancel_pull": (None, [c_void_p]),
    "sco_cancel_is_pulled": (c_int32, [c_void_p]),
    "sco_cancel_free": (None, [c_void_p]),
    "sco_options_new": (c_void_p, []),
    "sco_options_set_timeout": (c_int32, [c_void_p, c_uint64, POINTER(c_void_p)]),
    "sco_options_set_cancel": (c_int32, [c_void_p, c_void_p, POINTER(c_void_p)]),
    "sco_options_set_interrupt": (c_int32, [c_void_p, sco_interrupt_fn, c_void_p, POINTER(c_void_p)]),
    "sco_options_set_progress": (c_int32, [c_void_p, sco_progress_fn, c_void_p, POINTER(c_void_p)]),
    "sco_options_set_wait": (c_int32, [c_void_p, c_uint64, c_uint64, c_uint64, POINTER(c_void_p)]),
    "sco_options_set_fail_on_hold": (c_int32, [c_void_p, c_int32, POINTER(c_void_p)]),
    "sco_options_set_save": (c_int32, [c_void_p, c_char_p, c_int32, c_int32, POINTER(c_void_p)]),
    "sco_options_free": (None, [c_void_p]),
}


def declare(library: ctypes.CDLL) -> None:
    """Tells ctypes the types of all functions."""
    for name, (result, arguments) in FUNCTIONS.items():
        function = getattr(library, name)
        function.restype = result
        function.argtypes = arguments
