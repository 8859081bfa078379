//! Makes filters of filters, and of lists of ids that are longer than a text may be.

use uuid::Uuid;

use super::{
    Filter, FilterError, FilterErrors, Schema,
    clause::Clause,
    names::{Named, Names},
    schema::Type,
};

impl Filter {
    /// Holds where every one of `filters` holds; always, for none.
    pub fn all(filters: Vec<Filter>) -> Self {
        Self::joined(filters, Clause::All)
    }

    /// Holds where at least one of `filters` holds; never, for none.
    pub fn any(filters: Vec<Filter>) -> Self {
        Self::joined(filters, Clause::Any)
    }

    /// Holds where this one does not.
    #[must_use]
    pub fn negated(self) -> Self {
        Self::composed(Clause::Not(Box::new(self.root)))
    }

    /// Holds where the attribute `name`, whose values are ids, has one of `ids`.
    ///
    /// # Errors
    /// The schema has no such attribute of ids.
    pub fn one_of(schema: &Schema, name: &str, ids: &[Uuid]) -> Result<Self, FilterErrors> {
        let names = Names {
            schema,
            element: None,
        };
        match names.find(name) {
            Some(Named::Target(target, _)) if target.value_type == Type::Id => {
                let ids = ids.to_vec();
                Ok(Self::composed(Clause::OneOf { target, ids }))
            }
            _ => Err(FilterErrors(vec![FilterError::new(0, names.unknown(name))])),
        }
    }

    fn joined(mut filters: Vec<Filter>, join: fn(Vec<Clause>) -> Clause) -> Self {
        match (filters.pop(), filters.is_empty()) {
            (Some(only), true) => only,
            (last, _) => {
                let all = filters.into_iter().chain(last);
                Self::composed(join(all.map(|filter| filter.root).collect()))
            }
        }
    }

    fn composed(root: Clause) -> Self {
        Filter {
            source: root.to_string(),
            root,
        }
    }
}
