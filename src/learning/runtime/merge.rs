//! Changes to what a package stored: they arrive late, twice and out of order, and an older one never replaces a newer one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::elements::{self, Standard};

/// The most elements of one commit.
pub const MOST_CHANGES: usize = 2_000;

/// The most elements that an item of a package may store.
pub const MOST_ELEMENTS: usize = 20_000;

/// The largest sequence number: what JavaScript counts without loss.
const MOST_SEQ: i64 = (1 << 53) - 1;

/// An element as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Element {
    /// Its value.
    pub value: String,
    /// The sequence number of the change that set it.
    pub seq: i64,
}

/// What an item of a package stored, by the names of its elements.
pub type Elements = BTreeMap<String, Element>;

/// One element that a package set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ElementChange {
    /// Which one.
    pub element: String,
    /// To what.
    pub value: String,
    /// Counts the changes of the attempt.
    pub seq: i64,
}

/// The changes as elements, the newest of each; what is wrong with them otherwise.
pub fn checked(standard: Standard, changes: Vec<ElementChange>) -> Result<Elements, String> {
    if changes.len() > MOST_CHANGES {
        return Err(format!("a commit has at most {MOST_CHANGES} changes"));
    }
    let mut elements = Elements::new();
    for change in changes {
        let ElementChange { element, value, seq } = change;
        if !(1..=MOST_SEQ).contains(&seq) {
            return Err(format!("{element}: seq must be from 1 to {MOST_SEQ}"));
        }
        elements::check(standard, &element, &value)?;
        put(&mut elements, element, Element { value, seq });
    }
    Ok(elements)
}

/// Takes up changes.
pub fn merge(stored: &mut Elements, changes: Elements) {
    for (element, change) in changes {
        put(stored, element, change);
    }
}

fn put(elements: &mut Elements, name: String, new: Element) {
    match elements.get_mut(&name) {
        Some(stored) if stored.seq >= new.seq => {}
        Some(stored) => *stored = new,
        None => {
            elements.insert(name, new);
        }
    }
}
