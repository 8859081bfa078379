//! The page that people see: one document without scripts, forms or anything from elsewhere.

use std::fmt::Write;

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::NaiveDate;
use sha2::{Digest, Sha256};

use super::model::{Verification, VerificationStatus};

// Contrast of every text is 7:1 or more, in both schemes.
const STYLE: &str = "\
:root{color-scheme:light dark;--paper:#fff;--ink:#1a1a1a;--quiet:#4a4a4a;--line:#767676;--good:#0b5a2b;--bad:#8c1210;--stale:#6b4400}\
@media(prefers-color-scheme:dark){:root{--paper:#14161a;--ink:#f4f4f4;--quiet:#c9c9c9;--line:#9a9a9a;--good:#7fe0a3;--bad:#ffb0ad;--stale:#ffd27a}}\
body{margin:0;background:var(--paper);color:var(--ink);font:1.125rem/1.5 system-ui,sans-serif}\
main{max-width:38rem;margin:0 auto;padding:2rem 1.25rem}\
h1{font-size:1.5rem;line-height:1.25;margin:0 0 1rem}\
.status{border:.2rem solid currentColor;border-radius:.5rem;padding:1rem;margin:0 0 1.5rem}\
.status strong{display:block;font-size:1.375rem}\
.valid{color:var(--good)}.revoked,.unknown{color:var(--bad)}.expired,.superseded{color:var(--stale)}\
dl{margin:0;border-top:1px solid var(--line)}\
dl div{padding:.625rem 0;border-bottom:1px solid var(--line)}\
dt{color:var(--quiet);font-size:1rem}dd{margin:0;overflow-wrap:anywhere}\
code{font-family:ui-monospace,monospace}";

/// What the page may load: its own style, by its hash, and nothing else.
pub fn content_security_policy() -> String {
    let hash = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

/// The page of a certificate.
pub fn certificate(verification: &Verification) -> String {
    let (headline, meaning) = match verification.status {
        VerificationStatus::Valid => ("Valid", "This certificate is genuine and in force.".to_owned()),
        VerificationStatus::Expired => (
            "Expired",
            "This certificate is genuine, but its validity has ended.".to_owned(),
        ),
        VerificationStatus::Revoked => match verification.revoked_on {
            Some(day) => (
                "Revoked",
                format!(
                    "{} took this certificate back on {}.",
                    escape(&verification.issuer),
                    time(day)
                ),
            ),
            None => ("Revoked", "This certificate was taken back.".to_owned()),
        },
        VerificationStatus::Superseded => (
            "Superseded",
            "Another certificate was issued in place of this one; ask for that.".to_owned(),
        ),
    };
    let mut body = status(verification.status.as_str(), headline, &meaning);
    body.push_str("<dl>\n");
    row(&mut body, "Name", &text(&verification.name));
    row(&mut body, "Course", &text(&verification.course));
    row(&mut body, "Completed on", &time(verification.completed_on));
    if let Some(day) = verification.valid_until {
        row(&mut body, "Valid until", &time(day));
    }
    row(&mut body, "Issued on", &time(verification.issued_on));
    row(&mut body, "Issued by", &text(&verification.issuer));
    row(
        &mut body,
        "Serial",
        &format!("<code>{}</code>", escape(&verification.serial)),
    );
    body.push_str("</dl>\n");
    document(headline, &body)
}

/// The page of a serial that no certificate has.
pub fn unknown() -> String {
    let body = status(
        "unknown",
        "Not found",
        "No certificate has this serial. Compare it with the one on the certificate, sign by sign; if it is the \
         same, the certificate was not issued here.",
    );
    document("Not found", &body)
}

fn document(title: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"robots\" content=\"noindex\">\n\
         <title>{title} – certificate verification</title>\n<style>{STYLE}</style>\n</head>\n\
         <body>\n<main>\n<h1>Certificate verification</h1>\n{body}</main>\n</body>\n</html>\n"
    )
}

fn status(class: &str, headline: &str, meaning: &str) -> String {
    format!("<p class=\"status {class}\"><strong>{headline}</strong> {meaning}</p>\n")
}

fn row(body: &mut String, term: &str, definition: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(body, "<div><dt>{term}</dt><dd>{definition}</dd></div>");
}

/// Text in whatever language and direction it is.
fn text(text: &str) -> String {
    format!("<bdi>{}</bdi>", escape(text))
}

fn time(day: NaiveDate) -> String {
    format!("<time datetime=\"{day}\">{}</time>", day.format("%-d %B %Y"))
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}
