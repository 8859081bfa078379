//! Sets a certificate as a PDF: one page, tagged (PDF/UA-1) and archivable (PDF/A-2a).
//!
//! Pure: everything it shows comes in, nothing is read from a database, a clock or the
//! network, and the same input gives the same bytes. Called by the job that issues
//! certificates and by template previews, from any thread.

mod body;
mod dates;
mod fonts;
mod foot;
mod frame;
mod known;
mod page;
mod qr;
mod template;
mod text;

use std::path::Path;

use chrono::{DateTime, NaiveDate, Utc};

use text::Typesetter;

pub use template::{
    Colors, Line, LineStyle, Orientation, PageSize, Signature, Template, TemplateError, TemplateProblem,
};

/// What one certificate shows.
#[derive(Clone, Copy, Debug)]
pub struct CertificateDocument<'a> {
    /// The learner's name as it is to be printed.
    pub name: &'a str,
    /// The course's title at the time of issue.
    pub course: &'a str,
    /// The day of completion.
    pub completed_on: NaiveDate,
    /// The last day of validity; `None` when the certificate does not expire.
    pub valid_until: Option<NaiveDate>,
    /// The certificate's serial.
    pub serial: &'a str,
    /// The public address that verifies the certificate; printed, linked and in the QR code.
    pub verification_url: &'a str,
    /// The issuing academy.
    pub issuer: &'a str,
    /// The instant of issue, which becomes the PDF's creation date.
    pub issued_at: DateTime<Utc>,
    /// How it looks.
    pub template: &'a Template,
    /// A folder of fonts for characters that those in the binary lack.
    pub font_dir: Option<&'a Path>,
}

/// A certificate that was set.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendered {
    /// The PDF.
    pub pdf: Vec<u8>,
    /// The characters that no font has; they are printed as U+FFFD.
    pub missing: Vec<char>,
}

/// Why a certificate could not be set.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The template does not pass [`Template::check`].
    #[error("the template is not valid: {}", list(.0))]
    Template(Vec<TemplateError>),
    /// Even at the smallest size the texts do not fit on the page.
    #[error("the texts do not fit on one page")]
    DoesNotFit,
    /// The verification address is too long for a QR code.
    #[error("the verification address is too long for a QR code")]
    AddressTooLong,
    /// A shipped font cannot be read.
    #[error("a built-in font cannot be read: {0}")]
    Font(&'static str),
    /// The PDF writer refused the document.
    #[error("the PDF could not be written: {0}")]
    Pdf(String),
}

fn list(errors: &[TemplateError]) -> String {
    let texts: Vec<_> = errors.iter().map(ToString::to_string).collect();
    texts.join("; ")
}

/// Set `document` as a PDF of one page.
///
/// Characters that no font has are printed as U+FFFD.
pub fn render(document: &CertificateDocument<'_>) -> Result<Rendered, RenderError> {
    document.template.check().map_err(RenderError::Template)?;
    page::render(document)
}

/// The families that `folder` adds to the fonts in the binary.
pub fn families_of(folder: &Path) -> Result<Vec<String>, RenderError> {
    Ok(fonts::shared(Some(folder))?.others().to_vec())
}

/// Those of `characters` that no font has, neither in the binary nor in the folder.
pub fn missing_of(
    characters: impl IntoIterator<Item = char>,
    font_dir: Option<&Path>,
) -> Result<Vec<char>, RenderError> {
    let mut typesetter = Typesetter::new(&Template::default(), font_dir)?;
    let mut text = String::new();
    for character in characters {
        text.push(character);
        text.push(' ');
    }
    typesetter.try_out(&text);
    Ok(typesetter.missing())
}

/// The fonts that would bring `missing` characters, if known: each family with its file.
pub fn fonts_with(missing: &[char]) -> Vec<String> {
    let mut fonts: Vec<String> = missing.iter().copied().filter_map(known::font_with).collect();
    fonts.sort_unstable();
    fonts.dedup();
    fonts
}

/// A character for people who look for a font: `U+1F9E8 (🧨)`.
pub fn named(character: char) -> String {
    format!("U+{:04X} ({character})", u32::from(character))
}
