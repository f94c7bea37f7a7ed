//! Properties of whole calls, which hold for every response.

mod response;
mod server;
mod tunnel;

pub(crate) use response::check as check_response;
pub(crate) use tunnel::check as check_tunnel;
