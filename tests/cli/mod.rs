//! The commands, through the real binary.

mod arguments;
mod demo;
mod demo_files;
mod doctor;
mod output;
mod private_postgres;
mod tour;
