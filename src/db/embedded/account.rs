//! Operating system accounts: who runs the private server, and who may connect to it.

use std::{ffi::CStr, ffi::CString, mem::MaybeUninit, os::unix::fs::MetadataExt, path::Path, ptr};

use super::error::EmbeddedError;

const ROOT: u32 = 0;

/// A user of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
}

impl Account {
    /// The user Provost runs as.
    pub fn current() -> Result<Account, EmbeddedError> {
        // SAFETY: geteuid has no preconditions and cannot fail.
        let uid = unsafe { libc::geteuid() };
        Account::by_uid(uid).ok_or(EmbeddedError::NamelessUser(uid))
    }

    pub fn is_root(&self) -> bool {
        self.uid == ROOT
    }

    /// The user the server runs as: ourselves, or when we are root the owner of the existing cluster,
    /// else `postgres` or `nobody`.
    pub fn for_server(cluster: &Path) -> Result<Account, EmbeddedError> {
        let current = Account::current()?;
        if !current.is_root() {
            return Ok(current);
        }
        match cluster.metadata() {
            Ok(found) if found.uid() == ROOT => Err(EmbeddedError::OwnedByRoot(cluster.to_owned())),
            Ok(found) => Account::by_uid(found.uid()).ok_or(EmbeddedError::NamelessUser(found.uid())),
            Err(_) => Account::by_name("postgres")
                .or_else(|| Account::by_name("nobody"))
                .ok_or(EmbeddedError::NoAccount),
        }
    }

    fn by_uid(uid: u32) -> Option<Account> {
        // SAFETY: the pointers come from `look_up` and are valid for the call.
        look_up(|entry, buffer, length, found| unsafe { libc::getpwuid_r(uid, entry, buffer, length, found) })
    }

    fn by_name(name: &str) -> Option<Account> {
        let name = CString::new(name).ok()?;
        // SAFETY: `name` is a C string; the pointers come from `look_up` and are valid for the call.
        look_up(|entry, buffer, length, found| unsafe {
            libc::getpwnam_r(name.as_ptr(), entry, buffer, length, found)
        })
    }
}

fn look_up(
    call: impl Fn(*mut libc::passwd, *mut libc::c_char, usize, *mut *mut libc::passwd) -> libc::c_int,
) -> Option<Account> {
    let mut entry = MaybeUninit::<libc::passwd>::uninit();
    let mut found = ptr::null_mut();
    let mut buffer = vec![0; 1024];
    while call(entry.as_mut_ptr(), buffer.as_mut_ptr(), buffer.len(), &mut found) == libc::ERANGE {
        buffer.resize(buffer.len() * 2, 0);
    }
    // SAFETY: a non-null result points to `entry`, whose strings live in `buffer`.
    unsafe {
        let passwd = found.as_ref()?;
        let name = CStr::from_ptr(passwd.pw_name).to_str().ok()?.to_owned();
        Some(Account {
            name,
            uid: passwd.pw_uid,
            gid: passwd.pw_gid,
        })
    }
}
