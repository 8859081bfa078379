//! What access can be explained about: the kinds of things that permissions are used on, each by its own rule of what
//! a scope covers. The list of all kinds stands at the top, where all domains are known.

use diesel::{QueryableByName, RunQueryDsl, sql_types};
use uuid::Uuid;

use crate::authz::{Permission, Protected, Scope};
use crate::{
    app::{Part, Tx},
    authz::protected,
    db::Fixed,
    http::{ApiError, ApiResult, Ref},
    sql, text_enum,
};

text_enum! {
    /// A kind of object that permissions apply to.
    SubjectKind {
        /// A person.
        User = "user",
        /// An org unit.
        OrgUnit = "org_unit",
        /// A location.
        Location = "location",
        /// A period in which a user is away.
        Absence = "absence",
        /// A group.
        Group = "group",
        /// A category of courses.
        Category = "category",
        /// A course.
        Course = "course",
        /// A content of the library.
        Content = "content",
        /// A rule.
        Rule = "rule",
        /// An issue of a rule with a user.
        RuleIssue = "rule_issue",
        /// An override of a rule for a user.
        RuleOverride = "rule_override",
        /// An extension of due dates.
        Extension = "extension",
        /// A waiver.
        Waiver = "waiver",
        /// Two courses, one of which counts for the other.
        CourseEquivalence = "course_equivalence",
        /// An enrollment.
        Enrollment = "enrollment",
        /// A completion.
        Completion = "completion",
        /// A certificate.
        Certificate = "certificate",
        /// A role.
        Role = "role",
        /// A grant.
        Grant = "grant",
    }
}

/// Which of `scopes` cover the thing that the text names, for who may use the permission there; with the thing's id.
type CoverageFn = fn(&mut Tx, &str, Permission, &[Scope]) -> ApiResult<(Uuid, Vec<bool>)>;

/// A kind of thing, and how it is judged.
#[derive(Debug, Clone, Copy)]
pub struct Subject {
    /// The kind.
    pub kind: SubjectKind,
    coverage: CoverageFn,
}

impl Subject {
    /// Things of the type `T`.
    pub const fn of<T: Protected>(kind: SubjectKind) -> Self {
        Subject {
            kind,
            coverage: coverage::<T>,
        }
    }
}

/// What access can be explained about: a list from the top.
pub struct Subjects(pub &'static [Subject]);

impl Part for Subjects {}

/// Which of `scopes` cover the thing of that kind that `name` names, for who may use `permission` there; with its id.
/// 404 if the caller may not see it.
pub fn covered(
    tx: &mut Tx,
    kind: SubjectKind,
    name: &str,
    permission: Permission,
    scopes: &[Scope],
) -> ApiResult<(Uuid, Vec<bool>)> {
    let mut subjects = tx.app.part::<Subjects>().0.iter();
    let subject = subjects
        .find(|subject| subject.kind == kind)
        .ok_or_else(|| ApiError::internal(format!("nothing judges a {}", kind.as_str())))?;
    (subject.coverage)(tx, name, permission, scopes)
}

#[derive(QueryableByName)]
struct Coverage {
    #[diesel(sql_type = sql_types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = sql_types::Array<sql_types::Bool>)]
    covered: Vec<bool>,
}

fn coverage<T: Protected>(
    tx: &mut Tx,
    name: &str,
    permission: Permission,
    scopes: &[Scope],
) -> ApiResult<(Uuid, Vec<bool>)> {
    let named: Ref<T> = name
        .parse()
        .map_err(|detail: &str| ApiError::parameter("id", detail))?;
    let readable = T::visible(&tx.scope(T::READ)?);
    let mut covered = sql!("ARRAY[]::boolean[]");
    for scope in scopes {
        let condition = if permission == T::READ {
            T::visible(scope)
        } else {
            T::covered(scope)
        };
        covered = sql!("{covered} || coalesce({condition}, false)");
    }
    let table = T::ID.split('.').next().unwrap_or_default();
    let judged: Vec<Coverage> = sql!(
        "SELECT {id} AS id, {covered} AS covered FROM {table} WHERE {named} AND {readable}",
        id = Fixed(T::ID),
        table = Fixed(table),
        named = protected::named(&named),
    )
    .load(tx.conn)?;
    let found = judged.into_iter().next();
    found
        .map(|judged| (judged.id, judged.covered))
        .ok_or_else(|| ApiError::not_found(T::NAME))
}
