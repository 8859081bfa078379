//! What a file is, told by its bytes.

use provost::files::media_type::{UNKNOWN, sniff};

#[test]
fn types_are_told_by_the_bytes() {
    let cases: &[(&[u8], &str)] = &[
        (b"", UNKNOWN),
        (b"\x00\x01\x02", UNKNOWN),
        (b"%PDF-1.7\n", "application/pdf"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"PK\x03\x04\x14\x00", "application/zip"),
        (b"Notes on fire safety.\nRead them.\n", "text/plain"),
        ("Brandschutz f\u{fc}r alle".as_bytes(), "text/plain"),
        (b"name;due\nAna;2026-01-01\n", "text/csv"),
        (b"a,\"b, c\"\nd,e\n", "text/csv"),
        (b"WEBVTT\n\n00:00.000 --> 00:01.000\nHi\n", "text/vtt"),
        (b"<!DOCTYPE html><title>x</title>", "text/html"),
        (b"  <!-- x --><script>alert(1)</script>", "text/html"),
        (b"<?xml version=\"1.0\"?><!-- a --><svg/>", "image/svg+xml"),
        (
            b"\xef\xbb\xbf<svg xmlns=\"http://www.w3.org/2000/svg\"/>",
            "image/svg+xml",
        ),
        (b"<?xml version=\"1.0\"?><manifest/>", "application/xml"),
        (b"text with \x00 inside", UNKNOWN),
    ];
    for (bytes, expected) in cases {
        assert_eq!(
            sniff(bytes, true),
            *expected,
            "{}",
            String::from_utf8_lossy(bytes)
        );
    }
}

#[test]
fn a_character_that_is_cut_is_no_fault_before_the_end() {
    assert_eq!(sniff(b"caf\xc3", false), "text/plain");
    assert_eq!(sniff(b"caf\xc3", true), UNKNOWN);
}
