//! Random names over many scripts, spelled in random case and form, through every way in and every way to look up. The
//! model knows letters by their spellings only; it shares nothing with the folding of Provost.

use std::collections::BTreeMap;

use diesel::{QueryableByName, RunQueryDsl, sql_types};
use provost::{sql, text::fold};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde_json::{Value, json};

use super::{escaped, found, person};
use crate::{
    import::Importing,
    scim::{Scim, provider, user},
    support::{Client, soak},
};

const NAMES: usize = 600;

/// Letters, each in all its spellings. No spelling of one begins or ends another.
const LETTERS: &[&[&str]] = &[
    &["é", "e\u{301}", "É", "E\u{301}"],
    &["ǘ", "ü\u{301}", "u\u{308}\u{301}", "Ǘ", "U\u{308}\u{301}"],
    &["ß", "ẞ", "ss", "SS", "sS"],
    &["ﬁ", "fi", "FI"],
    &["å", "a\u{30a}", "Å", "\u{212b}"],
    &["ø", "Ø"],
    &["ł", "Ł"],
    &["İ", "I\u{307}", "i\u{307}"],
    &["ı"],
    &["k", "K", "\u{212a}"],
    &["σ", "ς", "Σ"],
    &["ώ", "ω\u{301}", "Ώ", "Ω\u{301}"],
    &["ᾳ", "α\u{345}", "αι", "ΑΙ", "ᾼ"],
    &["й", "и\u{306}", "Й", "И\u{306}"],
    &["щ", "Щ"],
    &["և", "եւ", "ԵՒ"],
    &["ა", "Ა"],
    &["Ꭰ", "ꭰ"],
    &["𐐀", "𐐨"],
    &["ǆ", "ǅ", "Ǆ"],
    &["한", "\u{1112}\u{1161}\u{11ab}"],
    &["が", "か\u{3099}"],
    &["か"],
    &["क\u{93c}", "\u{958}"],
    &["ש\u{5c1}", "\u{fb2a}"],
    &["ؤ", "و\u{654}"],
    &["豈", "\u{f900}"],
    &["ไ"],
    &["漢"],
    &["7"],
];

/// A name: letters by their place in [`LETTERS`].
type Name = Vec<usize>;

struct Writer(StdRng);

impl Writer {
    fn name(&mut self) -> Name {
        let length = self.0.random_range(1..5);
        (0..length)
            .map(|_| self.0.random_range(0..LETTERS.len()))
            .collect()
    }

    /// The name in one of its many spellings.
    fn spell(&mut self, name: &Name) -> String {
        let letters = name
            .iter()
            .map(|letter| *LETTERS[*letter].choose(&mut self.0).unwrap());
        letters.collect()
    }

    /// A name of `known` in one of its spellings, or another one.
    fn known_or_new(&mut self, known: &BTreeMap<Name, String>) -> (Name, String) {
        let names: Vec<&Name> = known.keys().collect();
        let name = match names.choose(&mut self.0) {
            Some(name) if self.0.random_bool(0.5) => (*name).clone(),
            _ => self.name(),
        };
        let spelled = self.spell(&name);
        (name, spelled)
    }
}

/// Adds a user by the way in number `way`; whether the name was free.
async fn add(admin: &Client, scim: &Scim, way: usize, username: &str) -> bool {
    match way {
        0 => match admin.post("/v1/users", person(username)).await {
            answer if answer.status == 201 => true,
            answer => {
                answer
                    .assert_problem(409, "already_exists")
                    .assert_fault("/username");
                false
            }
        },
        1 => {
            let rows = json!({"rows": [{"row_key": "1", "create": person(username)}]});
            let answer = admin.post("/v1/users/bulk", rows).await.assert_status(200);
            answer.at("/results/0/status") == json!(201)
        }
        _ => match scim.post("/Users", user(username)).await {
            answer if answer.status == 201 => true,
            answer => {
                answer.assert_scim_error(409, Some("uniqueness"));
                false
            }
        },
    }
}

