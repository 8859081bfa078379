//! What a caller may do: permissions, scopes, and the proof that something was authorized. Knows no tables and no domain,
//! and stands below [`crate::app`]; [`crate::access`] says who calls and what they were granted.

pub mod actor;
pub mod caller;
pub mod permission;
pub mod protected;
pub mod scope;

pub use actor::{Actor, ActorKind};
pub use caller::{Caller, HeldGrant, lacks};
pub use permission::{Permission, PermissionSet};
pub use protected::{
    Authorized, CallContext, Protected, authorize, authorize_all, confirm, nameable, named, outside, read,
    read_quickly, read_with,
};
pub use scope::{Scope, ScopeKind, ScopePart};
