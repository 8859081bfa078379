//! The built-in roles. Brought up to date at every start, so that a new permission reaches them.

use diesel::{ExpressionMethods, QueryableByName, RunQueryDsl, sql_types};
use serde_json::json;
use uuid::Uuid;

use super::Permission::{self, *};
use crate::{
    app::{Tx, Wake},
    db::schema::roles,
    http::ApiResult,
    ledger::Event,
    sql,
};

/// A role that comes with Provost.
pub struct BuiltInRole {
    /// Its code.
    pub code: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What it is for, and the scope that it is meant for.
    pub description: &'static str,
    /// What it opens.
    pub permissions: &'static [Permission],
}

/// Every built-in role.
pub const BUILT_IN_ROLES: &[BuiltInRole] = &[
    BuiltInRole {
        code: "learner",
        name: "Learner",
        description: "Takes courses. Every active person holds it for themselves.",
        permissions: &[
            UsersRead,
            OrgUnitsRead,
            LocationsRead,
            CoursesRead,
            RequirementsRead,
            EnrollmentsRead,
            EnrollmentsWrite,
            CompletionsRead,
            CertificatesRead,
            SessionsRead,
            SessionsWrite,
        ],
    },
    BuiltInRole {
        code: "instructor",
        name: "Instructor",
        description: "Teaches and keeps courses: grant it for a course, or for a category, which it keeps too.",
        permissions: &[
            CoursesRead,
            CoursesWrite,
            EnrollmentsRead,
            EnrollmentsWrite,
            CompletionsRead,
            CompletionsWrite,
        ],
    },
    BuiltInRole {
        code: "manager",
        name: "Manager",
        description: "Answers for people: grant it for own reports, or for an org unit.",
        permissions: &[
            UsersRead,
            OrgUnitsRead,
            LocationsRead,
            CoursesRead,
            RequirementsRead,
            RequirementsWrite,
            EnrollmentsRead,
            EnrollmentsWrite,
            CompletionsRead,
            CertificatesRead,
            ReportsRun,
        ],
    },
    BuiltInRole {
        code: "hr_admin",
        name: "HR administrator",
        description: "Keeps people, org units, locations and groups, and reports on them.",
        permissions: &[
            UsersRead,
            UsersWrite,
            OrgUnitsRead,
            OrgUnitsWrite,
            LocationsRead,
            LocationsWrite,
            GroupsRead,
            GroupsWrite,
            AttributesRead,
            AttributesWrite,
            ImportsRead,
            ImportsWrite,
            CoursesRead,
            ReportsRun,
            SessionsRead,
            SessionsWrite,
            OperationsRead,
        ],
    },
    BuiltInRole {
        code: "lms_admin",
        name: "LMS administrator",
        description: "Does everything.",
        permissions: Permission::ALL,
    },
    BuiltInRole {
        code: "auditor",
        name: "Auditor",
        description: "Sees everything, changes nothing.",
        permissions: &[
            UsersRead,
            OrgUnitsRead,
            LocationsRead,
            GroupsRead,
            AttributesRead,
            ImportsRead,
            CoursesRead,
            RulesRead,
            RequirementsRead,
            EnrollmentsRead,
            CompletionsRead,
            CertificatesRead,
            ReportsRun,
            EventsRead,
            RolesRead,
            SessionsRead,
            IdentityProvidersRead,
            OperationsRead,
            JobsRead,
        ],
    },
    BuiltInRole {
        code: "integration",
        name: "Integration",
        description: "A program that brings people in, with passwords, invitations, org units, locations and groups, and what they completed, and \
            follows the record of changes.",
        permissions: &[
            UsersRead,
            UsersWrite,
            OrgUnitsRead,
            OrgUnitsWrite,
            LocationsRead,
            LocationsWrite,
            GroupsRead,
            GroupsWrite,
            AttributesRead,
            ImportsRead,
            ImportsWrite,
            CoursesRead,
            RequirementsRead,
            EnrollmentsRead,
            EnrollmentsWrite,
            CompletionsRead,
            CompletionsWrite,
            CertificatesRead,
            EventsRead,
            TokensIntrospect,
            OperationsRead,
        ],
    },
];

/// What the built-in role of that code opens.
pub fn permissions_of(code: &str) -> &'static [Permission] {
    let role = BUILT_IN_ROLES.iter().find(|role| role.code == code);
    role.map_or(&[], |role| role.permissions)
}

#[derive(QueryableByName)]
struct Changed {
    #[diesel(sql_type = sql_types::Uuid)]
    id: Uuid,
}

/// Adds missing built-in roles and brings the others up to date.
pub fn ensure(tx: &mut Tx) -> ApiResult<()> {
    for role in BUILT_IN_ROLES {
        let permissions: Vec<_> = role
            .permissions
            .iter()
            .map(|permission| permission.as_str())
            .collect();
        let after = json!({ "code": role.code, "permissions": permissions });
        let id = Uuid::now_v7();
        let added = diesel::insert_into(roles::table)
            .values((
                roles::id.eq(id),
                roles::code.eq(role.code),
                roles::name.eq(role.name),
                roles::description.eq(role.description),
                roles::permissions.eq(&permissions),
                roles::built_in.eq(true),
                roles::created_at.eq(tx.now),
                roles::updated_at.eq(tx.now),
            ))
            .on_conflict_do_nothing()
            .execute(tx.conn)?;
        if added == 1 {
            tx.record(Event::new("role.created", "role", id).after(&after));
            continue;
        }
        let names: Vec<String> = permissions.iter().map(|name| (*name).to_owned()).collect();
        let changed: Vec<Changed> = sql!(
            "UPDATE roles SET permissions = {names}, version = version + 1, updated_at = {tx.now}
             WHERE built_in AND code = {role.code} AND permissions <> {names} RETURNING id"
        )
        .load(tx.conn)?;
        for changed in changed {
            tx.record(Event::new("role.updated", "role", changed.id).after(&after));
            tx.wake(Wake::Callers);
        }
    }
    Ok(())
}
