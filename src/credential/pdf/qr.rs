//! The QR code as vector squares.

use fast_qr::{ECL, Module, QRBuilder};
use krilla::geom::{Path, PathBuilder, Rect};

use super::RenderError;

/// The light margin around the code that the standard asks for, in modules.
const QUIET_ZONE: f32 = 4.0;

/// The dark squares of `address` as a QR code that fills `area`, its quiet zone included.
pub(super) fn path(address: &str, area: Rect) -> Result<Path, RenderError> {
    let code = QRBuilder::new(address)
        .ecl(ECL::M)
        .build()
        .map_err(|_| RenderError::AddressTooLong)?;
    let module = area.width() / (code.size as f32 + 2.0 * QUIET_ZONE);
    let mut path = PathBuilder::new();
    for row in 0..code.size {
        let top = area.top() + (row as f32 + QUIET_ZONE) * module;
        for (start, length) in dark_runs(&code[row]) {
            let left = area.left() + (start as f32 + QUIET_ZONE) * module;
            if let Some(bar) = Rect::from_xywh(left, top, length as f32 * module, module) {
                path.push_rect(bar);
            }
        }
    }
    path.finish().ok_or(RenderError::AddressTooLong)
}

/// Where dark modules begin in a row, and how many follow one another.
fn dark_runs(row: &[Module]) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for (column, _) in row.iter().enumerate().filter(|(_, module)| module.value()) {
        match runs.last_mut() {
            Some((start, length)) if *start + *length == column => *length += 1,
            _ => runs.push((column, 1)),
        }
    }
    runs
}
