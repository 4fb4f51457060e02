//! The application without a desktop: one reducer, one view, both pure.
//!
//! Everything that happens is an [`Event`]; [`update()`] turns it into changes of the [`State`] and
//! [`Effect`]s, which adapters carry out. [`view()`] says what the tray shows, as plain data.

pub mod address;
pub mod check;
pub mod command;
pub mod event;
pub mod page;
pub mod places;
pub mod refreshed;
pub mod report;
pub mod state;
#[cfg(test)]
pub(crate) mod testing;
pub mod update;
pub mod validation;
pub mod view;
pub mod wakeful;
pub mod words;

pub use command::{Command, Place};
pub use event::{Answer, Bubble, Effect, Event, Findings, Look, Purpose, Target, Ticket};
pub use places::Places;
pub use state::{Link, Persisted, State};
pub use update::update;
pub use view::{Icon, MenuItem, TrayView, view};
