//! How long a video is, by its own header: what a browser says is not believed. MP4 and QuickTime files (ISO 14496-12) say it in
//! `moov/mvhd`, WebM and Matroska files (RFC 9559) in `Segment/Info`.

use std::io::{self, Read, Seek, SeekFrom};

/// The longest video, in seconds.
pub const LONGEST: i32 = 172_800;

/// The most boxes or elements that are looked at: headers stand near the beginning, or behind one long box.
const MOST_PARTS: usize = 1_000;

const EBML: u64 = 0x1a45_dfa3;
const SEGMENT: u64 = 0x1853_8067;
const INFO: u64 = 0x1549_a966;
const CLUSTER: u64 = 0x1f43_b675;
const TIMESTAMP_SCALE: u64 = 0x002a_d7b1;
const DURATION: u64 = 0x4489;

/// Whole seconds of the video; none where its header does not say it, or is broken.
pub fn seconds(file: &mut (impl Read + Seek)) -> io::Result<Option<i32>> {
    let end = file.seek(SeekFrom::End(0))?;
    let is_ebml = matches!(element(file, 0, end)?, Some(Part { kind: EBML, .. }));
    let seconds = match is_ebml {
        true => matroska(file, end)?,
        false => mp4(file, end)?,
    };
    let is_length = |seconds: &f64| (0.0..=f64::from(LONGEST)).contains(seconds);
    let seconds = seconds.filter(is_length).map(|seconds| seconds.floor() as i32);
    Ok(seconds.filter(|seconds| *seconds > 0))
}

/// A box of MP4, or an element of Matroska, without its header.
struct Part {
    kind: u64,
    from: u64,
    to: u64,
}

fn mp4(file: &mut (impl Read + Seek), end: u64) -> io::Result<Option<f64>> {
    let mut from = 0;
    let mut to = end;
    for kind in [b"moov", b"mvhd"] {
        let Some(part) = find(file, from, to, box_at, u64::from(u32::from_be_bytes(*kind)), None)? else {
            return Ok(None);
        };
        (from, to) = (part.from, part.to);
    }
    let Some(head) = bytes::<32>(file, from, to)? else {
        return Ok(None);
    };
    let (scale, length) = match head[0] {
        0 => (number(&head[12..16]), number(&head[16..20])),
        _ => (number(&head[20..24]), number(&head[24..32])),
    };
    Ok((scale > 0).then(|| length as f64 / scale as f64))
}

fn box_at(file: &mut (impl Read + Seek), at: u64, end: u64) -> io::Result<Option<Part>> {
    let Some(head) = bytes::<8>(file, at, end)? else {
        return Ok(None);
    };
    let (length, header) = match number(&head[..4]) {
        0 => (end - at, 8),
        1 => match bytes::<8>(file, at + 8, end)? {
            Some(long) => (number(&long), 16),
            None => return Ok(None),
        },
        length => (length, 8),
    };
    Ok((length >= header).then(|| Part {
        kind: number(&head[4..8]),
        from: at + header,
        to: at.saturating_add(length).min(end),
    }))
}

fn matroska(file: &mut (impl Read + Seek), end: u64) -> io::Result<Option<f64>> {
    let Some(segment) = find(file, 0, end, element, SEGMENT, None)? else {
        return Ok(None);
    };
    let Some(info) = find(file, segment.from, segment.to, element, INFO, Some(CLUSTER))? else {
        return Ok(None);
    };
    let mut nanoseconds = 1_000_000;
    if let Some(scale) = find(file, info.from, info.to, element, TIMESTAMP_SCALE, None)? {
        nanoseconds = number(&content(file, &scale)?);
    }
    let Some(duration) = find(file, info.from, info.to, element, DURATION, None)? else {
        return Ok(None);
    };
    let duration = content(file, &duration)?;
    let ticks = match (<[u8; 4]>::try_from(&*duration), <[u8; 8]>::try_from(&*duration)) {
        (Ok(short), _) => f64::from(f32::from_be_bytes(short)),
        (_, Ok(long)) => f64::from_be_bytes(long),
        _ => return Ok(None),
    };
    Ok(Some(ticks * nanoseconds as f64 / 1e9))
}

fn element(file: &mut (impl Read + Seek), at: u64, end: u64) -> io::Result<Option<Part>> {
    let Some((kind, kind_bytes)) = variable(file, at, end, true)? else {
        return Ok(None);
    };
    let Some((length, length_bytes)) = variable(file, at + kind_bytes, end, false)? else {
        return Ok(None);
    };
    let from = at + kind_bytes + length_bytes;
    let is_unknown = length == (1 << (7 * length_bytes)) - 1;
    let to = match is_unknown {
        true => end,
        false => from.saturating_add(length).min(end),
    };
    Ok(Some(Part { kind, from, to }))
}

/// A number whose first byte says how many it has, and how many those are. Ids keep the bit that says it.
fn variable(file: &mut (impl Read + Seek), at: u64, end: u64, is_id: bool) -> io::Result<Option<(u64, u64)>> {
    let Some([first]) = bytes::<1>(file, at, end)? else {
        return Ok(None);
    };
    let count = u64::from(first.leading_zeros()) + 1;
    if count > 8 {
        return Ok(None);
    }
    let mut value = match is_id {
        true => u64::from(first),
        false => u64::from(first) & ((1 << (8 - count)) - 1),
    };
    for place in 1..count {
        let Some([next]) = bytes::<1>(file, at + place, end)? else {
            return Ok(None);
        };
        value = value << 8 | u64::from(next);
    }
    Ok(Some((value, count)))
}

/// The first part of that kind between `from` and `to`, as `read` reads parts; none once one of kind `until` comes.
fn find<F: Read + Seek>(
    file: &mut F,
    mut from: u64,
    to: u64,
    read: impl Fn(&mut F, u64, u64) -> io::Result<Option<Part>>,
    kind: u64,
    until: Option<u64>,
) -> io::Result<Option<Part>> {
    for _ in 0..MOST_PARTS {
        let Some(part) = read(file, from, to)? else {
            return Ok(None);
        };
        if part.kind == kind {
            return Ok(Some(part));
        }
        if until == Some(part.kind) {
            return Ok(None);
        }
        from = part.to;
    }
    Ok(None)
}

/// The content of an element that holds a number; empty if it is too long for one.
fn content(file: &mut (impl Read + Seek), part: &Part) -> io::Result<Vec<u8>> {
    let length = part.to - part.from;
    if length > 8 {
        return Ok(Vec::new());
    }
    let mut content = vec![0; length as usize];
    file.seek(SeekFrom::Start(part.from))?;
    file.read_exact(&mut content)?;
    Ok(content)
}

/// Bytes at a place; none if they go past `end`.
fn bytes<const N: usize>(file: &mut (impl Read + Seek), at: u64, end: u64) -> io::Result<Option<[u8; N]>> {
    if at.saturating_add(N as u64) > end {
        return Ok(None);
    }
    let mut bytes = [0; N];
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut bytes)?;
    Ok(Some(bytes))
}

fn number(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}
