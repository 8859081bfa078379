//! The built-in roles. Brought up to date at every start, so that a new permission reaches them.

use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl, SelectableHelper};
use uuid::Uuid;

use super::roles::model::Role;
use crate::{
    app::{Tx, Wake},
    authz::Permission::{self, *},
    db::schema::roles,
    http::ApiResult,
    ledger::Event,
    resource::Row,
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
            AbsencesRead,
            CoursesRead,
            RequirementsRead,
            OverridesRead,
            ExtensionsRead,
            WaiversRead,
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
            ContentsRead,
            ContentsWrite,
            EnrollmentsRead,
            EnrollmentsWrite,
            LaunchesRead,
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
            AbsencesRead,
            CoursesRead,
            RequirementsRead,
            RequirementsWrite,
            OverridesRead,
            ExtensionsRead,
            WaiversRead,
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
        description: "Keeps people, their absences, org units, locations and groups, and reports on them.",
        permissions: &[
            UsersRead,
            UsersWrite,
            OrgUnitsRead,
            OrgUnitsWrite,
            LocationsRead,
            LocationsWrite,
            AbsencesRead,
            AbsencesWrite,
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
            AbsencesRead,
            GroupsRead,
            AttributesRead,
            ImportsRead,
            CoursesRead,
            ContentsRead,
            RulesRead,
            RequirementsRead,
            OverridesRead,
            ExtensionsRead,
            WaiversRead,
            EnrollmentsRead,
            LaunchesRead,
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
        description: "A program that brings people in, with passwords, invitations, absences, org units, locations and groups, and what they completed, and \
            follows the record of changes.",
        permissions: &[
            UsersRead,
            UsersWrite,
            OrgUnitsRead,
            OrgUnitsWrite,
            LocationsRead,
            LocationsWrite,
            AbsencesRead,
            AbsencesWrite,
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

/// Adds missing built-in roles and brings the others up to date.
pub fn ensure(tx: &mut Tx) -> ApiResult<()> {
    for role in BUILT_IN_ROLES {
        let permissions: Vec<&str> = role
            .permissions
            .iter()
            .map(|permission| permission.as_str())
            .collect();
        let added: Vec<Role> = diesel::insert_into(roles::table)
            .values((
                roles::id.eq(Uuid::now_v7()),
                roles::code.eq(role.code),
                roles::name.eq(role.name),
                roles::description.eq(role.description),
                roles::permissions.eq(&permissions),
                roles::built_in.eq(true),
                roles::created_at.eq(tx.now),
                roles::updated_at.eq(tx.now),
            ))
            .on_conflict_do_nothing()
            .returning(Role::as_returning())
            .get_results(tx.conn)?;
        let outdated = roles::table
            .filter(roles::built_in)
            .filter(roles::code.eq(role.code))
            .filter(roles::permissions.ne(&permissions));
        let outdated: Vec<Role> = outdated.select(Role::as_select()).for_update().load(tx.conn)?;
        let ids = outdated.iter().map(|role| role.id);
        let changed: Vec<Role> = diesel::update(roles::table.filter(roles::id.eq_any(ids)))
            .set((
                roles::permissions.eq(&permissions),
                roles::version.eq(roles::version + 1),
                roles::updated_at.eq(tx.now),
            ))
            .returning(Role::as_returning())
            .get_results(tx.conn)?;
        if !changed.is_empty() {
            tx.wake(Wake::Callers);
        }
        for role in &added {
            tx.record(Event::new(&Role::EVENTS.created, role.id).after(role));
        }
        for role in &changed {
            let before = outdated.iter().find(|before| before.id == role.id);
            tx.record(
                Event::new(&Role::EVENTS.updated, role.id)
                    .before(&before)
                    .after(role),
            );
        }
    }
    Ok(())
}
