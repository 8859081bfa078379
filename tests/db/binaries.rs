//! Which programs of PostgreSQL are used.

use std::{os::unix::fs::symlink, path::Path, process::Command};

use provost::db::embedded::{Binaries, EmbeddedError};

use crate::support::TempFolder;

/// Puts programs into the folder of which `postgres` says that it is this version. Another process writes them: while a file is
/// open here, a process that another test starts at the moment keeps it from being run.
fn install_that_says(folder: &Path, version: &str) {
    const WRITE: &str = r#"printf '#!/bin/sh\necho "%s"\n' "$1" > postgres && cp postgres initdb && chmod +x postgres initdb"#;
    let written = Command::new("sh")
        .args(["-c", WRITE, "sh", version])
        .current_dir(folder)
        .status();
    assert!(written.unwrap().success());
}

#[test]
fn the_major_version_is_read_from_every_known_form() {
    let folder = TempFolder::new();
    for (says, found) in [
        (
            "postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)",
            "found: 15",
        ),
        ("postgres (PostgreSQL) 18beta2", "found: 18"),
        ("postgres (PostgreSQL) 9.6.24", "no `postgres`"),
        ("initdb: something else", "no `postgres`"),
    ] {
        install_that_says(&folder.path, says);
        let cluster = Some((99, Path::new("/data/cluster")));
        let error = Binaries::find(Some(&folder.path), cluster)
            .unwrap_err()
            .to_string();
        assert!(error.contains(found), "{says}: {error}");
    }
}

#[test]
fn nothing_found_says_what_to_install() {
    let error = EmbeddedError::NotInstalled.to_string();
    assert!(
        error.contains("apt install postgresql") && error.contains("dnf") && error.contains("brew"),
        "{error}"
    );
}

#[test]
fn a_chosen_folder_without_programs_is_named() {
    let error = Binaries::find(Some(Path::new("/nonexistent/bin")), None).unwrap_err();
    assert!(error.to_string().contains("/nonexistent/bin"), "{error}");
}

#[test]
fn a_cluster_of_a_version_that_is_not_installed_names_that_version() {
    let error = Binaries::find(None, Some((99, Path::new("/data/cluster"))))
        .unwrap_err()
        .to_string();
    assert!(error.contains("install PostgreSQL 99"), "{error}");
}

#[test]
fn programs_are_found_through_links_on_path() {
    let folder = TempFolder::new();
    let real = Binaries::find(None, None).unwrap();
    symlink(real.postgres(), folder.path.join("postgres")).unwrap();
    assert_eq!(Binaries::find(Some(&folder.path), None).unwrap(), real);
}
