//! What must hold of waivers before they are written, and what follows.

use uuid::Uuid;

use super::model::Waiver;
use crate::{
    app::Tx,
    catalog::courses::{model::Course, search::SEARCHED_NAMES},
    enrollment::exceptions::settle,
    filter::{Attribute, Kind},
    http::{ApiResult, Sort},
    people::users::model::User,
    resource::{
        Draft, Expansion, NoExtra, Reference, Resource, SearchedName, draft::due, write::require_scope,
    },
};

const USER: Reference<Waiver, User> = Reference::new("user_id", |waiver| Some(waiver.user_id));
const COURSE: Reference<Waiver, Course> =
    Reference::<Waiver, Course>::new("target/id", |waiver| waiver.target.course_id()).or_archived();

impl Resource for Waiver {
    type Extra = NoExtra;
    const PATH: &'static str = "/v1/waivers";
    const ATTRIBUTES: &'static [Attribute] = &[Attribute::scalar(
        "course_id",
        Kind::Id,
        "waivers.course_id",
        "The course, where the target is one.",
    )];
    const SORTS: &'static [Sort] = &[Sort::by_day(
        "expires_on",
        "coalesce(waivers.expires_on, '9999-12-31'::date)",
    )];
    const NAMES: &'static [SearchedName] = &[
        SearchedName::of::<User>("waivers.user_id"),
        SearchedName::by::<Course>("waivers.course_id", SEARCHED_NAMES),
    ];
    const CSV: &'static [(&'static str, &'static str)] = &[
        ("id", "id"),
        ("user_id", "user_id"),
        ("user", "user.username"),
        ("course_id", "target.id"),
        ("course", "course.code"),
        ("begins_on", "begins_on"),
        ("expires_on", "expires_on"),
        ("reason", "reason"),
        ("evidence", "evidence"),
        ("created_at", "created_at"),
        ("updated_at", "updated_at"),
        ("archived_at", "archived_at"),
    ];
    const EXPANSIONS: &'static [Expansion] = &[
        Expansion::of::<User>("user", "user_id"),
        Expansion::of::<Course>("course", "target.id"),
    ];

    fn check(tx: &mut Tx, drafts: &mut [Draft<Self>]) -> ApiResult<()> {
        require_scope(tx, drafts)?;
        USER.check(tx, drafts)?;
        COURSE.check(tx, drafts)
    }

    fn person(&self) -> Option<Uuid> {
        Some(self.user_id)
    }

    fn announce(tx: &mut Tx, drafts: &[Draft<Self>]) -> ApiResult<()> {
        settle(tx, due(drafts).map(|draft| draft.after.user_id))
    }
}
