//! The page: the frame, the texts from top to bottom, the foot with signature and QR code.

use std::num::NonZeroU16;

use chrono::{DateTime, Datelike, Timelike, Utc};
use krilla::Document;
use krilla::SerializeSettings;
use krilla::color::rgb;
use krilla::configure::{Accessibility, Archival, ConfigurationBuilder};
use krilla::destination::XyzDestination;
use krilla::geom::Point;
use krilla::metadata::{self, Metadata, TextDirection};
use krilla::outline::{Outline, OutlineNode};
use krilla::page::PageSettings;
use krilla::tagging::{Node, Tag, TagGroup, TagTree};

use super::body::Body;
use super::foot::Foot;
use super::frame;
use super::template::{self, fill};
use super::text::Typesetter;
use super::{CertificateDocument, Orientation, PageSize, RenderError, Rendered, Template};

/// From the paper's edge to the texts.
pub(super) const MARGIN: f32 = 58.0;
/// The texts shrink step by step until they fit.
const SHRINK: f32 = 0.93;
const SMALLEST: f32 = 0.3;

/// The template's colours for the writer.
pub(super) struct Palette {
    pub background: rgb::Color,
    pub primary: rgb::Color,
    pub accent: rgb::Color,
    pub text: rgb::Color,
    pub muted: rgb::Color,
}

/// Width and height of the paper in points.
#[derive(Clone, Copy)]
pub(super) struct Paper {
    pub width: f32,
    pub height: f32,
}

pub(super) fn render(document: &CertificateDocument<'_>) -> Result<Rendered, RenderError> {
    let paper = Paper::of(document.template);
    let palette = Palette::of(document.template);
    let mut typesetter = Typesetter::new(document.template, document.font_dir)?;
    let (body, foot) = fit(document, &palette, paper, &mut typesetter)?;

    let mut pdf = Document::new_with(settings()?);
    let page_settings = PageSettings::from_wh(paper.width, paper.height).ok_or(RenderError::DoesNotFit)?;
    let mut page = pdf.start_page_with(page_settings);
    let mut surface = page.surface();
    frame::draw(&mut surface, paper, &palette);
    let room = paper.height - MARGIN - foot.height();
    let mut nodes = body.draw(&mut surface, &typesetter, paper, room)?;
    let (foot_nodes, link) = foot.draw(&mut surface, &typesetter, paper)?;
    surface.finish();
    nodes.extend(foot_nodes);
    nodes.push(link.annotate(&mut page));
    page.finish();

    describe(&mut pdf, document, nodes);
    let pdf = pdf
        .finish()
        .map_err(|error| RenderError::Pdf(format!("{error:?}")))?;
    Ok(Rendered {
        pdf,
        missing: typesetter.missing(),
    })
}

/// Set all texts, smaller and smaller until they fit on the page.
fn fit(
    document: &CertificateDocument<'_>,
    palette: &Palette,
    paper: Paper,
    typesetter: &mut Typesetter,
) -> Result<(Body, Foot), RenderError> {
    let mut scale = 1.0;
    while scale > SMALLEST {
        let foot = Foot::set(document, palette, paper, typesetter, scale);
        let body = Body::set(document, palette, paper, typesetter, scale);
        if MARGIN + body.height() + foot.height() <= paper.height {
            return Ok((body, foot));
        }
        scale *= SHRINK;
    }
    Err(RenderError::DoesNotFit)
}

fn settings() -> Result<SerializeSettings, RenderError> {
    let configuration = ConfigurationBuilder::new()
        .with_archival_validator(Archival::A2_A)
        .with_accessibility_validator(Accessibility::UA1)
        .finish()
        .map_err(|error| RenderError::Pdf(format!("{error:?}")))?;
    Ok(SerializeSettings {
        configuration,
        ..SerializeSettings::default()
    })
}

/// Add what readers and screen readers are told: title, author, language, structure.
fn describe(pdf: &mut Document, document: &CertificateDocument<'_>, nodes: Vec<Node>) {
    let template = document.template;
    let heading = plain(&template.heading, document);
    let mut outline = Outline::new();
    let top = XyzDestination::new(0, Point::from_xy(0.0, 0.0));
    outline.push_child(OutlineNode::new(heading.clone(), top));
    pdf.set_outline(outline);

    let direction = if template.is_right_to_left() {
        TextDirection::RightToLeft
    } else {
        TextDirection::LeftToRight
    };
    pdf.set_metadata(
        Metadata::new()
            .title(format!("{heading} – {}", document.name))
            .description(document.course.to_owned())
            .authors(vec![document.issuer.to_owned()])
            .creator("Provost".to_owned())
            .language(template.language.clone())
            .text_direction(direction)
            .creation_date(date_time(document.issued_at)),
    );

    let mut tree = TagTree::new().with_lang(Some(template.language.clone()));
    let mut section = TagGroup::new(Tag::Section);
    nodes.into_iter().for_each(|node| section.push(node));
    tree.push(section);
    pdf.set_tag_tree(tree);
}

/// `text` filled, without the marks that only layout needs.
fn plain(text: &str, document: &CertificateDocument<'_>) -> String {
    fill(text, document)
        .unwrap_or_default()
        .replace(['\u{2068}', '\u{2069}'], "")
}

fn date_time(instant: DateTime<Utc>) -> metadata::DateTime {
    metadata::DateTime::new(u16::try_from(instant.year()).unwrap_or_default())
        .month(instant.month() as u8)
        .day(instant.day() as u8)
        .hour(instant.hour() as u8)
        .minute(instant.minute() as u8)
        .second(instant.second() as u8)
        .utc_offset_hour(0)
        .utc_offset_minute(0)
}

/// The heading's tag of level 1.
pub(super) fn heading_tag(title: &str) -> Tag<krilla::tagging::kind::Hn> {
    Tag::Hn(NonZeroU16::MIN, Some(title.to_owned()))
}

impl Paper {
    fn of(template: &Template) -> Self {
        let (short, long) = match template.page_size {
            PageSize::A4 => (595.28, 841.89),
            PageSize::Letter => (612.0, 792.0),
        };
        match template.orientation {
            Orientation::Landscape => Self {
                width: long,
                height: short,
            },
            Orientation::Portrait => Self {
                width: short,
                height: long,
            },
        }
    }

    /// The width of the texts.
    pub(super) fn measure(self) -> f32 {
        self.width - 2.0 * MARGIN
    }
}

impl Palette {
    fn of(template: &Template) -> Self {
        let color = |text: &str| {
            let [red, green, blue] = template::rgb(text).unwrap_or_default();
            rgb::Color::new(red, green, blue)
        };
        let colors = &template.colors;
        Self {
            background: color(&colors.background),
            primary: color(&colors.primary),
            accent: color(&colors.accent),
            text: color(&colors.text),
            muted: color(&colors.muted),
        }
    }
}
