//! The layout of a certificate as data: what an academy stores and edits.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{CertificateDocument, dates};

const MAX_LINES: usize = 12;
const MAX_TEXT: usize = 500;
const MAX_NAME: usize = 120;

/// The layout of a certificate.
///
/// Texts may hold the placeholders `{name}`, `{course}`, `{completed_on}`, `{valid_until}`,
/// `{serial}` and `{issuer}`. A text with `{valid_until}` is left out when the certificate
/// does not expire.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = CertificateLayout)]
pub struct Template {
    /// The paper's format.
    pub page_size: PageSize,
    /// The orientation of the paper.
    pub orientation: Orientation,
    /// Language tag (BCP 47): the document's language, its direction and how dates are written.
    #[schema(example = "en")]
    pub language: String,
    /// The colours of paper, frame and texts; each has its own default.
    pub colors: Colors,
    /// The small line at the top; may be empty.
    #[schema(max_length = 500, format = "multiline", example = "{issuer}")]
    pub header: String,
    #[schema(min_length = 1, max_length = 500, example = "Certificate of Completion")]
    pub heading: String,
    /// The body, from top to bottom. If absent: "This certifies that", `{name}` (style `name`), "has successfully
    /// completed", `{course}` (style `title`), "on {completed_on}" and "Valid until {valid_until}" (style `small`).
    #[schema(min_items = 1, max_items = 12)]
    pub lines: Vec<Line>,
    /// The small line at the foot; may be empty.
    #[schema(max_length = 500, format = "multiline", example = "Certificate no. {serial}")]
    pub footer: String,
    /// What stands above the verification address; may be empty.
    #[schema(max_length = 500, format = "multiline", example = "Verify at")]
    pub verification: String,
    /// Who signs, at the foot.
    pub signature: Option<Signature>,
}

/// The paper.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = CertificatePageSize)]
pub enum PageSize {
    A4,
    Letter,
}

/// The orientation of the paper.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = CertificateOrientation)]
pub enum Orientation {
    Landscape,
    Portrait,
}

/// The colours, each as `#rrggbb`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = CertificateColors)]
pub struct Colors {
    /// The paper.
    #[schema(pattern = "^#[0-9a-fA-F]{6}$")]
    pub background: String,
    /// The frame and the heading.
    #[schema(pattern = "^#[0-9a-fA-F]{6}$")]
    pub primary: String,
    /// The thin rules.
    #[schema(pattern = "^#[0-9a-fA-F]{6}$")]
    pub accent: String,
    /// The body's texts.
    #[schema(pattern = "^#[0-9a-fA-F]{6}$")]
    pub text: String,
    /// Small print.
    #[schema(pattern = "^#[0-9a-fA-F]{6}$")]
    pub muted: String,
}

/// One line of the body.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CertificateLine)]
pub struct Line {
    #[schema(
        min_length = 1,
        max_length = 500,
        format = "multiline",
        example = "has successfully completed"
    )]
    pub text: String,
    /// How prominent the line is.
    #[serde(default)]
    pub style: LineStyle,
}

/// How prominent a line is.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = CertificateLineStyle)]
pub enum LineStyle {
    /// The largest: the learner's name.
    Name,
    /// The course's title.
    Title,
    #[default]
    Normal,
    Small,
}

/// Who signs.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CertificateSignature)]
pub struct Signature {
    /// The signer's name.
    #[schema(min_length = 1, max_length = 120)]
    pub name: String,
    /// The signer's position; may be empty.
    #[schema(max_length = 120)]
    pub title: String,
}

