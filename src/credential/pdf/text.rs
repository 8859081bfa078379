//! Paragraphs: shaped and broken into lines by parley, drawn by krilla.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use krilla::color::rgb;
use krilla::geom::Point;
use krilla::paint::Fill;
use krilla::surface::Surface;
use krilla::tagging::{ContentTag, Identifier, SpanTag};
use krilla::text::{GlyphId, KrillaGlyph};
use parley::style::{FontWeight, Language, LineHeight, OverflowWrap, StyleProperty};
use parley::{Alignment, AlignmentOptions, BaseDirection, FontContext, Layout, LayoutContext, Run};

use super::fonts::{self, Face, Fonts};
use super::{RenderError, Template};

/// From here on Unicode has scripts whose letters join, which spacing would tear apart.
const JOINING_SCRIPTS: char = '\u{0590}';

/// A repair can make new clusters of the text's rest, which may want repair themselves.
const REPAIRS: usize = 16;

/// How a paragraph is set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    pub face: Face,
    pub bold: bool,
    pub size: f32,
    pub letter_spacing: f32,
    pub color: rgb::Color,
    pub align: Alignment,
}

/// A text set in lines.
pub(super) struct Paragraph {
    text: String,
    layout: Layout<()>,
    color: rgb::Color,
}

/// Sets the paragraphs of one document.
pub(super) struct Typesetter {
    fonts: Arc<Fonts>,
    font_context: FontContext,
    layout_context: LayoutContext<()>,
    direction: BaseDirection,
    language: Option<Language>,
    missing: Vec<char>,
}

impl Typesetter {
    /// With the fonts of `folder` beside those in the binary.
    pub(super) fn new(template: &Template, folder: Option<&Path>) -> Result<Self, RenderError> {
        let fonts = fonts::shared(folder)?;
        let direction = if template.is_right_to_left() {
            BaseDirection::Rtl
        } else {
            BaseDirection::Ltr
        };
        Ok(Self {
            font_context: fonts.context(),
            fonts,
            layout_context: LayoutContext::new(),
            direction,
            language: Language::parse(&template.language).ok(),
            missing: Vec::new(),
        })
    }

    /// The characters met so far that no font has, each once.
    pub(super) fn missing(&self) -> Vec<char> {
        let mut missing = self.missing.clone();
        missing.sort_unstable();
        missing.dedup();
        missing
    }

    /// Set `text` in lines of at most `width`.
    pub(super) fn set(&mut self, text: &str, style: Style, width: f32) -> Paragraph {
        let mut text = printable(text);
        let mut layout = self.lay_out(&text, style, width);
        for round in 0..REPAIRS {
            let missing = missing_clusters(&layout);
            if missing.is_empty() {
                break;
            }
            let repair = if round == 0 {
                Repair::KeepBase
            } else {
                Repair::Replace
            };
            text = self.repaired(&text, &missing, repair);
            layout = self.lay_out(&text, style, width);
        }
        Paragraph {
            text,
            layout,
            color: style.color,
        }
    }

    /// Sets `text` only to see which of its characters are missing.
    pub(super) fn try_out(&mut self, text: &str) {
        let style = Style {
            face: Face::Sans,
            bold: false,
            size: 10.0,
            letter_spacing: 0.0,
            color: rgb::Color::black(),
            align: Alignment::Start,
        };
        self.set(text, style, f32::MAX);
    }

    /// `text` without what no font has in its `missing` clusters.
    fn repaired(&mut self, text: &str, missing: &[Range<usize>], repair: Repair) -> String {
        let mut repaired = String::with_capacity(text.len());
        let mut end = 0;
        for cluster in missing {
            repaired.push_str(&text[end..cluster.start]);
            let mut characters = text[cluster.clone()].chars();
            match (repair, characters.clone().count()) {
                (Repair::KeepBase, 2..) => repaired.extend(characters.next()),
                _ => repaired.push('\u{FFFD}'),
            }
            self.missing.extend(characters);
            end = cluster.end;
        }
        repaired.push_str(&text[end..]);
        repaired
    }

    /// Like `set`, in the largest size from 60 % up that keeps the text on one line; a text
    /// that is too long even so wraps.
    pub(super) fn set_on_one_line(&mut self, text: &str, style: Style, width: f32) -> Paragraph {
        let paragraph = self.set(text, style, width);
        let needed = paragraph.layout.calculate_content_widths().max;
        let factor = if needed > width {
            width / needed * 0.995
        } else {
            return paragraph;
        };
        let factor = if factor < 0.6 { 0.7 } else { factor };
        let smaller = Style {
            size: style.size * factor,
            letter_spacing: style.letter_spacing * factor,
            ..style
        };
        self.set(text, smaller, width)
    }

