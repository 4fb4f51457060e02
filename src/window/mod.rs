//! Windows: each in a process of its own, so that the tray stays small and a window that crashes takes nothing
//! with it. `docs/windows-house-style.md` says how they look and why.
//!
//! - [`style`]: colours, fonts and spacing, light and dark.
//! - [`parts`]: buttons, marks, cards, lists and tables, as every window uses them.
//! - [`paint`]: paints by the CPU, on the screen and in the pictures of the tests.
//! - [`runner`]: one window on the screen, asleep while nothing happens.
//! - [`single`]: a second start brings the first window to the front.
//! - [`page`]: headline, what scrolls, buttons.
//! - [`mailbox`]: those who do the work, in a thread of their own.
//! - [`recovery`]: Clear server cache.
//! - [`connection`]: Check connection.
//! - [`validation`]: Manual validation, with a QR code of `code`.

mod code;
pub mod connection;
pub mod connection_backend;
mod connection_view;
pub mod mailbox;
pub mod page;
pub mod paint;
pub mod parts;
pub mod recovery;
pub mod recovery_backend;
mod recovery_view;
pub mod runner;
pub mod single;
pub mod style;
mod system_theme;
pub mod validation;
pub mod validation_backend;
mod validation_trust;
mod validation_view;
