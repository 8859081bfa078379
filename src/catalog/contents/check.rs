//! What must hold of contents before they are written.

use std::collections::HashMap;

use uuid::Uuid;

use super::{findings::FindingCode, model::Content, uses};
use crate::{
    app::Tx,
    catalog::categories::model::Category,
    filter::{Attribute, Column, Kind},
    http::{ApiError, ApiResult, Code},
    people::users::model::User,
    resource::{self, Expansion, NoExtra, Reference, Resource, Unique},
};

type Draft = resource::Draft<Content>;

const CATEGORY: Reference<Content, Category> = Reference::new("category_id", |content| content.category_id);
const OWNER: Reference<Content, User> = Reference::new("owner_id", |content| content.owner_id);

impl Resource for Content {
    type Extra = NoExtra;
    const PATH: &'static str = "/v1/contents";
    const SORT: &'static str = "title";
    const SEARCH: Option<&'static str> = Some("contents.search");
    const ATTRIBUTES: &'static [Attribute] = &[
        Attribute {
            name: "category",
            kind: Kind::Folded,
            column: Column::Exists {
                from: "categories c",
                on: "c.id = contents.category_id",
                value: "c.code",
            },
            doc: "The code of its category.",
        },
        Attribute {
            name: "tags",
            kind: Kind::String,
            column: Column::Exists {
                from: "unnest(contents.tags) AS tag",
                on: "TRUE",
                value: "tag",
            },
            doc: "Its tags.",
        },
        Attribute {
            name: "finding",
            kind: Kind::Enum(FindingCode::WORDS),
            column: Column::Exists {
                from: "content_versions v CROSS JOIN jsonb_array_elements(v.findings) AS finding",
                on: "v.id = contents.current_version_id",
                value: "finding->>'code'",
            },
            doc: "What was found wrong with its current version.",
        },
    ];
    const CSV: &'static [(&'static str, &'static str)] = &[
        ("id", "id"),
        ("code", "code"),
        ("kind", "kind"),
        ("title", "title"),
        ("language", "language"),
        ("category", "category.code"),
        ("tags", "tags"),
        ("owner", "owner.username"),
        ("current_version_number", "current_version_number"),
        ("created_at", "created_at"),
        ("updated_at", "updated_at"),
        ("archived_at", "archived_at"),
    ];
    const EXPANSIONS: &'static [Expansion] = &[
        Expansion::of::<Category>("category", "category_id"),
        Expansion::of::<User>("owner", "owner_id"),
    ];
    const UNIQUE: &'static [Unique<Self>] = &[Unique::new("code", |content| &content.code)];

    fn check(tx: &mut Tx, drafts: &mut [Draft]) -> ApiResult<()> {
        CATEGORY.check(tx, drafts)?;
        OWNER.check(tx, drafts)?;
        let creator = tx.caller.person();
        for draft in drafts.iter_mut().filter(|draft| draft.is_new()) {
            draft.after.fields.owner_id = draft.after.owner_id.or(creator);
        }
        refuse_used(tx, drafts)
    }
}

/// A content that courses use is not archived.
fn refuse_used(tx: &mut Tx, drafts: &mut [Draft]) -> ApiResult<()> {
    let archived = drafts.iter().filter(|draft| draft.archives());
    let archived: Vec<Uuid> = archived.map(|draft| draft.after.id).collect();
    if archived.is_empty() {
        return Ok(());
    }
    let used: HashMap<Uuid, String> = uses::courses_in_words(tx, &archived)?;
    for draft in drafts.iter_mut().filter(|draft| draft.archives()) {
        if let Some(courses) = used.get(&draft.after.id) {
            let detail = format!(
                "Courses use it: {courses}. Take it out of them, publish them, and withdraw candidates that use it first."
            );
            draft.refuse(ApiError::new(Code::ContentInUse, detail));
        }
    }
    Ok(())
}
