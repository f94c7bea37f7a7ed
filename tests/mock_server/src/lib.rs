#![doc = include_str!("../README.md")]

pub mod connect_proxy;
pub mod connection;
mod directory;
pub mod fixtures;
mod http;
pub mod name_lookup;
pub mod process;
mod raw_server;
pub mod scripted_jobs;
mod sellercloud;
#[cfg(unix)]
pub mod signals;
pub mod tinyproxy;
pub mod tls;
pub mod unresponsive;

pub use directory::DirectoryJobs;
pub use raw_server::RawServer;
pub use sellercloud::{MockSellercloud, PASSWORD, TEAM, TOKEN, USER_NAME};
