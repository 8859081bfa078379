//! Under which names a body has a password.

use provost::scim::passwords::without_passwords;
use serde_json::json;

#[test]
fn a_password_is_one_in_every_form_of_its_name() {
    for name in [
        "password",
        "PassWord",
        " password ",
        "urn:ietf:params:scim:schemas:core:2.0:User:password",
        "URN:IETF:params:scim:schemas:extension:enterprise:2.0:User:PASSWORD",
        "urn:example:custom:2.0:User.password",
        "urn:ietf:params:scim:schemas:core:2.0:User:password.value",
        "name.password",
        "password[type eq \"work\"].value",
        "emails[password eq \"x\"]",
        "/password",
    ] {
        assert_eq!(
            without_passwords(json!({name: "a secret", "active": true})),
            json!({"active": true}),
            "{name}"
        );
    }
    for name in [
        "passwordExpiry",
        "password_policy",
        "last-password-change",
        "emails[type eq \"password\"].value",
        "userName",
    ] {
        let body = json!({name: "no secret", "active": true});
        assert_eq!(without_passwords(body.clone()), body, "{name}");
    }
}
