//! Serials: written in one way, read in many.

use provost::credential::serial::{canonical, encode, random};

#[test]
fn a_serial_is_read_however_it_was_typed() {
    let serial = encode(u128::MAX - 1);

    assert_eq!(serial, "7ZZZZ-ZZZZZ-ZZZZZ-ZZZZZ-ZZZZZY");
    assert_eq!(canonical(&serial.to_lowercase().replace('-', "")), Some(serial));
    assert_eq!(
        canonical("oi l00-00000-00000-00000-000000"),
        Some("01100-00000-00000-00000-000000".into())
    );
}

#[test]
fn what_is_no_serial_is_refused() {
    for text in ["", "7ZZZZ", "UUUUU-UUUUU-UUUUU-UUUUU-UUUUUU", "é"] {
        assert_eq!(canonical(text), None, "{text}");
    }
}

#[test]
fn random_serials_are_canonical_and_differ() {
    let (one, two) = (random().unwrap(), random().unwrap());

    assert_ne!(one, two);
    assert_eq!(canonical(&one), Some(one));
}
