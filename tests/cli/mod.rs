//! The commands, through the real binary.

mod arguments;
mod demo;
mod doctor;
mod private_postgres;
mod tour;
