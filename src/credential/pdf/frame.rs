//! The background and the frame: ornament only, which screen readers skip.

use krilla::color::rgb;
use krilla::geom::{Path, PathBuilder, Rect};
use krilla::num::NormalizedF32;
use krilla::paint::{Fill, Stroke};
use krilla::surface::Surface;
use krilla::tagging::{Artifact, ArtifactType, ContentTag};

use super::page::{Palette, Paper};

const OUTER: f32 = 24.0;
const INNER: f32 = 32.0;
/// The half diagonal of the diamonds that sit on the inner frame's corners.
const DIAMOND: f32 = 5.0;

pub(super) fn draw(surface: &mut Surface<'_>, paper: Paper, palette: &Palette) {
    decoration(surface, |surface| {
        fill(surface, rectangle(paper, 0.0), palette.background);
        stroke(surface, rectangle(paper, OUTER), palette.primary, 3.0);
        stroke(surface, rectangle(paper, INNER), palette.accent, 0.8);
        for x in [INNER, paper.width - INNER] {
            for y in [INNER, paper.height - INNER] {
                fill(surface, diamond(x, y, DIAMOND), palette.accent);
            }
        }
    });
}

/// A thin rule with a diamond in its middle.
pub(super) fn ornament(surface: &mut Surface<'_>, x: f32, y: f32, width: f32, color: rgb::Color) {
    decoration(surface, |surface| {
        let (half, gap) = (width / 2.0, 9.0);
        rule(surface, x - half, y, half - gap, color);
        rule(surface, x + gap, y, half - gap, color);
        fill(surface, diamond(x, y, 3.5), color);
    });
}

/// A thin rule from `x` to the right.
pub(super) fn hairline(surface: &mut Surface<'_>, x: f32, y: f32, width: f32, color: rgb::Color) {
    decoration(surface, |surface| rule(surface, x, y, width, color));
}

/// A filled rectangle behind something.
pub(super) fn panel(surface: &mut Surface<'_>, area: Rect, color: rgb::Color) {
    decoration(surface, |surface| {
        let mut path = PathBuilder::new();
        path.push_rect(area);
        fill(surface, path.finish(), color);
    });
}

/// Fill `path`; the caller has opened the tag that it belongs to.
pub(super) fn fill(surface: &mut Surface<'_>, path: Option<Path>, color: rgb::Color) {
    surface.set_stroke(None);
    surface.set_fill(Some(Fill {
        paint: color.into(),
        ..Fill::default()
    }));
    if let Some(path) = path {
        surface.draw_path(&path);
    }
}

fn decoration(surface: &mut Surface<'_>, draw: impl FnOnce(&mut Surface<'_>)) {
    surface.start_tagged(ContentTag::Artifact(Artifact::with_kind(ArtifactType::Layout)));
    draw(surface);
    surface.end_tagged();
}

fn rule(surface: &mut Surface<'_>, x: f32, y: f32, width: f32, color: rgb::Color) {
    let mut path = PathBuilder::new();
    if let Some(bar) = Rect::from_xywh(x, y - 0.4, width, 0.8) {
        path.push_rect(bar);
    }
    fill(surface, path.finish(), color);
}

fn stroke(surface: &mut Surface<'_>, path: Option<Path>, color: rgb::Color, width: f32) {
    surface.set_fill(None);
    surface.set_stroke(Some(Stroke {
        paint: color.into(),
        width,
        opacity: NormalizedF32::ONE,
        ..Stroke::default()
    }));
    if let Some(path) = path {
        surface.draw_path(&path);
    }
    surface.set_stroke(None);
}

/// The paper's outline, moved inwards by `inset`.
fn rectangle(paper: Paper, inset: f32) -> Option<Path> {
    let (right, bottom) = (paper.width - inset, paper.height - inset);
    let mut path = PathBuilder::new();
    path.push_rect(Rect::from_ltrb(inset, inset, right, bottom)?);
    path.finish()
}

fn diamond(x: f32, y: f32, half: f32) -> Option<Path> {
    let mut path = PathBuilder::new();
    path.move_to(x, y - half);
    path.line_to(x + half, y);
    path.line_to(x, y + half);
    path.line_to(x - half, y);
    path.close();
    path.finish()
}
