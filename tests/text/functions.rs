//! The functions that compare texts, and the patterns that are published for them.

use proptest::prelude::*;
use provost::text::{
    LINES, NAME, ONE_LINE, VISIBLE_LINES, WORD, comparable, fold, is_lines, is_one_line, is_word, normalize,
    shows_nothing, trim,
};
use serde_json::json;
use unicode_normalization::{UnicodeNormalization, is_nfc};

#[test]
fn one_text_has_one_key_in_whatever_case_and_form_it_is_written() {
    // Fault 1.
    for (one, other) in [
        ("jürgen", "JU\u{308}RGEN"),
        ("ΓΙΏΡΓΟΣ ΠΑΠΑΔΌΠΟΥΛΟΣ", "Γιώργος Παπαδόπουλος"),
        ("STRASSE", "straße"),
        ("ẞ", "ß"),
        ("İ", "i\u{307}"),
        ("\u{1fa8}", "ω\u{313}ι"),
        ("Å", "\u{212b}"),
        ("ﬁ", "FI"),
        ("Ꭰ", "ꭰ"),
    ] {
        assert_eq!(fold(one), fold(other), "{one} and {other}");
    }
    for (one, other) in [("ı", "i"), ("é", "e"), ("ø", "o"), ("и", "й")] {
        assert_ne!(fold(one), fold(other), "{one} and {other}");
    }
}

#[test]
fn filters_see_neither_case_nor_accents() {
    for (one, other) in [
        ("Müller", "MULLER"),
        ("İstanbul", "istanbul"),
        ("Σίσυφος", "ΣΙΣΥΦΟΣ"),
        ("straße", "STRASSE"),
        ("STRAẞE", "strasse"),
        ("한글", "한글"),
    ] {
        assert_eq!(comparable(one), comparable(other), "{one} and {other}");
    }
    assert_ne!(comparable("が"), comparable("か"));
}

#[test]
fn what_shows_nothing_is_told_from_what_does() {
    for text in [
        "",
        " ",
        "\u{200b}\u{feff}",
        "\u{3164}",
        "\u{2800}",
        "\u{e0041}",
        "\u{1d173}\u{a0}",
    ] {
        assert!(shows_nothing(text), "{text:?}");
        assert_eq!(trim(text), "");
    }
    for text in ["a", "李", "\u{301}", ".", "\u{200d}x", "🙂"] {
        assert!(!shows_nothing(text), "{text:?}");
    }
    assert_eq!(trim("\u{feff} Ana\u{a0}Silva \u{200b}"), "Ana\u{a0}Silva");
    assert_eq!(trim("\nAna"), "\nAna");
    assert!(!is_one_line("Ana\r\n") && !is_one_line("Ana\u{2028}") && is_one_line("Ana\u{200c}"));
}

#[test]
fn the_patterns_say_what_the_functions_do() {
    let matches = |pattern: &str| {
        let schema = json!({ "type": "string", "pattern": pattern });
        let validator = jsonschema::validator_for(&schema).unwrap();
        move |text: &str| validator.is_valid(&json!(text))
    };
    let (is_line, is_name, is_of_lines) = (matches(ONE_LINE), matches(NAME), matches(LINES));
    let (is_a_word, shows_lines) = (matches(WORD), matches(VISIBLE_LINES));
    let letters = ('\u{1}'..'\u{3200}').chain('\u{f900}'..'\u{ffff}');
    for letter in letters {
        let text = String::from(letter);
        assert_eq!(is_line(&text), is_one_line(&text), "{letter:?}");
        assert_eq!(
            is_name(&text),
            is_one_line(&text) && !shows_nothing(&text),
            "{letter:?}"
        );
        assert_eq!(is_a_word(&text), is_word(&text), "{letter:?}");
        assert_eq!(is_of_lines(&text), is_lines(&text), "{letter:?}");
        assert_eq!(
            shows_lines(&text),
            is_lines(&text) && !shows_nothing(&text),
            "{letter:?}"
        );
    }
    assert!(is_name(" a ") && is_name("李 \u{1f642}") && !is_name("") && !is_name("a\nb") && is_line(""));
    assert!(is_a_word("aé") && !is_a_word("a b") && shows_lines("\na\n") && !shows_lines("\n"));
}

proptest! {
    #[test]
    fn keys_are_stable_and_blind_to_form_and_case(text in any::<String>()) {
        let key = fold(&text);
        prop_assert_eq!(&fold(&key), &key);
        prop_assert_eq!(fold(&text.nfd().collect::<String>()), key.clone());
        prop_assert_eq!(fold(&normalize(&text)), key.clone());
        prop_assert!(is_nfc(&key));
    }
}
