//! The API's calls about queued jobs.

mod get;
mod logs;
mod routes;
mod wait;

use std::sync::Arc;

use crate::session::Session;
use routes::KnownRoute;
pub(crate) use wait::Wait;
pub use wait::{JobWaitStep, WaitOptions};

/// The API's calls about queued jobs.
pub(crate) struct Jobs {
    pub(crate) session: Arc<Session>,
    known_route: KnownRoute,
}

impl Jobs {
    pub(crate) fn new(session: Session) -> Self {
        Self {
            session: Arc::new(session),
            known_route: KnownRoute::default(),
        }
    }
}
