//! What must hold of extensions before they are written, and what follows.

use uuid::Uuid;

use super::model::Extension;
use crate::{
    app::Tx,
    catalog::courses::{model::Course, search::SEARCHED_NAMES},
    enrollment::exceptions::settle,
    filter::{Attribute, Kind},
    http::ApiResult,
    people::{
        groups::{members, model::Group},
        users::model::User,
    },
    resource::{
        Draft, Expansion, NoExtra, Reference, Resource, SearchedName, draft::due, write::require_scope,
    },
};

const USER: Reference<Extension, User> = Reference::new("user_id", |extension| extension.user_id);
const GROUP: Reference<Extension, Group> = Reference::new("group_id", |extension| extension.group_id);
const COURSE: Reference<Extension, Course> =
    Reference::<Extension, Course>::new("target/id", |extension| extension.target.course_id()).or_archived();

impl Resource for Extension {
    type Extra = NoExtra;
    const PATH: &'static str = "/v1/extensions";
    const ATTRIBUTES: &'static [Attribute] = &[Attribute::scalar(
        "course_id",
        Kind::Id,
        "extensions.course_id",
        "The course, where the target is one.",
    )];
    const NAMES: &'static [SearchedName] = &[
        SearchedName::of::<User>("extensions.user_id"),
        SearchedName::of::<Group>("extensions.group_id"),
        SearchedName::by::<Course>("extensions.course_id", SEARCHED_NAMES),
    ];
    const CSV: &'static [(&'static str, &'static str)] = &[
        ("id", "id"),
        ("user_id", "user_id"),
        ("user", "user.username"),
        ("group_id", "group_id"),
        ("group", "group.code"),
        ("course_id", "target.id"),
        ("course", "course.code"),
        ("due_on", "due_on"),
        ("reason", "reason"),
        ("created_at", "created_at"),
        ("updated_at", "updated_at"),
        ("archived_at", "archived_at"),
    ];
    const EXPANSIONS: &'static [Expansion] = &[
        Expansion::of::<User>("user", "user_id"),
        Expansion::of::<Group>("group", "group_id"),
        Expansion::of::<Course>("course", "target.id"),
    ];

    fn check(tx: &mut Tx, drafts: &mut [Draft<Self>]) -> ApiResult<()> {
        require_scope(tx, drafts)?;
        USER.check(tx, drafts)?;
        GROUP.check(tx, drafts)?;
        COURSE.check(tx, drafts)
    }

    fn person(&self) -> Option<Uuid> {
        self.user_id
    }

    /// The members of a group may be many: jobs follow where they are.
    fn announce(tx: &mut Tx, drafts: &[Draft<Self>]) -> ApiResult<()> {
        let groups: Vec<Uuid> = due(drafts).filter_map(|draft| draft.after.group_id).collect();
        members::touch_all(tx, &groups)?;
        settle(tx, due(drafts).filter_map(|draft| draft.after.user_id))
    }
}
