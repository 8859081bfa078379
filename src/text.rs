//! Text as Unicode has it: one normal form, one key form, what counts as a name and what as one line. Knows no domain.
//!
//! All text is NFC from the way in ([`normalize`]). What must be unique, or is looked up by its whole, is stored and
//! asked for in its key form ([`fold`]), in a column `<field>_folded` that only Rust writes: PostgreSQL's `lower` knows
//! other rules than Rust, and each server others. Filters compare other text by [`comparable`] and by the function of
//! SQL of that name.

use std::borrow::Cow;

use icu_casemap::CaseMapper;
use icu_properties::{CodePointSetData, props::DefaultIgnorableCodePoint};
use unicode_normalization::{UnicodeNormalization, is_nfc};

/// The pattern of a field of one line: it holds no control characters and no line breaks.
pub const ONE_LINE: &str = r"^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$";

/// The pattern of a name: one line that shows something. What shows nothing are spaces, format characters and fillers;
/// those beyond U+FFFF, which not every dialect can write, are [`trim`]med away.
pub const NAME: &str = concat!(
    r"^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*",
    r"[^\u0000-\u001f\u007f-\u009f\s\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e",
    r"\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb]",
    r"[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$"
);

/// The pattern of text of several lines: its only control characters are tabs and line breaks.
pub const LINES: &str = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$";

/// The text in NFC: the same characters, however a keyboard or a file composes them.
pub fn normalize(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || is_nfc(text) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.nfc().collect())
}

/// The key form: NFC of the full case folding of Unicode, by which two texts are the same in whatever case they are
/// written. It is the same on every server and in every language: `ß` is `ss`, `ς` is `σ`, `İ` is `i` and a dot above.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let decomposed: String = text.nfd().collect();
    let folded = CaseMapper::new().fold_string(&decomposed);
    folded.nfc().collect()
}

/// The text as filters compare it, without case and without accents: what the function `comparable` of the database
/// makes of it.
pub fn comparable(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_uppercase();
    }
    let is_accent = |letter: &char| ('\u{300}'..='\u{36f}').contains(letter);
    let bare: String = text.nfd().filter(|letter| !is_accent(letter)).nfc().collect();
    bare.to_uppercase()
}

/// Whether the text holds no control character and no line break.
pub fn is_one_line(text: &str) -> bool {
    !text.chars().any(ends_line)
}

/// Whether nobody sees anything of the text: it is empty, or made of spaces, format characters and fillers.
pub fn shows_nothing(text: &str) -> bool {
    text.chars().all(is_blank)
}

/// The text without its outer spaces, those of no width included; empty if it is one line that shows nothing.
pub fn trim(text: &str) -> &str {
    let trimmed = text.trim_matches(is_space);
    if is_one_line(trimmed) && shows_nothing(trimmed) {
        return "";
    }
    trimmed
}

fn ends_line(letter: char) -> bool {
    letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}')
}

fn is_space(letter: char) -> bool {
    (letter.is_whitespace() && !ends_line(letter))
        || matches!(letter, '\u{180e}' | '\u{200b}' | '\u{2060}' | '\u{feff}')
}

fn is_blank(letter: char) -> bool {
    letter.is_whitespace()
        || letter.is_control()
        || matches!(letter, '\u{2800}' | '\u{fff9}'..='\u{fffb}')
        || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(letter)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

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
        let (is_line, is_name, is_text) = (matches(ONE_LINE), matches(NAME), matches(LINES));
        let letters = ('\u{1}'..'\u{3200}').chain('\u{f900}'..'\u{ffff}');
        for letter in letters {
            let text = String::from(letter);
            assert_eq!(is_line(&text), is_one_line(&text), "{letter:?}");
            assert_eq!(
                is_name(&text),
                is_one_line(&text) && !shows_nothing(&text),
                "{letter:?}"
            );
            let is_control = letter.is_control() && !"\t\r\n".contains(letter);
            assert_eq!(is_text(&text), !is_control, "{letter:?}");
        }
        assert!(is_name(" a ") && is_name("李 \u{1f642}") && !is_name("") && !is_name("a\nb") && is_line(""));
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
}
