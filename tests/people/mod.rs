//! People, through HTTP.

mod users;