impl Default for Template {
    fn default() -> Self {
        let line = |style, text: &str| Line {
            text: text.to_owned(),
            style,
        };
        Self {
            page_size: PageSize::A4,
            orientation: Orientation::Landscape,
            language: "en".to_owned(),
            colors: Colors::default(),
            header: "{issuer}".to_owned(),
            heading: "Certificate of Completion".to_owned(),
            lines: vec![
                line(LineStyle::Normal, "This certifies that"),
                line(LineStyle::Name, "{name}"),
                line(LineStyle::Normal, "has successfully completed"),
                line(LineStyle::Title, "{course}"),
                line(LineStyle::Normal, "on {completed_on}"),
                line(LineStyle::Small, "Valid until {valid_until}"),
            ],
            footer: "Certificate no. {serial}".to_owned(),
            verification: "Verify at".to_owned(),
            signature: None,
        }
    }
}

impl Default for Colors {
    fn default() -> Self {
        Self {
            background: "#fffdf7".to_owned(),
            primary: "#1d3557".to_owned(),
            accent: "#b08d3e".to_owned(),
            text: "#222222".to_owned(),
            muted: "#5a5f66".to_owned(),
        }
    }
}

/// What is wrong with one field of a template.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct TemplateError {
    /// The field's path, as in `lines[2].text`.
    pub field: String,
    /// What is wrong with it.
    pub problem: TemplateProblem,
}

/// Why a field of a template is refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TemplateProblem {
    #[error("there is no placeholder `{{{0}}}`")]
    UnknownPlaceholder(String),
    #[error("a brace has no partner")]
    UnbalancedBrace,
    #[error("is not a colour of the form #rrggbb")]
    NotAColor,
    #[error("is not a language tag")]
    NotALanguage,
    #[error("may not be empty")]
    Empty,
    #[error("may have at most {0} characters")]
    TooLong(usize),
    #[error("may have at most {0} entries")]
    TooMany(usize),
}

impl Template {
    /// Find everything that is wrong with the template.
    pub fn check(&self) -> Result<(), Vec<TemplateError>> {
        let mut check = Check::default();
        check.text("header", &self.header, false);
        check.text("heading", &self.heading, true);
        check.text("footer", &self.footer, false);
        check.text("verification", &self.verification, false);
        check.lines(&self.lines);
        check.colors(&self.colors);
        if let Some(signature) = &self.signature {
            check.plain("signature.name", &signature.name, true);
            check.plain("signature.title", &signature.title, false);
        }
        if parley::style::Language::parse(&self.language).is_err() {
            check.add("language", TemplateProblem::NotALanguage);
        }
        if check.errors.is_empty() {
            Ok(())
        } else {
            Err(check.errors)
        }
    }

    /// Whether the template's language is written from right to left.
    pub(super) fn is_right_to_left(&self) -> bool {
        let primary = dates::primary_subtag(&self.language);
        ["ar", "dv", "fa", "ckb", "he", "ps", "sd", "ug", "ur", "yi"].contains(&primary.as_str())
    }
}

#[derive(Default)]
struct Check {
    errors: Vec<TemplateError>,
}

impl Check {
    fn add(&mut self, field: impl Into<String>, problem: TemplateProblem) {
        self.errors.push(TemplateError {
            field: field.into(),
            problem,
        });
    }

    fn length(&mut self, field: &str, text: &str, required: bool, max: usize) {
        if required && text.trim().is_empty() {
            self.add(field, TemplateProblem::Empty);
        }
        if text.chars().count() > max {
            self.add(field, TemplateProblem::TooLong(max));
        }
    }

    fn plain(&mut self, field: &str, text: &str, required: bool) {
        self.length(field, text, required, MAX_NAME);
    }

    fn text(&mut self, field: &str, text: &str, required: bool) {
        self.length(field, text, required, MAX_TEXT);
        for problem in pieces(text).filter_map(Result::err) {
            self.add(field, problem);
        }
    }

    fn lines(&mut self, lines: &[Line]) {
        if lines.is_empty() {
            self.add("lines", TemplateProblem::Empty);
        }
        if lines.len() > MAX_LINES {
            self.add("lines", TemplateProblem::TooMany(MAX_LINES));
        }
        for (index, line) in lines.iter().enumerate() {
            self.text(&format!("lines[{index}].text"), &line.text, true);
        }
    }

