//! The commands, through the real binary.

mod demo;
mod doctor;
mod tour;
