//! The bytes of an archive: faults of the disk are told from faults of the archive, and a hostile one is not read without end.

use std::{
    cell::{Cell, RefCell},
    io::{self, ErrorKind, Read, Seek, SeekFrom},
    rc::Rc,
};

/// What went wrong below an archive that is being read.
#[derive(Clone, Default)]
pub struct Faults {
    /// How many bytes may be read still; any number, if that is none.
    pub left: Rc<Cell<Option<u64>>>,
    /// Why the bytes could not be read.
    pub failed: Rc<RefCell<Option<io::Error>>>,
}

/// The bytes of an archive, which tells faults of the disk from faults of the archive.
pub struct Source<R> {
    /// The bytes.
    pub inner: R,
    /// What went wrong.
    pub faults: Faults,
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.faults.left.get() == Some(0) {
            return Err(ErrorKind::FileTooLarge.into());
        }
        let read = self.inner.read(buffer);
        if let (Some(left), Ok(bytes)) = (self.faults.left.get(), &read) {
            self.faults.left.set(Some(left.saturating_sub(*bytes as u64)));
        }
        if let Err(error) = &read
            && error.kind() != ErrorKind::Interrupted
        {
            let kept = io::Error::new(error.kind(), error.to_string());
            *self.faults.failed.borrow_mut() = Some(kept);
        }
        read
    }
}

impl<R: Seek> Seek for Source<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}
