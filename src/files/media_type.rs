//! What bytes are, by the bytes themselves: what a client calls them is not believed.

/// How many of the first bytes are looked at.
pub const FIRST_BYTES: usize = 64 << 10;

/// The media type of bytes of which nothing is known.
pub const UNKNOWN: &str = "application/octet-stream";

/// The media type of the file that begins with `first`, as far as that shows it; `is_whole` if there is no more.
pub fn sniff(first: &[u8], is_whole: bool) -> &'static str {
    let found = infer::get(first).map(|kind| kind.mime_type());
    match found {
        // `infer` calls everything HTML or XML that begins like it, and knows no SVG.
        Some("text/html" | "text/xml" | "application/xml") | None => text_type(first, is_whole),
        Some(found) => found,
    }
}

/// The type of a text; [`UNKNOWN`] if it is none.
fn text_type(first: &[u8], is_whole: bool) -> &'static str {
    let Some(text) = as_text(first, is_whole) else {
        return UNKNOWN;
    };
    let start = text.trim_start().to_ascii_lowercase();
    let is_markup = start.starts_with('<');
    match () {
        // Wherever the tag stands: in a prologue of any length there may be comments and a document type.
        () if is_markup && start.contains("<svg") => "image/svg+xml",
        () if is_markup && HTML_TAGS.iter().any(|tag| start.contains(tag)) => "text/html",
        () if start.starts_with("<?xml") => "application/xml",
        () if start.starts_with("webvtt") => "text/vtt",
        () if is_csv(text, is_whole) => "text/csv",
        () => "text/plain",
    }
}

const HTML_TAGS: &[&str] = &[
    "<!doctype html",
    "<html",
    "<head",
    "<body",
    "<script",
    "<iframe",
    "<title",
];

/// The text, if all of it is one: UTF-8 without control characters beside white space. A character that the end of `first`
/// cuts is left out.
fn as_text(first: &[u8], is_whole: bool) -> Option<&str> {
    let text = match std::str::from_utf8(first) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() && !is_whole => {
            std::str::from_utf8(first.get(..error.valid_up_to())?).ok()?
        }
        Err(_) => return None,
    };
    let is_odd = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{c}' | '\u{1b}');
    let text = text.trim_start_matches('\u{feff}');
    (!text.is_empty() && !text.contains(is_odd)).then_some(text)
}

/// Whether all lines have the same number of the same separator, and there are at least two.
fn is_csv(text: &str, is_whole: bool) -> bool {
    let mut lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    if !is_whole {
        lines.pop();
    }
    let separators = [',', ';', '\t'];
    lines.len() >= 2
        && separators.iter().any(|separator| {
            let mut counts = lines.iter().map(|line| unquoted(line, *separator));
            let first = counts.next().unwrap_or(0);
            first > 0 && counts.all(|count| count == first)
        })
}

/// How many separators stand outside double quotes.
fn unquoted(line: &str, separator: char) -> usize {
    let outside = line.split('"').step_by(2);
    outside.map(|part| part.matches(separator).count()).sum()
}
