//! The commands, through the real binary.

mod demo;
mod doctor;
mod private_postgres;
mod tour;
