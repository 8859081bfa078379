//! `expand`: the objects that a resource names, shown inside it where the caller may see them.
//!
//! `expand=user,course` adds `user` beside `user_id` and `course` beside `course_id`; `expand=user.manager` goes one step
//! further. One statement reads all things of one name, however many rows name them.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Resource;
use crate::{
    app::Tx,
    authz::Protected,
    db::{Condition, Sql, sql::Fixed},
    http::{ApiError, ApiResult, FieldError, Page, Reply},
    sql,
};

/// Something that a resource names by its id and that `expand` shows.
#[derive(Debug, Clone, Copy)]
pub struct Expansion {
    /// What it is shown as: `user`.
    pub name: &'static str,
    /// The member that has its id: `user_id`, or `target.id`.
    pub id: &'static str,
    /// The type of what is shown, as the document calls it.
    pub shows: fn() -> String,
    /// Whether `id` is a list, and so is what is shown.
    pub is_list: bool,
    /// The type of what else may be shown.
    pub or_shows: Option<fn() -> String>,
    load: Load,
    further: fn() -> &'static [Expansion],
}

/// Reads the things of these ids that the caller may see, as JSON.
type Load = fn(&mut Tx, &[Uuid]) -> ApiResult<HashMap<Uuid, Value>>;

impl Expansion {
    /// Shows a `T` as `name` whose id stands in `id`, and within it what a `T` expands.
    pub const fn of<T: Resource>(name: &'static str, id: &'static str) -> Self {
        Expansion {
            further: || T::EXPANSIONS,
            ..Self::plain::<T>(name, id)
        }
    }

    /// Shows those `T` as `name` whose ids stand in the list `ids`.
    pub const fn each<T: Resource>(name: &'static str, ids: &'static str) -> Self {
        Expansion {
            is_list: true,
            ..Self::of::<T>(name, ids)
        }
    }

    /// Shows an `A` or a `B` as `name` whose id stands in `id`, and within it what an `A` expands.
    pub const fn either<A: Resource, B: Resource>(name: &'static str, id: &'static str) -> Self {
        Expansion {
            or_shows: Some(|| B::name().into_owned()),
            load: load_either::<A, B>,
            ..Self::of::<A>(name, id)
        }
    }

    /// Shows a `T`, which expands nothing, as `name` whose id stands in `id`.
    pub const fn plain<T: Protected + Serialize + ToSchema>(name: &'static str, id: &'static str) -> Self {
        Expansion {
            name,
            id,
            shows: || T::name().into_owned(),
            is_list: false,
            or_shows: None,
            load: load::<T>,
            further: || &[],
        }
    }
}

/// How many names a path may have.
const DEEPEST: usize = 2;

/// What is asked for: names, and what is asked for within each.
#[derive(Debug, Default)]
pub struct Expand {
    wanted: BTreeMap<usize, (Expansion, Expand)>,
}

impl Expand {
    /// Reads the parameter `expand`.
    pub fn parse(text: Option<&str>, known: &'static [Expansion]) -> ApiResult<Self> {
        let mut expand = Expand::default();
        for path in text
            .unwrap_or_default()
            .split(',')
            .filter(|path| !path.is_empty())
        {
            expand.add(path.trim(), known, path.trim())?;
        }
        Ok(expand)
    }

    /// Reads it, and adds what is wrong with it to the faults of the other parameters.
    pub fn read(text: Option<&str>, known: &'static [Expansion], faults: &mut Vec<FieldError>) -> Self {
        Self::parse(text, known).unwrap_or_else(|error| {
            faults.extend(error.fields);
            Self::default()
        })
    }

