//! Uploaded files: the store, uploads, downloads.

mod addresses;
mod collector;
mod downloads;
mod media_types;
mod ranges;
mod store;
mod uploads;

/// Bytes that do not repeat within what is read at once.
fn sample(bytes: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    })
    .take(bytes)
    .collect()
}
