//! Clear server cache: the recovery flow of seven steps, crash-safe.
//!
//! - [`plan`]: what is to be done, in the vendor's words, and the guards that refuse it.
//! - [`journal`]: what was done, on disk before and after each step, so that any start of anything of ours can go
//!   on or go back.
//! - [`run`]: one driver for the first run, the resume and the roll back. Every step asks first whether it is
//!   already satisfied, so that doing it again does no harm.
//! - [`backup`]: the names of our backups, which of them are kept, and how one is brought back.
//! - [`words`]: what to know first.
//! - [`world`]: the one trait between all this and files, programs and time.

pub mod backup;
pub mod journal;
pub mod plan;
pub mod run;
pub mod words;
pub mod world;

#[cfg(test)]
mod model;

pub use journal::{Deed, Journal, Outcome, Record};
pub use plan::{Choices, Decision, Plan, Program, Role, Step};
pub use world::World;