    fn lay_out(&mut self, text: &str, style: Style, width: f32) -> Layout<()> {
        let mut builder = self
            .layout_context
            .ranged_builder(&mut self.font_context, text, 1.0, false);
        builder.set_base_direction(self.direction);
        builder.push_default(StyleProperty::FontFamily(self.fonts.families(style.face)));
        builder.push_default(StyleProperty::FontSize(style.size));
        if text.chars().all(|character| character < JOINING_SCRIPTS) {
            builder.push_default(StyleProperty::LetterSpacing(style.letter_spacing));
        }
        builder.push_default(StyleProperty::LineHeight(LineHeight::FontSizeRelative(1.32)));
        builder.push_default(StyleProperty::OverflowWrap(OverflowWrap::Anywhere));
        builder.push_default(StyleProperty::Locale(self.language));
        if style.bold {
            builder.push_default(StyleProperty::FontWeight(FontWeight::BOLD));
        }
        let mut layout = builder.build(text);
        layout.break_all_lines(Some(width));
        layout.align(style.align, AlignmentOptions::default());
        layout
    }

    /// Draw `paragraph` with its top left corner at `at`; one identifier a line.
    pub(super) fn draw(
        &self,
        surface: &mut Surface<'_>,
        paragraph: &Paragraph,
        at: Point,
    ) -> Result<Vec<Identifier>, RenderError> {
        surface.set_fill(Some(Fill {
            paint: paragraph.color.into(),
            ..Fill::default()
        }));
        let mut identifiers = Vec::with_capacity(paragraph.layout.len());
        for line in paragraph.layout.lines() {
            identifiers.push(surface.start_tagged(ContentTag::Span(SpanTag::empty())));
            let metrics = line.metrics();
            let mut x = at.x + metrics.inline_min_coord + metrics.offset;
            for run in line.runs() {
                let start = Point::from_xy(x, at.y + metrics.baseline);
                self.draw_run(surface, &paragraph.text, &run, start)?;
                x += run.advance();
            }
            surface.end_tagged();
        }
        Ok(identifiers)
    }

    fn draw_run(
        &self,
        surface: &mut Surface<'_>,
        text: &str,
        run: &Run<'_, ()>,
        at: Point,
    ) -> Result<(), RenderError> {
        let glyphs = visual_glyphs(run, text);
        if glyphs.is_empty() {
            return Ok(());
        }
        let font = fonts::writer_font(run.font());
        let font = font.ok_or(RenderError::Font("not one of ours"))?;
        surface.draw_glyphs(at, &glyphs, font, text, run.font_size(), false);
        Ok(())
    }
}

impl Paragraph {
    pub(super) fn height(&self) -> f32 {
        self.layout.height()
    }
}

/// A run's glyphs from left to right, each with the text that it stands for.
///
/// A ligature stands for all the clusters it joins, or text copied from the PDF would lose
/// letters; clusters are joined in logical order, for in visual order a right-to-left
/// ligature's continuations come first.
fn visual_glyphs(run: &Run<'_, ()>, text: &str) -> Vec<KrillaGlyph> {
    let size = run.font_size();
    let mut clusters: Vec<(Range<usize>, Vec<KrillaGlyph>)> = Vec::new();
    for cluster in run.clusters() {
        if let Some((range, _)) = clusters.last_mut().filter(|_| cluster.is_ligature_continuation()) {
            range.end = cluster.text_range().end;
            continue;
        }
        let glyphs = cluster.glyphs().map(|glyph| {
            let (advance, x, y) = (glyph.advance / size, glyph.x / size, glyph.y / size);
            KrillaGlyph::new(GlyphId::new(glyph.id), advance, x, y, 0.0, 0..0, None)
        });
        clusters.push((cluster.text_range(), glyphs.collect()));
    }
    if run.is_rtl() {
        clusters.reverse();
    }
    clusters.retain(|(range, _)| !text[range.clone()].chars().all(is_isolate));
    let with_range = |(range, glyphs): (Range<usize>, Vec<KrillaGlyph>)| {
        glyphs.into_iter().map(move |glyph| KrillaGlyph {
            text_range: range.clone(),
            ..glyph
        })
    };
    clusters.into_iter().flat_map(with_range).collect()
}

/// What to do with a letter that has no glyph, or whose marks have none.
#[derive(Clone, Copy)]
enum Repair {
    /// Print the letter without its marks.
    KeepBase,
    /// Print U+FFFD.
    Replace,
}

/// Where the "not defined" glyph was set, in the text's order.
fn missing_clusters(layout: &Layout<()>) -> Vec<Range<usize>> {
    let mut missing = Vec::new();
    for run in layout.lines().flat_map(|line| line.runs()) {
        let clusters = run.clusters();
        let without_glyph = clusters.filter(|cluster| cluster.glyphs().any(|glyph| glyph.id == 0));
        missing.extend(without_glyph.map(|cluster| cluster.text_range()));
    }
    missing.sort_unstable_by_key(|range| range.start);
    missing
}

/// Controls for text direction around a placeholder's value; they have no glyph of their own.
fn is_isolate(character: char) -> bool {
    matches!(character, '\u{2066}'..='\u{2069}')
}

/// `text` without what a PDF for archives may not hold, on one line of input.
fn printable(text: &str) -> String {
    let replace = |character: char| match character {
        '\u{FEFF}' | '\u{FFFE}' | '\u{FFFF}' => None,
        '\u{E000}'..='\u{F8FF}' | '\u{F0000}'..='\u{10FFFF}' => Some('\u{FFFD}'),
        '\u{2028}' | '\u{2029}' => Some(' '),
        _ if character.is_control() => Some(' '),
        _ => Some(character),
    };
    text.chars().filter_map(replace).collect()
}
