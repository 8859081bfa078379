//! The formats of texts that our schemas name. Those that JSON Schema does not know, or that we read more closely, have a
//! check of ours: so a rule about one text alone is told together with whatever else is wrong with a body.

use chrono_tz::Tz;

use crate::{email, period::Period, text, urls, years};

/// What a format asks of a text.
#[derive(Debug)]
pub struct Format {
    /// What schemas call it.
    pub name: &'static str,
    /// What the text must be, in words that follow "must be".
    pub words: &'static str,
    /// Whether a text is so; none where JSON Schema knows.
    pub check: Option<fn(&str) -> bool>,
}

/// Every format that our schemas name and bodies are checked against.
pub const FORMATS: &[Format] = &[
    Format {
        name: "uuid",
        words: "a UUID, such as 0199d1c2-7e5b-7cc0-8f3a-5d1f0a6b7c8d",
        check: None,
    },
    Format {
        name: "date-time",
        words: "an instant with its offset (RFC 3339), such as 2026-01-31T08:30:00Z",
        check: None,
    },
    Format {
        name: "date",
        words: years::WORDS,
        check: Some(years::is_day),
    },
    Format {
        name: "email",
        words: "an e-mail address, such as ana@example.com",
        check: Some(email::is_address),
    },
    Format {
        name: "time-zone",
        words: "an IANA time zone, such as Europe/Lisbon",
        check: Some(|text| text.parse::<Tz>().is_ok()),
    },
    Format {
        name: "period",
        words: "an ISO 8601 duration of whole years, months, weeks or days, such as P1Y or P30D, and at most a thousand years",
        check: Some(|text| text.parse::<Period>().is_ok()),
    },
    Format {
        name: "issuer",
        words: "an https:// address without query and fragment (http:// on this machine only)",
        check: Some(urls::is_issuer),
    },
    Format {
        name: "redirect-uri",
        words: "an https:// address (http:// on this machine only) or of an app's own scheme such as \
            com.example.app:/done, without fragment",
        check: Some(urls::is_redirect_uri),
    },
    Format {
        name: WORD,
        words: "one word, without spaces and invisible characters",
        check: Some(text::is_word),
    },
];

/// The format of words. Its pattern is published too, and leaves out the invisible characters beyond U+FFFF.
pub const WORD: &str = "word";

/// Those of them whose texts are lines: their outer spaces go before they are checked.
pub const OF_LINES: &[&str] = &["time-zone", "issuer", "redirect-uri"];
