//! The one scope builder: a caller's grants become a condition of SQL.
//!
//! Every query that lists, reads, exports or aggregates takes its [`Scope`] and asks it for the condition
//! over its own rows. There is no second way of checking. A new kind of scope is declared here, and in the `CHECK` of
//! `grants.scope_kind`.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    db::{Fixed, Sql},
    sql, text_enum,
};

/// One stretch of the academy that a grant covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ScopePart {
    /// All there is.
    Everything,
    /// The people of an org unit and of all units below it, those units, and their locations.
    OrgUnit(Uuid),
    /// The members of a group.
    Group(Uuid),
    /// The courses of a category, and who takes them.
    Category(Uuid),
    /// A course, and who takes it.
    Course(Uuid),
    /// The caller's whole line below: reports, their reports, and so on.
    OwnReports,
    /// The caller.
    OwnSelf,
}

text_enum! {
    /// The kind of a grant's scope.
    ScopeKind {
        /// All there is.
        Everything = "everything",
        /// An org unit and all below it: those units, their people and their locations.
        OrgUnit = "org_unit",
        /// The members of a group.
        Group = "group",
        /// The courses of a category, and who takes them.
        Category = "category",
        /// A course, and who takes it.
        Course = "course",
        /// The holder's whole line below.
        OwnReports = "own_reports",
        /// The holder.
        OwnSelf = "self",
    }
}

impl ScopeKind {
    /// The table of what such a scope names by its id; none for those that name nothing.
    pub fn table(self) -> Option<&'static str> {
        match self {
            ScopeKind::OrgUnit => Some("org_units"),
            ScopeKind::Group => Some("groups"),
            ScopeKind::Category => Some("categories"),
            ScopeKind::Course => Some("courses"),
            ScopeKind::Everything | ScopeKind::OwnReports | ScopeKind::OwnSelf => None,
        }
    }
}

impl ScopePart {
    /// The scope of a stored grant; none for a kind that only a later release knows.
    pub fn of(kind: &str, id: Option<Uuid>) -> Option<Self> {
        Some(match (kind, id) {
            ("everything", _) => ScopePart::Everything,
            ("org_unit", Some(id)) => ScopePart::OrgUnit(id),
            ("group", Some(id)) => ScopePart::Group(id),
            ("category", Some(id)) => ScopePart::Category(id),
            ("course", Some(id)) => ScopePart::Course(id),
            ("own_reports", _) => ScopePart::OwnReports,
            ("self", _) => ScopePart::OwnSelf,
            _ => return None,
        })
    }

    /// Its kind, and what it names by its id.
    pub fn kind_and_id(self) -> (ScopeKind, Option<Uuid>) {
        match self {
            ScopePart::Everything => (ScopeKind::Everything, None),
            ScopePart::OrgUnit(id) => (ScopeKind::OrgUnit, Some(id)),
            ScopePart::Group(id) => (ScopeKind::Group, Some(id)),
            ScopePart::Category(id) => (ScopeKind::Category, Some(id)),
            ScopePart::Course(id) => (ScopeKind::Course, Some(id)),
            ScopePart::OwnReports => (ScopeKind::OwnReports, None),
            ScopePart::OwnSelf => (ScopeKind::OwnSelf, None),
        }
    }
}

/// Where a caller may use one permission: the union of its parts. A job that does what a caller asked for keeps theirs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
pub struct Scope {
    parts: Vec<ScopePart>,
    /// The person who calls; none for programs.
    person: Option<Uuid>,
}

impl Scope {
    /// A scope of `parts` for the caller who is `person`.
    pub fn new(parts: Vec<ScopePart>, person: Option<Uuid>) -> Self {
        Scope { parts, person }
    }

    /// Whether it covers all there is.
    pub fn is_everything(&self) -> bool {
        self.parts.contains(&ScopePart::Everything)
    }

    /// Those of its parts that `keep` keeps; without any, it covers nothing.
    pub fn only(&self, keep: impl Fn(ScopePart) -> bool) -> Self {
        let parts = self.parts.iter().copied().filter(|part| keep(*part));
        Scope::new(parts.collect(), self.person)
    }

    /// Its parts.
    pub fn parts(&self) -> &[ScopePart] {
        &self.parts
    }

    /// Rows that are configuration of the whole academy: all or none.
    pub fn global(&self) -> Sql {
        if self.is_everything() {
            Sql::always()
        } else {
            Sql::never()
        }
    }

