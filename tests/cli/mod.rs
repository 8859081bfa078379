//! The commands, through the real binary.

mod demo;
mod doctor;
mod output;
mod private_postgres;
mod tour;
