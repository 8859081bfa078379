//! E-mail addresses. Faults 4 and 29.

use provost::email::{is_address, with_ascii_domain};

#[test]
fn an_address_is_one_plain_address_in_any_script() {
    for address in [
        "ana@example.com",
        "a@b.de",
        "ana.silva+lms@mail.example.co.uk",
        "o'neil_x@example.com",
        "Ana@Example.COM",
        "root@localhost",
        "jörg@münchen.de",
        "ana@xn--mnchen-3ya.de",
        "用户@例子.广告",
        "उपयोगकर्ता@उदाहरण.भारत",
        "1@1.fm",
    ] {
        assert!(is_address(address), "{address}");
    }
    let long_local_part = format!("{}@example.com", "a".repeat(65));
    let long_label = format!("a@{}.de", "b".repeat(64));
    let long = format!("a@{}de", "bcdefghij.".repeat(26));
    for text in [
        "",
        "ana",
        "@",
        "@b.de",
        "a@",
        "a@@b.de",
        "a@b@c.de",
        "a@b..de",
        "a@.b.de",
        "a@b.de.",
        "a..b@c.de",
        ".a@b.de",
        "a.@b.de",
        "a@b.de?bcc=x@y.z",
        "a@b.de?bcc=x",
        "Ana <a@b.de>",
        "<a@b.de>",
        "A <a@b.de>, B <b@b.de>",
        "a@b.de, b@b.de",
        "a@b.de,b@b.de",
        "a@b.de;b@b.de",
        "a@b.de (Ana)",
        "\"a b\"@example.com",
        "\"a\"@example.com",
        "a b@example.com",
        " a@b.de",
        "a@b.de ",
        "a@b.de\n",
        "a\u{fe0f}@b.de",
        "a\u{3164}@b.de",
        "a\u{34f}@b.de",
        "a@b\u{fe0f}.de",
        "a@b.de\r\nBcc: x@y.z",
        "a\t@b.de",
        "a\u{0}@b.de",
        "a\u{200b}@b.de",
        "a@b\u{200b}.de",
        "a\u{202e}@b.de",
        "a\u{a0}@b.de",
        "a@b\u{ad}.de",
        "a@b。de",
        "a＠b.de",
        "a@[127.0.0.1]",
        "a@[IPv6:::1]",
        "a@127.0.0.1",
        "a@b_c.de",
        "a@-b.de",
        "a@b-.de",
        "a@b.1",
        "mailto:a@b.de",
        "a:b@c.de",
        "a\\@b.de",
        &long_local_part,
        &long_label,
        &long,
    ] {
        assert!(!is_address(text), "{text}");
    }
}

#[test]
fn letters_go_to_the_ascii_form_of_a_domain() {
    for (address, sent_to) in [
        ("ana@example.com", "ana@example.com"),
        ("ana@münchen.de", "ana@xn--mnchen-3ya.de"),
        ("jörg@münchen.de", "jörg@xn--mnchen-3ya.de"),
    ] {
        assert_eq!(with_ascii_domain(address), sent_to);
    }
}
