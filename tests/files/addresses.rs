//! Signed addresses.

use chrono::{DateTime, TimeDelta};
use provost::files::address::Addresses;

#[test]
fn an_address_opens_until_it_expires_and_never_once_it_was_changed() {
    let addresses = Addresses::with(&[7; 32]);
    let now = DateTime::from_timestamp(1_800_000_000, 500).unwrap();
    let expires = now + TimeDelta::seconds(10);
    let signed = addresses.sign("file", b"what", expires);
    assert!(
        signed
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    );

    let open = |segment: &str, at| addresses.open("file", segment, at);
    assert_eq!(open(&signed, now).as_deref(), Some(&b"what"[..]));
    assert_eq!(
        open(&signed, expires - TimeDelta::seconds(1)).as_deref(),
        Some(&b"what"[..])
    );
    assert_eq!(open(&signed, expires), None);
    assert_eq!(addresses.open("launch", &signed, now), None);
    assert_eq!(Addresses::with(&[8; 32]).open("file", &signed, now), None);
    assert_eq!(open(&addresses.sign("file", b"", expires), now), Some(Vec::new()));
    for place in 0..signed.len() {
        let mut other = signed.clone().into_bytes();
        other[place] = if other[place] == b'A' { b'B' } else { b'A' };
        let other = String::from_utf8(other).unwrap();
        assert_eq!(open(&other, now), None, "{place}");
        assert_eq!(open(&signed[..place], now), None);
    }
    assert_eq!(open("not base64!", now), None);
}