    fn colors(&mut self, colors: &Colors) {
        let all = [
            ("colors.background", &colors.background),
            ("colors.primary", &colors.primary),
            ("colors.accent", &colors.accent),
            ("colors.text", &colors.text),
            ("colors.muted", &colors.muted),
        ];
        for (field, color) in all {
            if rgb(color).is_none() {
                self.add(field, TemplateProblem::NotAColor);
            }
        }
    }
}

/// The red, green and blue of `#rrggbb`.
pub(super) fn rgb(color: &str) -> Option<[u8; 3]> {
    let digits = color.strip_prefix('#')?;
    if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let [_, red, green, blue] = u32::from_str_radix(digits, 16).ok()?.to_be_bytes();
    Some([red, green, blue])
}

#[derive(Clone, Copy)]
enum Placeholder {
    Name,
    Course,
    CompletedOn,
    ValidUntil,
    Serial,
    Issuer,
}

impl Placeholder {
    fn parse(name: &str) -> Result<Self, TemplateProblem> {
        Ok(match name {
            "name" => Self::Name,
            "course" => Self::Course,
            "completed_on" => Self::CompletedOn,
            "valid_until" => Self::ValidUntil,
            "serial" => Self::Serial,
            "issuer" => Self::Issuer,
            _ => return Err(TemplateProblem::UnknownPlaceholder(name.to_owned())),
        })
    }
}

enum Piece<'a> {
    Text(&'a str),
    Value(Placeholder),
}

/// Split `text` at its placeholders.
fn pieces(text: &str) -> impl Iterator<Item = Result<Piece<'_>, TemplateProblem>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (piece, after) = next_piece(rest);
        rest = after;
        Some(piece)
    })
}

fn next_piece(text: &str) -> (Result<Piece<'_>, TemplateProblem>, &str) {
    let Some(inside) = text.strip_prefix('{') else {
        let end = text.find('{').unwrap_or(text.len());
        let (plain, after) = text.split_at(end);
        let piece = if plain.contains('}') {
            Err(TemplateProblem::UnbalancedBrace)
        } else {
            Ok(Piece::Text(plain))
        };
        return (piece, after);
    };
    match inside.split_once('}') {
        Some((name, after)) => (Placeholder::parse(name).map(Piece::Value), after),
        None => (Err(TemplateProblem::UnbalancedBrace), ""),
    }
}

/// `text` with its placeholders filled; `None` when it speaks of an expiry that is not there.
///
/// Each value stands in a Unicode isolate, so that an Arabic name in an English sentence, or
/// a serial in a Hebrew one, disturbs nothing around it.
pub(super) fn fill(text: &str, document: &CertificateDocument<'_>) -> Option<String> {
    let date = |day: NaiveDate| dates::format(day, &document.template.language);
    let mut filled = String::with_capacity(text.len() * 2);
    for piece in pieces(text).flatten() {
        let value = match piece {
            Piece::Text(plain) => {
                filled.push_str(plain);
                continue;
            }
            Piece::Value(Placeholder::Name) => document.name.to_owned(),
            Piece::Value(Placeholder::Course) => document.course.to_owned(),
            Piece::Value(Placeholder::CompletedOn) => date(document.completed_on),
            Piece::Value(Placeholder::ValidUntil) => date(document.valid_until?),
            Piece::Value(Placeholder::Serial) => document.serial.to_owned(),
            Piece::Value(Placeholder::Issuer) => document.issuer.to_owned(),
        };
        filled.push('\u{2068}');
        filled.extend(value.chars().filter(|character| !directs(*character)));
        filled.push('\u{2069}');
    }
    Some(filled)
}

/// Whether `character` turns the direction of the text after it: a value may not, or it could
/// show as something else than it says.
fn directs(character: char) -> bool {
    matches!(character, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}