    /// Rows about the person whose id is in `user_id`, a column with its table.
    pub fn users(&self, user_id: &'static str) -> Sql {
        self.any(|part| {
            Some(match part {
                ScopePart::Everything => Sql::always(),
                ScopePart::OrgUnit(unit) => sql!(
                    "{user_id} IN (SELECT scoped.id FROM users scoped
                        JOIN org_unit_closure closure ON closure.descendant_id = scoped.org_unit_id
                        WHERE closure.ancestor_id = {unit})",
                    user_id = Fixed(user_id),
                ),
                ScopePart::Group(group) => {
                    sql!(
                        "{user_id} IN (SELECT member.user_id FROM group_members member
                            WHERE member.group_id = {group})",
                        user_id = Fixed(user_id),
                    )
                }
                ScopePart::OwnReports => sql!(
                    "{user_id} IN (SELECT line.descendant_id FROM reporting_lines line
                        WHERE line.ancestor_id = {person} AND line.depth > 0)",
                    user_id = Fixed(user_id),
                    person = self.person?,
                ),
                ScopePart::OwnSelf => sql!(
                    "{user_id} = {person}",
                    user_id = Fixed(user_id),
                    person = self.person?,
                ),
                ScopePart::Category(_) | ScopePart::Course(_) => return None,
            })
        })
    }

    /// Rows about the course whose id is in `course_id`, a column with its table.
    pub fn courses(&self, course_id: &'static str) -> Sql {
        self.any(|part| match part {
            ScopePart::Everything => Some(Sql::always()),
            ScopePart::Category(category) => Some(sql!(
                "{course_id} IN (SELECT scoped.id FROM courses scoped
                    WHERE scoped.category_id = {category})",
                course_id = Fixed(course_id),
            )),
            ScopePart::Course(course) => Some(sql!("{course_id} = {course}", course_id = Fixed(course_id))),
            ScopePart::OrgUnit(_) | ScopePart::Group(_) | ScopePart::OwnReports | ScopePart::OwnSelf => None,
        })
    }

    /// Facts about a person and a course: covered by either.
    pub fn facts(&self, user_id: &'static str, course_id: &'static str) -> Sql {
        if self.is_everything() {
            return Sql::always();
        }
        Sql::any([self.users(user_id), self.courses(course_id)])
    }

    /// The categories whose id is in `category_id`, a column with its table.
    pub fn categories(&self, category_id: &'static str) -> Sql {
        self.any(|part| match part {
            ScopePart::Everything => Some(Sql::always()),
            ScopePart::Category(category) => Some(sql!(
                "{category_id} = {category}",
                category_id = Fixed(category_id),
            )),
            _ => None,
        })
    }

    /// The groups whose id is in `group_id`, a column with its table.
    pub fn groups(&self, group_id: &'static str) -> Sql {
        self.any(|part| match part {
            ScopePart::Everything => Some(Sql::always()),
            ScopePart::Group(group) => Some(sql!("{group_id} = {group}", group_id = Fixed(group_id))),
            _ => None,
        })
    }

    /// The org units whose id is in `unit_id`, a column with its table, or what belongs to them: whole subtrees, and the
    /// caller's own unit.
    pub fn org_units(&self, unit_id: &'static str) -> Sql {
        self.any(|part| match part {
            ScopePart::Everything => Some(Sql::always()),
            ScopePart::OrgUnit(unit) => Some(sql!(
                "{unit_id} IN (SELECT closure.descendant_id FROM org_unit_closure closure
                    WHERE closure.ancestor_id = {unit})",
                unit_id = Fixed(unit_id),
            )),
            ScopePart::OwnSelf | ScopePart::OwnReports => Some(sql!(
                "{unit_id} = (SELECT scoped.org_unit_id FROM users scoped
                    WHERE scoped.id = {person})",
                unit_id = Fixed(unit_id),
                person = self.person?,
            )),
            ScopePart::Group(_) | ScopePart::Category(_) | ScopePart::Course(_) => None,
        })
    }

    /// Scopes of grants that lie within this one; the columns hold a scope's kind and id. A scope that is relative
    /// to its holder (own reports, self) lies within everything alone: one person's reports are not another's.
    pub fn scopes(&self, kind: &'static str, id: &'static str) -> Sql {
        self.any(|part| match part {
            ScopePart::Everything => Some(Sql::always()),
            ScopePart::OrgUnit(unit) => Some(sql!(
                "({kind} = 'org_unit' AND {id} IN (SELECT closure.descendant_id
                    FROM org_unit_closure closure WHERE closure.ancestor_id = {unit}))",
                kind = Fixed(kind),
                id = Fixed(id),
            )),
            ScopePart::Group(group) => Some(sql!(
                "({kind} = 'group' AND {id} = {group})",
                kind = Fixed(kind),
                id = Fixed(id),
            )),
            ScopePart::Category(category) => Some(sql!(
                "({kind} = 'category' AND {id} = {category} OR {kind} = 'course'
                    AND {id} IN (SELECT scoped.id FROM courses scoped
                        WHERE scoped.category_id = {category}))",
                kind = Fixed(kind),
                id = Fixed(id),
            )),
            ScopePart::Course(course) => Some(sql!(
                "({kind} = 'course' AND {id} = {course})",
                kind = Fixed(kind),
                id = Fixed(id),
            )),
            ScopePart::OwnReports | ScopePart::OwnSelf => None,
        })
    }

    /// Scopes relative to one person, whose id is in the column `id`, that lie within this one: it covers that person with
    /// their unit, and for their own reports everybody who stands below them now.
    pub fn own_scopes(&self, kind: &'static str, id: &'static str) -> Sql {
        sql!(
            "({kind} IN ('own_reports', 'self')
                AND EXISTS (SELECT FROM users own
                    WHERE own.id = {id} AND {users} AND (own.org_unit_id IS NULL OR {org_units}))
                AND ({kind} = 'self' OR NOT EXISTS (SELECT FROM reporting_lines below
                    WHERE below.ancestor_id = {id} AND NOT {descendants})))",
            kind = Fixed(kind),
            id = Fixed(id),
            users = self.users("own.id"),
            org_units = self.org_units("own.org_unit_id"),
            descendants = self.users("below.descendant_id"),
        )
    }

    fn any(&self, condition: impl Fn(ScopePart) -> Option<Sql>) -> Sql {
        if self.is_everything() {
            return Sql::always();
        }
        Sql::any(self.parts.iter().filter_map(|part| condition(*part)))
    }
}
