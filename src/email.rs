//! What an e-mail address is: one check for every way in, and the form in which letters are sent to it.
//!
//! An address is the addr-spec of RFC 5322 in its plain form, in any script (RFC 6531): `ana@example.com`,
//! `jörg@münchen.de`. What mail systems or headers read in two ways is none: quoted local parts, domain literals, display
//! names, lists, comments, invisible characters. Knows no domain.

use unicode_normalization::char::is_combining_mark;

use crate::text;

/// Bytes of an address at most (RFC 5321, section 4.5.3.1).
const LONGEST: usize = 254;
/// Bytes of what stands before the `@` at most.
const LONGEST_LOCAL_PART: usize = 64;

/// Whether a text is an e-mail address, and nothing else.
pub fn is_address(text: &str) -> bool {
    let Some((local_part, domain)) = text.split_once('@') else {
        return false;
    };
    text.len() <= LONGEST
        && local_part.len() <= LONGEST_LOCAL_PART
        && local_part.split('.').all(is_atom)
        && is_domain(domain)
}

/// The address with its domain in ASCII, so that mail servers which know ASCII alone take it wherever they can.
pub fn with_ascii_domain(address: &str) -> String {
    let ascii = address.split_once('@').and_then(|(local_part, domain)| {
        let domain = idna::domain_to_ascii(domain).ok()?;
        Some(format!("{local_part}@{domain}"))
    });
    ascii.unwrap_or_else(|| address.to_owned())
}

fn is_atom(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| is_letter(c) || "!#$%&'*+-/=?^_`{|}~".contains(c))
}

/// Labels of letters, digits and hyphens, which have a form in ASCII that a domain can have. No address of a machine: the
/// last label is no number.
fn is_domain(text: &str) -> bool {
    let plain = |label: &str| !label.is_empty() && label.chars().all(|c| is_letter(c) || c == '-');
    let last = text.rsplit('.').next().unwrap_or_default();
    text.split('.').all(plain)
        && !last.chars().all(char::is_numeric)
        && idna::domain_to_ascii_strict(text).is_ok()
}

/// A letter or digit of any script, or a mark that belongs to one. All that is invisible is neither.
fn is_letter(c: char) -> bool {
    (c.is_alphanumeric() || is_combining_mark(c)) && !text::is_blank(c)
}
