//! Worlds that this program serves itself. The demo world is a simulation, and named as such.

pub mod demo;
