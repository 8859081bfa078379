//! The second stage of validation: what only the database knows to be wrong with a request that has no faults of form.

use super::{ApiError, ApiResult};

/// Collects what is wrong with the fields of a request, so that all of it is told at once.
#[derive(Debug, Default)]
pub struct Faults(Option<ApiError>);

impl Faults {
    /// Keeps an error that is about fields, so that the next check is made, too; passes on any other.
    pub fn check(&mut self, checked: ApiResult<()>) -> ApiResult<()> {
        match checked {
            Err(error) if error.is_of_fields() => {
                self.0 = Some(match self.0.take() {
                    Some(faults) => faults.and(error),
                    None => error,
                });
                Ok(())
            }
            other => other,
        }
    }

    /// What the last check answers, unless something is wrong.
    pub fn last<T>(mut self, checked: ApiResult<T>) -> ApiResult<T> {
        match checked {
            Ok(answer) => self.into_result().map(|()| answer),
            Err(error) => {
                self.check(Err(error))?;
                Err(self.0.unwrap_or_else(|| ApiError::internal("a fault was lost")))
            }
        }
    }

    /// Everything that is wrong, if anything is.
    pub fn into_result(self) -> ApiResult<()> {
        self.0.map_or(Ok(()), Err)
    }
}
