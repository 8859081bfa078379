//! Whether a PDF file is tagged: whether its catalog has a tree of its structure.

use std::io::Read;

use flate2::read::ZlibDecoder;
use memchr::memmem;

/// The largest file that is looked at.
pub const LARGEST: usize = 32 << 20;
/// The most that the compressed objects of a file are inflated to.
const MOST_BYTES: u64 = 64 << 20;
const TREE: &[u8] = b"/StructTreeRoot";

/// Whether the bytes are a PDF file that has no tags. One that is encrypted cannot be told.
pub fn is_untagged(bytes: &[u8]) -> bool {
    let has = |text: &[u8], word: &[u8]| memmem::find(text, word).is_some();
    bytes.starts_with(b"%PDF-") && !has(bytes, b"/Encrypt") && !has(bytes, TREE) && !is_tagged_inside(bytes)
}

/// Whether one of the object streams, in which newer files keep their catalog, has the tree.
fn is_tagged_inside(bytes: &[u8]) -> bool {
    let mut left = MOST_BYTES;
    memmem::find_iter(bytes, b"/ObjStm").any(|at| {
        let after = &bytes[at..];
        let Some(start) = memmem::find(&after[..after.len().min(2_000)], b"stream") else {
            return false;
        };
        let data = &after[start + b"stream".len()..];
        let data = data.strip_prefix(b"\r").unwrap_or(data);
        let data = data.strip_prefix(b"\n").unwrap_or(data);
        let mut inflated = Vec::new();
        // What is damaged is read as far as it goes.
        let _ = ZlibDecoder::new(data)
            .take(left.min(8 << 20))
            .read_to_end(&mut inflated);
        left = left.saturating_sub(inflated.len() as u64);
        memmem::find(&inflated, TREE).is_some()
    })
}
