//! What commands print.

use std::process::{Command, Stdio};

#[test]
fn a_reader_who_has_enough_is_no_fault() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_provost"))
        .arg("openapi")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());

    let output = child.wait_with_output().unwrap();

    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), said.as_str()), (Some(0), ""));
}
