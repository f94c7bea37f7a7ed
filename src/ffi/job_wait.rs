use std::sync::Mutex;
use std::time::Duration;

use super::boundary::{catch_panics, free, lock_handle, out_param, required, write_handle};
use super::call_options::{new_call, wait_options};
use super::{sco_call_options, sco_client, sco_error, sco_job, sco_status};
use crate::{JobWait, JobWaitStep};

/// A wait for a job that the caller steps, for programs that wait for many jobs without a
/// thread for each.
///
/// sco_start_job_wait returns it, and sco_job_wait_free frees it at any time between two
/// steps. Any thread may step it, but only one at a time; another step meanwhile fails with
/// SCO_ERROR_INVALID_ARGUMENT. The client may be freed before it. The callbacks of the
/// client's and the call's options, and what their contexts point to, must stay valid until
/// it is freed; the options themselves may be freed.
pub struct sco_job_wait {
    wait: Mutex<JobWait>,
}

/// Starts a wait for a job, which the caller steps. Nothing is sent.
///
/// sco_wait_for_job is a loop over the same steps. The timeout of the call begins now and
/// includes the time between the steps.
///
/// @param client The client.
/// @param job_id The job's id, 1 to 2147483647.
/// @param options The options of the wait, or NULL for the defaults.
/// @param[out] wait Receives the wait, or NULL on failure. Free it with sco_job_wait_free.
/// @param[out] error Receives the details of an error, or NULL. May be NULL.
/// @return SCO_OK, or SCO_ERROR_INVALID_ARGUMENT if client or wait is NULL, or if job_id is
/// out of range.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_start_job_wait(
    client: *const sco_client,
    job_id: i64,
    options: *const sco_call_options,
    wait: *mut *mut sco_job_wait,
    error: *mut *mut sco_error,
) -> sco_status {
    // SAFETY: the header's contract.
    unsafe {
        catch_panics(error, || {
            let place = out_param(wait, "wait")?;
            let client = required(client, "client")?;
            let call = new_call(client, options.as_ref());
            let wait = call.start_job_wait(job_id, wait_options(options.as_ref()))?;
            let wait = Mutex::new(wait);
            write_handle(place, sco_job_wait { wait });
            Ok(())
        })
    }
}

/// Makes one attempt to learn whether a job has ended.
///
/// The attempt includes a login if that is needed. The step never sleeps: the intervals
/// between polls, the backoff after a failure, the time that the server asks for, and a login
/// that another thread is making are times until the next step. A step before that time
/// sends nothing. A step blocks while its requests run, which the timeouts of the client and
/// of the call limit.
///
/// @param wait The wait.
/// @param[out] again_after_ms Receives the time in milliseconds after which the next step is
/// due, which may be 0; 0 if the job has ended, and on failure.
/// @param[out] job Receives the job if it has ended with success; NULL if it has not ended,
/// and on failure. Free it with sco_job_free.
/// @param[out] error Receives the details of an error, or NULL. May be NULL.
/// @return SCO_OK, or any other status, as for sco_wait_for_job. An error ends the wait.
/// SCO_ERROR_INVALID_ARGUMENT if wait, again_after_ms or job is NULL, if another thread is
/// stepping, or if the wait has ended.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_job_wait_step(
    wait: *mut sco_job_wait,
    again_after_ms: *mut u64,
    job: *mut *mut sco_job,
    error: *mut *mut sco_error,
) -> sco_status {
    // SAFETY: the header's contract.
    unsafe {
        catch_panics(error, || {
            let again_after_ms = out_param(again_after_ms, "again_after_ms")?;
            let job = out_param(job, "job")?;
            let handle = required(wait, "wait")?;
            match lock_handle(&handle.wait, "wait")?.step()? {
                JobWaitStep::AgainAfter(time) => *again_after_ms = milliseconds(time),
                JobWaitStep::Ended(ended) => write_handle(job, sco_job::new(*ended)),
            }
            Ok(())
        })
    }
}

/// Frees a wait. No thread may be stepping it.
///
/// @param wait The wait, or NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sco_job_wait_free(wait: *mut sco_job_wait) {
    // SAFETY: the header's contract.
    unsafe { free(wait) };
}

/// Returns a time in milliseconds, rounded up: a step that comes early would be for nothing.
fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}
