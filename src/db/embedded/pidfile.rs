//! `postmaster.pid`: what the server says of itself, and what a killed one leaves behind.

use std::{fs, io, path::Path};

use super::{
    error::EmbeddedError,
    folder::{Folder, socket_in},
};

/// The line that holds the server's status.
const STATUS_LINE: usize = 7;

/// Whether the server says that it takes connections.
pub fn is_ready(cluster: &Path) -> bool {
    read(cluster).is_some_and(|text| {
        let status = text.lines().nth(STATUS_LINE);
        status.is_some_and(|status| status.trim() == "ready")
    })
}

/// The process that the file names, if it is alive and is a server of this cluster.
pub fn live_server(cluster: &Path) -> Option<i32> {
    let pid: i32 = read(cluster)?.lines().next()?.trim().parse().ok()?;
    (pid > 1 && works_in(pid, cluster)).then_some(pid)
}

/// Removes the process id files of a server that is known to be gone, since PostgreSQL believes them
/// when the number is another process's by now.
pub fn remove_stale(folder: &Folder) -> Result<(), EmbeddedError> {
    let cluster = folder.cluster();
    if let Some(pid) = live_server(&cluster) {
        return Err(EmbeddedError::ForeignServer { pid, folder: cluster });
    }
    let socket = socket_in(&folder.socket_folder());
    let lock = socket.with_file_name(format!(
        "{}.lock",
        socket.file_name().unwrap_or_default().display()
    ));
    for path in [cluster.join("postmaster.pid"), lock, socket] {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(EmbeddedError::file("remove", path)(error));
            }
            _ => {}
        }
    }
    Ok(())
}

fn read(cluster: &Path) -> Option<String> {
    fs::read_to_string(cluster.join("postmaster.pid")).ok()
}

/// A server's working folder is its cluster, whatever its number was used for before.
#[cfg(target_os = "linux")]
fn works_in(pid: i32, cluster: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (fs::metadata(format!("/proc/{pid}/cwd")), fs::metadata(cluster)) {
        (Ok(process), Ok(cluster)) => (process.dev(), process.ino()) == (cluster.dev(), cluster.ino()),
        _ => false,
    }
}

/// Where working folders cannot be read, the program's name has to do.
#[cfg(not(target_os = "linux"))]
fn works_in(pid: i32, _cluster: &Path) -> bool {
    let ps = std::process::Command::new("ps")
        .args(["-o", "comm=", "-p", &pid.to_string()])
        .output();
    ps.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("postgres"))
}
