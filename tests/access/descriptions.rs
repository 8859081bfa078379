//! What the token endpoint tells of faults.

use provost::access::sign_in::form::description_of;

#[test]
fn descriptions_are_one_line_of_the_characters_that_oauth_has() {
    let told = description_of("No.\r\nSet-Cookie: \"a\\b\"\t\u{7f}ä");
    assert_eq!(told, "No.  Set-Cookie: 'a/b'  ?");
}
