//! How much one PATCH may make of little: a few bytes of a path have a thousand values looked at, or a value copied into
//! each of them.

use crate::http::{ApiError, ApiResult, Code};

/// Values that one PATCH may look at, and bytes that it may copy, in all. Any single operation looks at fewer.
const MOST: usize = 2_000_000;

/// What is left of that.
#[derive(Debug)]
pub struct PatchBudget {
    left: usize,
}

impl Default for PatchBudget {
    fn default() -> Self {
        PatchBudget { left: MOST }
    }
}

impl PatchBudget {
    /// Counts what an operation is about to do; refused where it is too much.
    pub fn spend(&mut self, steps: usize) -> ApiResult<()> {
        self.left = self.left.checked_sub(steps).ok_or_else(|| {
            ApiError::new(
                Code::PayloadTooLarge,
                "The operations look at too many values, or copy too much into them; send fewer at once.",
            )
        })?;
        Ok(())
    }
}