    fn add(&mut self, rest: &str, known: &'static [Expansion], path: &str) -> ApiResult<()> {
        let (name, rest) = rest
            .split_once('.')
            .map_or((rest, None), |(name, rest)| (name, Some(rest)));
        let place = known.iter().position(|expansion| expansion.name == name);
        let is_too_deep = path.split('.').count() > DEEPEST;
        let (Some(place), false) = (place, is_too_deep) else {
            return Err(refusal(known, path, is_too_deep));
        };
        let expansion = known[place];
        let (_, inner) = self
            .wanted
            .entry(place)
            .or_insert_with(|| (expansion, Expand::default()));
        match rest {
            Some(rest) => inner.add(rest, (expansion.further)(), path),
            None => Ok(()),
        }
    }

    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.wanted.is_empty()
    }

    /// Answers a page with what is asked for inside.
    pub fn reply<T: Serialize>(&self, tx: &mut Tx, page: Page<T>) -> ApiResult<Reply> {
        if self.is_empty() {
            return Reply::page(&page);
        }
        let data = self.show(tx, &page.data)?;
        Reply::page(&Page {
            data,
            next_cursor: page.next_cursor,
        })
    }

    /// `rows` as JSON, with what is asked for inside; null where the caller may not see it.
    pub fn show<T: Serialize>(&self, tx: &mut Tx, rows: &[T]) -> ApiResult<Vec<Value>> {
        let rows = rows
            .iter()
            .map(|row| serde_json::to_value(row).map_err(ApiError::internal));
        let mut rows: Vec<Value> = rows.collect::<ApiResult<_>>()?;
        self.fill(tx, rows.iter_mut().collect())?;
        Ok(rows)
    }

    fn fill(&self, tx: &mut Tx, mut rows: Vec<&mut Value>) -> ApiResult<()> {
        for (expansion, further) in self.wanted.values() {
            let ids = rows.iter().flat_map(|row| named_by(row, expansion.id));
            let ids: HashSet<Uuid> = ids.collect();
            let ids: Vec<Uuid> = ids.into_iter().collect();
            let mut things = match ids.is_empty() {
                true => HashMap::new(),
                false => (expansion.load)(tx, &ids)?,
            };
            further.fill(tx, things.values_mut().collect())?;
            for row in &mut rows {
                let mut shown = named_by(row, expansion.id)
                    .into_iter()
                    .filter_map(|id| things.get(&id).cloned());
                row[expansion.name] = match expansion.is_list {
                    true => shown.collect(),
                    false => shown.next().unwrap_or(Value::Null),
                };
            }
        }
        Ok(())
    }
}

/// The ids that a member holds: one, or a list. An object in a list holds its id in `id`.
fn named_by(row: &Value, member: &str) -> Vec<Uuid> {
    let value = member.split('.').fold(row, |value, name| &value[name]);
    let one = std::slice::from_ref(value);
    let values = value.as_array().map_or(one, Vec::as_slice);
    let ids = values
        .iter()
        .filter_map(|value| value.as_str().or(value["id"].as_str()));
    ids.filter_map(|id| id.parse().ok()).collect()
}

fn refusal(known: &[Expansion], path: &str, is_too_deep: bool) -> ApiError {
    let names: Vec<_> = known.iter().map(|expansion| expansion.name).collect();
    let detail = match (is_too_deep, names.is_empty()) {
        (true, _) => format!("{path} goes deeper than {DEEPEST} names"),
        (false, true) => format!("cannot show {path}: there is nothing to expand there"),
        (false, false) => format!("cannot show {path}; there are {}", names.join(", ")),
    };
    ApiError::parameters(vec![FieldError::new("?expand", detail)])
}

fn load<T: Protected + Serialize>(tx: &mut Tx, ids: &[Uuid]) -> ApiResult<HashMap<Uuid, Value>> {
    let Some(scope) = tx.caller.scope_if_any(T::READ, tx.now) else {
        return Ok(HashMap::new());
    };
    let visible = T::visible(&scope);
    let condition = sql!("{id} = ANY({ids}) AND {visible}", id = Fixed(T::ID));
    let always = Condition::new(Sql::always());
    let found = T::select_all(tx, Condition::new(condition), always, false)?;
    let (ids, mut rows): (Vec<Uuid>, Vec<T>) = found.into_iter().map(|(id, row, _)| (id, row)).unzip();
    T::reduce(tx, &scope, &mut rows)?;
    let shown = ids
        .into_iter()
        .zip(rows)
        .map(|(id, row)| Ok((id, serde_json::to_value(row).map_err(ApiError::internal)?)));
    shown.collect()
}

fn load_either<A: Resource, B: Resource>(tx: &mut Tx, ids: &[Uuid]) -> ApiResult<HashMap<Uuid, Value>> {
    let mut found = load::<A>(tx, ids)?;
    found.extend(load::<B>(tx, ids)?);
    Ok(found)
}
