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

/// Control characters and what else ends a line.
macro_rules! control {
    () => {
        r"\u0000-\u001f\u007f-\u009f\u2028\u2029"
    };
}

/// Control characters beside tabs and line breaks.
macro_rules! control_in_lines {
    () => {
        r"\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f"
    };
}

/// What shows nothing: spaces, format characters and fillers. Those beyond U+FFFF, which not every dialect of regular
/// expressions can write, are left to [`trim`].
macro_rules! blank {
    () => {
        concat!(
            r"\s\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800",
            r"\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
        )
    };
}

/// The pattern of a field of one line.
pub const ONE_LINE: &str = concat!("^[^", control!(), "]*$");

/// The pattern of a name: one line that shows something.
pub const NAME: &str = concat!(
    "^[^",
    control!(),
    "]*[^",
    control!(),
    blank!(),
    "][^",
    control!(),
    "]*$"
);

/// The pattern of a word: a name without spaces and other characters that show nothing.
pub const WORD: &str = concat!("^[^", control!(), blank!(), "]+$");

/// The pattern of text of several lines.
pub const LINES: &str = concat!("^[^", control_in_lines!(), "]*$");

/// The pattern of text of several lines that shows something.
pub const VISIBLE_LINES: &str = concat!(
    "^[^",
    control_in_lines!(),
    "]*[^",
    control!(),
    blank!(),
    "][^",
    control_in_lines!(),
    "]*$"
);

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
    // Upper case alone would leave the two forms of sharp s apart.
    bare.to_lowercase().to_uppercase()
}

/// Whether the text holds no control character and no line break.
pub fn is_one_line(text: &str) -> bool {
    !text.chars().any(ends_line)
}

/// Whether the text has no control characters beside tabs and line breaks.
pub fn is_lines(text: &str) -> bool {
    !text
        .chars()
        .any(|letter| letter.is_control() && !matches!(letter, '\t' | '\n' | '\r'))
}

/// Whether every character of the text shows something; none is a space.
pub fn is_word(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(is_blank)
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

/// Whether nobody sees anything of a character: a space, a control or format character, or a filler.
pub fn is_blank(letter: char) -> bool {
    letter.is_whitespace()
        || letter.is_control()
        || matches!(letter, '\u{2800}' | '\u{fff9}'..='\u{fffb}')
        || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(letter)
}