/// Managers are found by their names, people by usernames, and units by codes.
fn profile() -> Value {
    json!({ "code": "people", "name": "People", "resource": "users", "mapping": {
        "key": { "source": "hr", "value": { "column": "id" }, "match_by": "username" },
        "fields": { "username": { "column": "login" }, "given_name": { "column": "given" } },
        "references": {
            "manager": { "by": "username", "value": { "column": "boss" }, "on_missing": "error" },
            "org_unit": { "by": "code", "value": { "column": "unit" }, "on_missing": "create" },
        },
    }})
}

#[actix_web::test]
async fn one_name_is_one_however_it_is_spelled_on_every_way_in_and_out() {
    // Fault 1.
    let importing = Importing::with(profile()).await;
    let (app, admin) = (&importing.app, &importing.admin);
    let scim = provider(app, "idp").await.scim;
    let mut writer = Writer(StdRng::seed_from_u64(1));
    let mut known: BTreeMap<Name, String> = BTreeMap::new();
    for step in 0..soak(NAMES) {
        let (name, spelled) = writer.known_or_new(&known);
        let is_free = add(admin, &scim, step % 3, &spelled).await;
        assert_eq!(
            is_free,
            !known.contains_key(&name),
            "step {step}: {spelled:?} in {known:?}"
        );
        known.entry(name.clone()).or_insert(spelled);

        let (asked, spelled) = writer.known_or_new(&known);
        let expected = usize::from(known.contains_key(&asked));
        let (path, filter) = match step % 2 {
            0 => ("/v1/users", format!("username eq \"{spelled}\"")),
            _ => ("/scim/v2/Users", format!("userName eq \"{spelled}\"")),
        };
        assert_eq!(
            found(admin, path, &filter).await,
            expected,
            "step {step}: {filter:?}"
        );
    }

    // A file knows everybody again, their managers and their units.
    let names: Vec<Name> = known.keys().cloned().collect();
    let mut file = "id,login,given,boss,unit\n".to_owned();
    for (line, name) in names.iter().enumerate() {
        let (boss, unit) = (&names[line / 2], &names[line % 3]);
        let boss = if line == 0 {
            String::new()
        } else {
            writer.spell(boss)
        };
        file += &format!("{line},{},G,{boss},{}\n", writer.spell(name), writer.spell(unit));
    }
    let import = importing.plan("people", file.clone()).await;
    let updated = json!(names.len());
    assert_eq!(import.at("/counts/update"), updated, "{file}\n{}", import.text());
    assert_eq!(
        import.at("/counts/also_created/org_unit"),
        json!(names.len().min(3))
    );
    importing.applied(&import).await;
    for (line, name) in names.iter().enumerate().skip(1) {
        let username = escaped(&format!("username eq \"{}\"", writer.spell(name)));
        let one = admin.get(&format!("/v1/users?filter={username}")).await;
        let boss = importing.user(&(line / 2).to_string()).await;
        assert_eq!(one.at("/data/0/manager_id"), boss.at("/id"));
        let unit = format!(
            "username eq \"{}\" and org_unit eq \"{}\"",
            writer.spell(name),
            writer.spell(&names[line % 3])
        );
        assert_eq!(found(admin, "/v1/users", &unit).await, 1, "{unit:?}");
    }
    let again = importing.plan("people", file).await;
    assert_eq!(again.at("/counts/unchanged"), updated, "{}", again.text());
    assert_key_forms(&importing);
}

#[derive(QueryableByName)]
struct Pair {
    #[diesel(sql_type = sql_types::Nullable<sql_types::Text>)]
    field: Option<String>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Text>)]
    folded: Option<String>,
}

/// Every key form is that of its field, however the row came about.
fn assert_key_forms(importing: &Importing) {
    let pairs: Vec<Pair> = importing.app.write(|tx| {
        let pairs = sql!(
            "SELECT username AS field, username_folded AS folded FROM users
             UNION ALL SELECT email, email_folded FROM users
             UNION ALL SELECT given_name, given_name_folded FROM users
             UNION ALL SELECT family_name, family_name_folded FROM users
             UNION ALL SELECT code, code_folded FROM org_units
             UNION ALL SELECT name, name_folded FROM org_units"
        );
        Ok(pairs.load(tx.conn)?)
    });
    for pair in pairs {
        assert_eq!(pair.field.as_deref().map(fold), pair.folded);
    }
}
