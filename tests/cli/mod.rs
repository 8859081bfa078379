//! The commands, through the real binary.

mod doctor;
