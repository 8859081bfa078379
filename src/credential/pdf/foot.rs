//! The foot: who signs on the left, the serial in the middle, the QR code and its address
//! on the right.

use krilla::action::{Action, LinkAction};
use krilla::annotation::{Annotation, LinkAnnotation, Target};
use krilla::color::rgb;
use krilla::geom::{Point, Rect};
use krilla::page::Page;
use krilla::surface::Surface;
use krilla::tagging::{BBox, ContentTag, Identifier, Node, Tag, TagGroup};
use parley::Alignment;

use super::fonts::Face;
use super::page::{MARGIN, Palette, Paper};
use super::template::fill;
use super::text::{Paragraph, Style, Typesetter};
use super::{CertificateDocument, RenderError, Signature, frame, qr};

/// From the paper's lower edge to the foot's last line.
const BOTTOM: f32 = 48.0;
/// The space between body and foot.
const ABOVE: f32 = 14.0;
const QR_SIZE: f32 = 84.0;
const RULE_GAP: f32 = 5.0;

/// The texts of the foot at one scale.
pub(super) struct Foot {
    signature: Option<(Paragraph, Paragraph)>,
    serial: Option<Paragraph>,
    verification: Option<Paragraph>,
    address: Paragraph,
    url: String,
    columns: Columns,
    rule: rgb::Color,
}

/// Three columns side by side.
#[derive(Clone, Copy)]
struct Columns {
    side: f32,
    middle: f32,
}

/// The address on the page that becomes a link once the page's content is closed.
pub(super) struct Link {
    url: String,
    area: Rect,
    lines: Vec<Identifier>,
}

impl Foot {
    pub(super) fn set(
        document: &CertificateDocument<'_>,
        palette: &Palette,
        paper: Paper,
        typesetter: &mut Typesetter,
        scale: f32,
    ) -> Self {
        let measure = paper.measure();
        let columns = Columns {
            side: measure * 0.34,
            middle: measure * 0.3,
        };
        let style = |size: f32, color, align| {
            let size = size * scale.max(0.7);
            Style {
                face: Face::Sans,
                bold: false,
                size,
                letter_spacing: 0.0,
                color,
                align,
            }
        };
        let small = |align| style(8.5, palette.muted, align);
        let mut optional = |text: &str, align, width| {
            let text = fill(text, document).filter(|text| !text.trim().is_empty())?;
            Some(typesetter.set(&text, small(align), width))
        };
        let template = document.template;
        let verification = optional(&template.verification, Alignment::Right, columns.side);
        // A serial that is broken into two lines is copied without its hyphen, and names nothing.
        let serial = fill(&template.footer, document)
            .filter(|text| !text.trim().is_empty())
            .map(|text| typesetter.set_on_one_line(&text, small(Alignment::Center), columns.middle));
        let url = document.verification_url;
        let address = typesetter.set(url, style(7.5, palette.muted, Alignment::Right), columns.side);
        let signature = template.signature.as_ref().map(|Signature { name, title }| {
            let name_style = style(12.0, palette.text, Alignment::Left);
            let name = typesetter.set(name, name_style, columns.side);
            (name, typesetter.set(title, small(Alignment::Left), columns.side))
        });
        let (url, rule) = (url.to_owned(), palette.accent);
        Self {
            signature,
            serial,
            verification,
            address,
            url,
            columns,
            rule,
        }
    }

    /// The foot's height, from the end of the body to the paper's edge.
    pub(super) fn height(&self) -> f32 {
        let right = QR_SIZE + height(self.verification.as_ref()) + self.address.height();
        let left = self
            .signature
            .as_ref()
            .map_or(0.0, |(name, title)| name.height() + title.height() + RULE_GAP);
        ABOVE + right.max(left).max(height(self.serial.as_ref())) + BOTTOM
    }

    pub(super) fn draw(
        &self,
        surface: &mut Surface<'_>,
        typesetter: &Typesetter,
        paper: Paper,
    ) -> Result<(Vec<Node>, Link), RenderError> {
        let bottom = paper.height - BOTTOM;
        let mut nodes = self.draw_signature(surface, typesetter, bottom)?;
        if let Some(serial) = &self.serial {
            let left = (paper.width - self.columns.middle) / 2.0;
            let at = Point::from_xy(left, bottom - serial.height());
            nodes.push(paragraph(typesetter.draw(surface, serial, at)?));
        }
        let left = paper.width - MARGIN - self.columns.side;
        let address_top = bottom - self.address.height();
        let label_top = address_top - height(self.verification.as_ref());
        nodes.push(self.draw_code(surface, paper.width - MARGIN, label_top)?);
        if let Some(label) = &self.verification {
            let lines = typesetter.draw(surface, label, Point::from_xy(left, label_top))?;
            nodes.push(paragraph(lines));
        }
        let lines = typesetter.draw(surface, &self.address, Point::from_xy(left, address_top))?;
        let area = Rect::from_ltrb(left, address_top, left + self.columns.side, bottom)
            .ok_or(RenderError::DoesNotFit)?;
        Ok((
            nodes,
            Link {
                url: self.url.clone(),
                area,
                lines,
            },
        ))
    }

    fn draw_signature(
        &self,
        surface: &mut Surface<'_>,
        typesetter: &Typesetter,
        bottom: f32,
    ) -> Result<Vec<Node>, RenderError> {
        let Some((name, title)) = &self.signature else {
            return Ok(Vec::new());
        };
        let title_top = bottom - title.height();
        let name_top = title_top - name.height();
        frame::hairline(
            surface,
            MARGIN,
            name_top - RULE_GAP,
            self.columns.side * 0.8,
            self.rule,
        );
        let name = typesetter.draw(surface, name, Point::from_xy(MARGIN, name_top))?;
        let title = typesetter.draw(surface, title, Point::from_xy(MARGIN, title_top))?;
        Ok(vec![paragraph(name), paragraph(title)])
    }

    /// The QR code on white, with its lower right corner at the given point.
    fn draw_code(&self, surface: &mut Surface<'_>, right: f32, bottom: f32) -> Result<Node, RenderError> {
        let (left, top) = (right - QR_SIZE, bottom - QR_SIZE);
        let area = Rect::from_ltrb(left, top, right, bottom).ok_or(RenderError::DoesNotFit)?;
        let squares = qr::path(&self.url, area)?;
        frame::panel(surface, area, rgb::Color::white());
        let identifier = surface.start_tagged(ContentTag::Other);
        frame::fill(surface, Some(squares), rgb::Color::black());
        surface.end_tagged();
        let tag = Tag::Figure(Some(format!("QR code: {}", self.url)));
        let tag = tag.with_bbox(Some(BBox::new(0, area)));
        Ok(TagGroup::with_children(tag, vec![identifier.into()]).into())
    }
}

impl Link {
    /// Make the address a link, and give its node in the structure.
    pub(super) fn annotate(self, page: &mut Page<'_>) -> Node {
        let target = Target::Action(Action::Link(LinkAction::new(self.url.clone())));
        let annotation = Annotation::new_link(LinkAnnotation::new(self.area, target), Some(self.url));
        let mut link = TagGroup::new(Tag::Link);
        self.lines.into_iter().for_each(|line| link.push(line));
        link.push(page.add_tagged_annotation(annotation));
        TagGroup::with_children(Tag::P, vec![link.into()]).into()
    }
}

fn height(paragraph: Option<&Paragraph>) -> f32 {
    paragraph.map_or(0.0, Paragraph::height)
}

fn paragraph(lines: Vec<Identifier>) -> Node {
    TagGroup::with_children(Tag::P, lines.into_iter().map(Node::from).collect()).into()
}
