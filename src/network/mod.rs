//! The way out: which proxy, which root certificates, the one client for HTTPS, and the diagnosis of what is in the way
//! ([`probe`]). Nothing in here runs by itself.

pub mod client;
pub mod password;
pub mod probe;
pub mod resolve;
pub mod route;
pub(crate) mod system_proxy;
pub mod trust;
