//! `docs/errors.md` lists every code.

use std::{collections::BTreeSet, env, fs};

use provost::http::Code;

fn table() -> String {
    let mut text = String::from(
        "# Error codes\n\n\
         Every error is a problem (RFC 9457) with one of these codes. Codes are stable; `detail` says how to fix it,\n\
         `errors` points at each bad field, and `request_id` finds the request in the log.\n\n\
         A request is validated in two stages. First its form: everything that the request alone shows to be wrong is told\n\
         in one answer, before anything is looked up. Then, of a request without such faults, everything that only the\n\
         database knows, such as a code that is taken and a manager who is not there, again in one answer. In a bulk request\n\
         each row has these two stages for itself, and a row that is wrong never stops the others. Rules between fields are\n\
         part of the form; they are told as soon as every field has the right type and no field is unknown.\n\n\
         | status | code | title | meaning |\n|---|---|---|---|\n",
    );
    for code in Code::ALL {
        let status = code.status().as_u16();
        text.push_str(&format!(
            "| {status} | `{}` | {} | {} |\n",
            code.as_str(),
            code.title(),
            code.meaning()
        ));
    }
    text
}

/// `PROVOST_WRITE_DOCS=1 cargo test --test integration error_code` writes it again.
#[test]
fn the_table_of_error_codes_is_current() {
    if env::var_os("PROVOST_WRITE_DOCS").is_some() {
        fs::create_dir_all("docs").unwrap();
        fs::write("docs/errors.md", table()).unwrap();
    }
    let written = fs::read_to_string("docs/errors.md").unwrap_or_default();
    assert!(
        written == table(),
        "docs/errors.md is stale: see the test's comment"
    );
}

#[test]
fn error_codes_are_unique() {
    let codes: BTreeSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(codes.len(), Code::ALL.len());
}
