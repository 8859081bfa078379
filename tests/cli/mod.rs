//! The commands, through the real binary.

mod arguments;
mod demo;
mod doctor;
mod output;
mod private_postgres;
mod tour;
