//! How long videos are, by their headers.

use std::io::Cursor;

use provost::catalog::contents::video::seconds;

fn part(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len() + 8).unwrap();
    [&length.to_be_bytes(), kind.as_slice(), content].concat()
}

/// An `mvhd` of version 0: 90 seconds and a half, in thousandths.
fn movie_header() -> Vec<u8> {
    let mut content = vec![0; 100];
    content[12..16].copy_from_slice(&1_000_u32.to_be_bytes());
    content[16..20].copy_from_slice(&90_500_u32.to_be_bytes());
    part(b"mvhd", &content)
}

/// The same of version 1, with long numbers.
fn long_movie_header() -> Vec<u8> {
    let mut content = vec![0; 112];
    content[0] = 1;
    content[20..24].copy_from_slice(&600_u32.to_be_bytes());
    content[24..32].copy_from_slice(&54_000_u64.to_be_bytes());
    part(b"mvhd", &content)
}

fn element(id: &[u8], content: &[u8]) -> Vec<u8> {
    let length = 0x1000_0000 | u32::try_from(content.len()).unwrap();
    [id, &length.to_be_bytes(), content].concat()
}

/// A WebM file as MediaRecorder writes it: the segment's length is not known.
fn webm(info: &[u8]) -> Vec<u8> {
    let head = element(&[0x1a, 0x45, 0xdf, 0xa3], &element(&[0x42, 0x82], b"webm"));
    let segment = [
        0x18, 0x53, 0x80, 0x67, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    ];
    let void = element(&[0xec], &[0; 40]);
    let info = element(&[0x15, 0x49, 0xa9, 0x66], info);
    let cluster = element(&[0x1f, 0x43, 0xb6, 0x75], &[1; 64]);
    [head, segment.to_vec(), void, info, cluster].concat()
}

fn of(bytes: &[u8]) -> Option<i32> {
    seconds(&mut Cursor::new(bytes)).unwrap()
}

fn files() -> Vec<(&'static str, Vec<u8>, Option<i32>)> {
    let kind = part(b"ftyp", b"mp42\0\0\0\0mp42isom");
    let film = part(b"mdat", &[7; 5_000]);
    let track = part(b"trak", &[0; 300]);
    let mut long_film = [[0, 0, 0, 1].as_slice(), b"mdat", &5_016_u64.to_be_bytes()].concat();
    long_film.extend([7; 5_000]);
    let movie = part(b"moov", &[movie_header(), track.clone()].concat());
    let behind = part(b"moov", &[track, long_movie_header()].concat());
    let scale = element(&[0x2a, 0xd7, 0xb1], &[0x0f, 0x42, 0x40]);
    let duration = element(&[0x44, 0x89], &400_250.0_f64.to_be_bytes());
    let short = element(&[0x44, 0x89], &61_000.0_f32.to_be_bytes());
    vec![
        ("in front", [kind.clone(), movie, film.clone()].concat(), Some(90)),
        ("behind", [kind.clone(), long_film, behind].concat(), Some(90)),
        ("without a movie", [kind, film].concat(), None),
        ("webm", webm(&[scale.clone(), duration].concat()), Some(400)),
        ("webm, usual scale", webm(&short), Some(61)),
        ("webm, recorded live", webm(&scale), None),
        ("nothing", Vec::new(), None),
        ("zeros", vec![0; 4_096], None),
    ]
}

#[test]
fn the_length_of_a_video_is_read_from_its_header() {
    for (name, bytes, expected) in files() {
        assert_eq!(of(&bytes), expected, "{name}");
    }
}

#[test]
fn broken_headers_say_nothing_wrong() {
    for (name, bytes, expected) in files() {
        for length in 0..bytes.len() {
            let found = of(&bytes[..length]);
            assert!(found.is_none() || found == expected, "{name}, cut at {length}");
        }
        for at in 0..bytes.len().min(400) {
            let mut broken = bytes.clone();
            broken[at] = 0xff;
            of(&broken);
        }
    }
}
