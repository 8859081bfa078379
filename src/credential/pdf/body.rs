//! The body: header, heading and the template's lines, one under the other in the middle.

use krilla::color::rgb;
use krilla::geom::Point;
use krilla::surface::Surface;
use krilla::tagging::{Node, Tag, TagGroup, TagKind};
use parley::Alignment;

use super::fonts::Face;
use super::frame;
use super::page::{MARGIN, Palette, Paper, heading_tag};
use super::template::fill;
use super::text::{Paragraph, Style, Typesetter};
use super::{CertificateDocument, Line, LineStyle, RenderError};

/// The ornament's height under the heading, its space included.
const ORNAMENT: f32 = 26.0;
/// At most this much of the spare room goes above each paragraph.
const LOOSEST: f32 = 9.0;

/// One paragraph of the body.
struct Block {
    paragraph: Paragraph,
    space_before: f32,
    tag: TagKind,
    /// Whether the ornament stands under it.
    ornament: bool,
}

/// All paragraphs of the body at one scale.
pub(super) struct Body {
    blocks: Vec<Block>,
    scale: f32,
    accent: rgb::Color,
}

struct Setting<'a> {
    document: &'a CertificateDocument<'a>,
    palette: &'a Palette,
    width: f32,
    scale: f32,
}

impl Body {
    pub(super) fn set(
        document: &CertificateDocument<'_>,
        palette: &Palette,
        paper: Paper,
        typesetter: &mut Typesetter,
        scale: f32,
    ) -> Self {
        let setting = Setting {
            document,
            palette,
            width: paper.measure(),
            scale,
        };
        let template = document.template;
        let mut blocks = Vec::new();
        blocks.extend(setting.header(&template.header, typesetter));
        blocks.extend(setting.heading(&template.heading, typesetter));
        for line in &template.lines {
            blocks.extend(setting.line(line, typesetter));
        }
        Self {
            blocks,
            scale,
            accent: palette.accent,
        }
    }

    pub(super) fn height(&self) -> f32 {
        let heights = self.blocks.iter().map(|block| {
            let ornament = if block.ornament {
                ORNAMENT * self.scale
            } else {
                0.0
            };
            block.space_before + block.paragraph.height() + ornament
        });
        heights.sum()
    }

    /// Draw the body in the middle of the `room` that is left of the page's height.
    pub(super) fn draw(
        &self,
        surface: &mut Surface<'_>,
        typesetter: &Typesetter,
        paper: Paper,
        room: f32,
    ) -> Result<Vec<Node>, RenderError> {
        let spare = (room - self.height()).max(0.0);
        let leading = (spare * 0.5 / self.blocks.len() as f32).min(LOOSEST);
        let mut y = MARGIN + (spare - leading * self.blocks.len() as f32) / 2.0;
        let mut nodes = Vec::with_capacity(self.blocks.len());
        for block in &self.blocks {
            y += block.space_before + leading;
            let lines = typesetter.draw(surface, &block.paragraph, Point::from_xy(MARGIN, y))?;
            let children = lines.into_iter().map(Node::from).collect();
            nodes.push(TagGroup::with_children(block.tag.clone(), children).into());
            y += block.paragraph.height();
            if block.ornament {
                let height = ORNAMENT * self.scale;
                let middle = y + height / 2.0;
                frame::ornament(
                    surface,
                    paper.width / 2.0,
                    middle,
                    220.0 * self.scale,
                    self.accent,
                );
                y += height;
            }
        }
        Ok(nodes)
    }
}

impl Setting<'_> {
    fn header(&self, text: &str, typesetter: &mut Typesetter) -> Option<Block> {
        let style = Style {
            letter_spacing: 1.2 * self.scale,
            ..self.style(Face::Sans, false, 13.0, self.palette.muted)
        };
        let text = self.filled(text)?;
        let paragraph = typesetter.set_on_one_line(&text, style, self.width);
        Some(Block {
            paragraph,
            space_before: 0.0,
            tag: Tag::P.into(),
            ornament: false,
        })
    }

    fn heading(&self, text: &str, typesetter: &mut Typesetter) -> Option<Block> {
        let text = self.filled(text)?;
        let style = self.style(Face::Serif, true, 40.0, self.palette.primary);
        let paragraph = typesetter.set_on_one_line(&text, style, self.width);
        let tag = heading_tag(&text.replace(['\u{2068}', '\u{2069}'], "")).into();
        Some(Block {
            paragraph,
            space_before: 8.0 * self.scale,
            tag,
            ornament: true,
        })
    }

    fn line(&self, line: &Line, typesetter: &mut Typesetter) -> Option<Block> {
        let text = self.filled(&line.text)?;
        let Palette {
            primary,
            text: ink,
            muted,
            ..
        } = *self.palette;
        let (style, space) = match line.style {
            LineStyle::Name => (self.style(Face::Serif, false, 36.0, primary), 6.0),
            LineStyle::Title => (self.style(Face::Serif, true, 23.0, ink), 8.0),
            LineStyle::Normal => (self.style(Face::Sans, false, 14.0, ink), 10.0),
            LineStyle::Small => (self.style(Face::Sans, false, 10.5, muted), 8.0),
        };
        let paragraph = match line.style {
            LineStyle::Name => typesetter.set_on_one_line(&text, style, self.width),
            _ => typesetter.set(&text, style, self.width),
        };
        let space_before = space * self.scale;
        Some(Block {
            paragraph,
            space_before,
            tag: Tag::P.into(),
            ornament: false,
        })
    }

    fn filled(&self, text: &str) -> Option<String> {
        fill(text, self.document).filter(|text| !text.trim().is_empty())
    }

    fn style(&self, face: Face, bold: bool, size: f32, color: rgb::Color) -> Style {
        let size = size * self.scale;
        Style {
            face,
            bold,
            size,
            letter_spacing: 0.0,
            color,
            align: Alignment::Center,
        }
    }
}
