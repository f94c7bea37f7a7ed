//! Requests a job, or its output file.

use super::Jobs;
use super::routes;
use crate::error::Error;
use crate::model::{JobResponse, QueuedJob};
use crate::session::retry;
use crate::session::{CallContext, SessionResponse};
use crate::text::{MAX_MESSAGE, server_message};

impl Jobs {
    /// Requests the call's job once.
    pub(crate) fn get(&self, context: &CallContext) -> Result<QueuedJob, Error> {
        let job = context.job;
        let session = &self.session;
        let (response, body) = session.get_json(&routes::job(job), context)?;
        let redactor = session.redactor(&response);
        let message = match QueuedJob::from_json(job, &body, &redactor) {
            JobResponse::Job(job) => return Ok(*job),
            JobResponse::NoStatus => "the server's response has no status of the job".to_owned(),
            JobResponse::NotAJob => {
                if let Some(error) = session.rate_limit(&response, &body) {
                    return Err(error);
                }
                let text = server_message::evident_message(&body).unwrap_or_default();
                let text = redactor.one_line(&text, MAX_MESSAGE);
                match text.is_empty() {
                    true => "the server's response is not a job".to_owned(),
                    false => format!("the server's response is not a job: {text}"),
                }
            }
        };
        Err(Error::no_file(message))
    }

    /// Requests the output file of the call's job once. Uses the route that has worked before, or
    /// the documented one at first. If the server does not know that route, uses the other one.
    pub(crate) fn get_output_file(&self, context: &CallContext) -> Result<SessionResponse, Error> {
        let session = &self.session;
        let route = self.known_route.get();
        let first = session.get(&route.path(context.job), context)?;
        if !retry::is_unknown_route(first.status()) {
            return self.file_response(first, route);
        }
        let second = session.get(&route.other().path(context.job), context)?;
        match (first.status(), second.status()) {
            // Neither route works. The status 404 says more than 405.
            (404, 404 | 405) | (405, 405) => Err(session.error(first)),
            _ => self.file_response(second, route.other()),
        }
    }

    fn file_response(
        &self,
        response: SessionResponse,
        route: routes::Route,
    ) -> Result<SessionResponse, Error> {
        if response.status() != 200 {
            return Err(self.session.error(response));
        }
        // Only the status 200 shows that the server knows the route.
        self.known_route.set(route);
        Ok(response)
    }
}
