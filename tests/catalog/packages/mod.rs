//! Course packages: their archives and manifests.

mod hostile;
mod manifests;
mod sequencing;

use std::io::Cursor;

use provost::catalog::contents::package::{
    archive::{Limits, ReadError, Refusal},
    read::{self, Package},
};

fn limits() -> Limits {
    Limits {
        entries: 50,
        directory: 100_000,
        expanded: 3 << 20,
        ratio: 20,
        free: 1 << 16,
        ..Limits::default()
    }
}

fn read_package(archive: &[u8]) -> Result<Package, Refusal> {
    read::read(Cursor::new(archive), &limits(), &mut |_| true).map_err(|error| match error {
        ReadError::Refused(refusal) => refusal,
        error => panic!("memory cannot be read: {error:?}"),
    })
}

#[track_caller]
fn refused(archive: &[u8]) -> Refusal {
    read_package(archive).expect_err("the archive is refused")
}
