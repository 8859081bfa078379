//! What a caller may do: the one list of permissions.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::{
    ToSchema,
    openapi::{RefOr, Schema},
};

use crate::db::text_enum;

macro_rules! permissions {
    ($($variant:ident = $name:literal, $opens:literal;)*) => {
        /// Leave to do one kind of thing, within the scopes that it is granted in.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Permission {
            $(#[doc = $opens] #[serde(rename = $name)] $variant,)*
        }

        impl Permission {
            /// Every permission.
            pub const ALL: &[Permission] = &[$(Permission::$variant),*];

            /// The name that clients see.
            pub fn as_str(self) -> &'static str {
                match self { $(Permission::$variant => $name,)* }
            }

            /// What it opens, for people.
            pub fn opens(self) -> &'static str {
                match self { $(Permission::$variant => $opens,)* }
            }

            /// The permission of that name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Permission::$variant),)* _ => None }
            }
        }

        impl utoipa::__dev::ComposeSchema for Permission {
            fn compose(_: Vec<RefOr<Schema>>) -> RefOr<Schema> {
                text_enum::schema("What a role may open.", &[$(($name, $opens)),*])
            }
        }
    };
}

permissions! {
    UsersRead = "users.read", "See people and their history.";
    UsersWrite = "users.write", "Create, change, suspend and archive people.";
    OrgUnitsRead = "org_units.read", "See the tree of org units.";
    OrgUnitsWrite = "org_units.write", "Create, change, move and archive org units.";
    LocationsRead = "locations.read", "See locations.";
    LocationsWrite = "locations.write", "Create, change and archive locations.";
    AbsencesRead = "absences.read", "See when people are away.";
    AbsencesWrite = "absences.write", "Record when people are away.";
    GroupsRead = "groups.read", "See groups and their members.";
    GroupsWrite = "groups.write", "Create and change groups and their members.";
    AttributesRead = "attributes.read", "See the definitions of custom attributes.";
    AttributesWrite = "attributes.write", "Define custom attributes.";
    ImportsRead = "imports.read", "See import profiles and imports; with leave to see what they write, also the rows.";
    ImportsWrite = "imports.write", "Define import profiles; with leave to write what they write, plan and apply imports.";
    CoursesRead = "courses.read", "See categories, courses and their versions.";
    CoursesWrite = "courses.write", "Create, change, clone and retire courses and categories.";
    CoursesPublish = "courses.publish", "Publish course versions.";
    ContentsRead = "contents.read", "See the library of content.";
    ContentsWrite = "contents.write", "Create and change the library's content, and upload files.";
    RulesRead = "rules.read", "See rules, their plans and explanations.";
    RulesWrite = "rules.write", "Create, change, activate and pause rules.";
    RequirementsRead = "requirements.read", "See who must learn what, by when, and why.";
    RequirementsWrite = "requirements.write", "Assign and withdraw requirements by hand.";
    OverridesRead = "overrides.read", "See whom a rule must include, or releases, by hand.";
    OverridesWrite = "overrides.write", "Include people in rules and release them from rules by hand.";
    ExtensionsRead = "extensions.read", "See who was given more time.";
    ExtensionsWrite = "extensions.write", "Give people and groups more time.";
    WaiversRead = "waivers.read", "See who is exempt from what, why and until when.";
    WaiversWrite = "waivers.write", "Exempt people from courses.";
    EnrollmentsRead = "enrollments.read", "See enrollments and progress.";
    EnrollmentsWrite = "enrollments.write", "Enroll, withdraw and record progress.";
    LaunchesRead = "launches.read", "See when learners opened activities, and what packages said.";
    CompletionsRead = "completions.read", "See completions.";
    CompletionsWrite = "completions.write", "Record and correct completions.";
    CertificatesRead = "certificates.read", "See and download certificates.";
    CertificatesWrite = "certificates.write", "Revoke and reissue certificates, and define templates.";
    ReportsRun = "reports.run", "Run reports over the people in scope.";
    EventsRead = "events.read", "Read the record of changes.";
    RolesRead = "roles.read", "See roles, grants and service accounts.";
    RolesWrite = "roles.write", "Define roles, grant them, and manage service accounts.";
    SessionsRead = "sessions.read", "See when and from where people signed in.";
    SessionsWrite = "sessions.write", "End people's sessions.";
    IdentityProvidersRead = "identity_providers.read", "See the OpenID providers by which people sign in.";
    IdentityProvidersWrite = "identity_providers.write", "Set up the OpenID providers by which people sign in; takes all that anybody was granted.";
    TokensIntrospect = "tokens.introspect", "Ask whose token it is and whether it counts.";
    TokensExchange = "tokens.exchange", "Act on behalf of people, with what they may do and no more.";
    OperationsRead = "operations.read", "Watch operations that others began.";
    JobsRead = "jobs.read", "See the job queue.";
    JobsWrite = "jobs.write", "Retry dead jobs, and cancel the operations of others.";
}

impl ToSchema for Permission {
    fn name() -> Cow<'static, str> {
        "Permission".into()
    }
}

/// A set of permissions: a bit for each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PermissionSet(u128);

const _: () = assert!(
    Permission::ALL.len() <= u128::BITS as usize,
    "PermissionSet needs a wider set of bits"
);

impl PermissionSet {
    /// Every permission there is.
    pub fn everything() -> Self {
        Permission::ALL.iter().copied().collect()
    }

    /// Whether it holds `permission`.
    pub fn contains(self, permission: Permission) -> bool {
        self.0 & bit(permission) != 0
    }

    /// What both hold.
    pub fn intersection(self, other: PermissionSet) -> Self {
        PermissionSet(self.0 & other.0)
    }

    /// Those of the names that stand in `scope`, with spaces between.
    pub fn from_scope(scope: &str) -> Self {
        scope.split(' ').filter_map(Permission::from_name).collect()
    }

    /// Whether it holds all that `other` holds.
    pub fn includes(self, other: PermissionSet) -> bool {
        self.0 & other.0 == other.0
    }
}

fn bit(permission: Permission) -> u128 {
    1 << permission as u32
}

impl FromIterator<Permission> for PermissionSet {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        PermissionSet(
            permissions
                .into_iter()
                .fold(0, |set, permission| set | bit(permission)),
        )
    }
}
