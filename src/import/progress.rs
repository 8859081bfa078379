//! How far an import is, told while its transaction goes on.

use std::cell::Cell;

/// Counts rows and tells whoever watches. It is made anew with each attempt at the transaction.
pub struct Progress<'a> {
    tell: &'a dyn Fn(i64),
    done: Cell<i64>,
}

impl<'a> Progress<'a> {
    /// `tell` hears how many rows are done.
    pub fn new(tell: &'a dyn Fn(i64)) -> Self {
        Progress {
            tell,
            done: Cell::new(0),
        }
    }

    /// So many more rows are done.
    pub fn add(&self, rows: i64) {
        self.done.set(self.done.get() + rows);
        (self.tell)(self.done.get());
    }
}
