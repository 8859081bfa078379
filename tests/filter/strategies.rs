//! Random people and random filters that have a chance to meet.

use proptest::{collection::vec, option, prelude::*, sample::select, strategy::Union};
use serde_json::{Value as Json, json};

use super::{
    fixture::{day, moment},
    folding::UNKNOWN_LETTERS,
};

const PIECES: &[&str] = &[
    "", "a", "A", "b", "ab", "_", "%", "\\", "\\\\", "\"", "'", " ", "-P30D", "null", "Ä", "ä", "A\u{308}",
    "ß", "SS", "ſ", "İ", "i", "ı", "I", "i\u{307}", "Σ", "σ", "ς", "ΟΔΟΣ", "Ж", "ж", "Ǆ", "ǅ", "ǆ", "𐐀", "𐐨",
    "日本", "Ω", "ω", "K", "\u{200f}", "\n", "😀", "\u{ffff}", "Z", "[", "z",
];
const NUMBERS: &[&str] = &[
    "0",
    "-0.0",
    "1",
    "1.0",
    "1.5",
    "0.1",
    "0.30000000000000004",
    "-7",
    "1e300",
    "3.3e-5",
    "123456789.123456789",
];
const INTEGERS: &[&str] = &[
    "0",
    "1",
    "-1",
    "7",
    "7.0",
    "1e3",
    "2147483647",
    "-2147483648",
    "9223372036854775807",
];
const IDS: &[&str] = &[
    "018f4e3a-0000-7000-8000-000000000001",
    "018f4e3a-0000-7000-8000-00000000000A",
];
const DURATIONS: &[&str] = &[
    "-P30D", "P1M", "-P1M", "P1Y2M", "-P2W", "P0D", "-P1000Y", "P1000Y", "-P1M1D", "+P3D",
];
const ORDER: &[&str] = &["eq", "ne", "gt", "ge", "lt", "le"];
const TEXT: &[&str] = &["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "EQ", "Co"];
const EQUALITY: &[&str] = &["eq", "ne"];

/// A person for [`store`](super::fixture::store).
pub fn person() -> impl Strategy<Value = Json> {
    let fixed = (
        (
            option::of(text()),
            option::of(text()),
            option::of(word(&["active", "on_leave", "archived"])),
        ),
        (
            option::of(any::<bool>()),
            option::of(stored_integer()),
            option::of(stored_number()),
        ),
        (
            option::of(stored_number()),
            option::of(days()),
            option::of(moments()),
            option::of(word(IDS)),
        ),
        option::of(vec(option::of(text()), 0..3)),
        vec(email(), 0..3),
        attributes(),
    );
    fixed.prop_map(
        |(
            (name, code, status),
            (active, level, score),
            (ratio, hired_on, seen_at, key),
            tags,
            emails,
            attributes,
        )| {
            json!({
                "name": name, "login": name, "code": code, "status": status, "active": active, "level": level, "score": score,
                "ratio": ratio, "hired_on": hired_on, "seen_at": seen_at, "key": key, "tags": tags,
                "emails": emails, "attributes": attributes,
            })
        },
    )
}

fn email() -> impl Strategy<Value = Json> {
    (option::of(word(&["work", "home"])), option::of(text()), option::of(days()))
        .prop_map(|(r#type, value, verified_on)| json!({"type": r#type, "value": value, "verified_on": verified_on}))
}

/// Custom attributes, often of a type that they should not be.
fn attributes() -> impl Strategy<Value = Json> {
    let names = select(
        &[
            "nickname",
            "badge",
            "size",
            "remote",
            "floor",
            "fte",
            "certified_on",
            "languages",
            "lucky",
        ][..],
    );
    let members = vec(
        (
            names,
            prop_oneof![3 => json_scalar(), 1 => vec(json_scalar(), 0..4).prop_map(Json::from)],
        ),
        0..9,
    );
    let object = members.prop_map(|members| {
        Json::Object(
            members
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        )
    });
    prop_oneof![9 => object, 1 => json_scalar()]
}

fn json_scalar() -> impl Strategy<Value = Json> {
    prop_oneof![
        4 => text().prop_map(Json::from),
        2 => days().prop_map(Json::from),
        1 => word(&["S", "M", "s", "2026-02-30", "2023-02-29", "0000-01-01", "2026-1-1", "20260101", "Infinity"]).prop_map(Json::from),
        3 => stored_integer().prop_map(Json::from),
        3 => stored_number().prop_map(Json::from),
        2 => any::<bool>().prop_map(Json::from),
        1 => Just(Json::Null),
        1 => Just(json!({"a": 1})),
    ]
}

/// A valid filter over the schema of `people`.
pub fn filter() -> impl Strategy<Value = String> {
    nested(clause(), 4)
}

fn nested(clause: impl Strategy<Value = String> + 'static, depth: u32) -> impl Strategy<Value = String> {
    clause.prop_recursive(depth, 24, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(|inner| format!("not ({inner})")),
            inner.clone().prop_map(|inner| format!("({inner})")),
            vec(inner.clone(), 2..4).prop_map(|inner| inner.join(" and ")),
            vec(inner, 2..4).prop_map(|inner| inner.join(" OR ")),
        ]
    })
}

fn clause() -> impl Strategy<Value = String> {
    let instants = prop_oneof![
        moments(),
        days(),
        word(DURATIONS),
        word(&["-PT36H", "PT1M30S", "P1DT1S", "2026-01-31T09:30:00.5000001+01:00"])
    ];
    prop_oneof![
        comparison(&["name", "Name", "tags"], TEXT, quoted(text())),
        comparison(&["code", "login"], TEXT, quoted(text())),
        comparison(
            &["status"],
            EQUALITY,
            quoted(word(&["active", "on_leave", "ARCHIVED"]))
        ),
        comparison(&["active"], EQUALITY, word(&["true", "false"])),
        comparison(&["level", "attributes.floor"], ORDER, word(INTEGERS)),
        comparison(
            &["score", "ratio", "attributes.fte", "attributes.lucky"],
            ORDER,
            word(NUMBERS)
        ),
        comparison(
            &["hired_on", "emails.verified_on", "attributes.certified_on"],
            ORDER,
            quoted(dates())
        ),
        comparison(&["seen_at"], ORDER, quoted(instants)),
        comparison(&["key"], EQUALITY, quoted(word(IDS))),
        comparison(
            &[
                "emails",
                "emails.value",
                "attributes.nickname",
                "attributes.languages"
            ],
            TEXT,
            quoted(text())
        ),
        comparison(&["attributes.badge"], TEXT, quoted(text())),
        comparison(&["attributes.size"], EQUALITY, quoted(word(&["S", "m", "L"]))),
        comparison(&["attributes.remote"], EQUALITY, word(&["true", "FALSE"])),
        comparison(ALL, EQUALITY, word(&["null"])),
        select(ALL).prop_map(|attribute| format!("{attribute} pr")),
        nested(email_clause(), 2).prop_map(|condition| format!("emails[{condition}]")),
        (nested(email_clause(), 1), email_clause())
            .prop_map(|(condition, part)| format!("emails[{condition}].{part}")),
    ]
}

const ALL: &[&str] = &[
    "name",
    "login",
    "code",
    "status",
    "active",
    "level",
    "score",
    "ratio",
    "hired_on",
    "seen_at",
    "key",
    "tags",
    "emails",
    "emails.type",
    "emails.value",
    "emails.verified_on",
    "attributes.nickname",
    "attributes.badge",
    "attributes.size",
    "attributes.remote",
    "attributes.floor",
    "attributes.fte",
    "attributes.certified_on",
    "attributes.languages",
    "attributes.lucky",
];

fn email_clause() -> impl Strategy<Value = String> {
    prop_oneof![
        comparison(&["type"], EQUALITY, quoted(word(&["work", "home"]))),
        comparison(&["value"], TEXT, quoted(text())),
        comparison(&["verified_on"], ORDER, quoted(dates())),
        comparison(&["type", "value", "verified_on"], EQUALITY, word(&["null"])),
        word(&["type", "value", "verified_on"]).prop_map(|attribute| format!("{attribute} pr")),
    ]
}

fn comparison(
    attributes: &'static [&'static str],
    operators: &'static [&'static str],
    value: impl Strategy<Value = String> + 'static,
) -> BoxedStrategy<String> {
    (select(attributes), select(operators), value)
        .prop_map(|(attribute, operator, value)| format!("{attribute} {operator} {value}"))
        .boxed()
}

fn quoted(text: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    text.prop_map(|text| Json::from(text).to_string())
}

fn dates() -> impl Strategy<Value = String> {
    prop_oneof![days(), word(DURATIONS), word(&["0001-01-01", "9999-12-31"])]
}

/// Days that durations reach, and others.
fn days() -> impl Strategy<Value = String> {
    let reached = select(&[-31, -30, -29, -14, 0, 1, 3, 28, 365 + 59][..]);
    prop_oneof![reached, -70_000i64..70_000].prop_map(|offset| day(offset).to_string())
}

fn moments() -> impl Strategy<Value = String> {
    let reached = select(&[0, 1, -1, -36 * 3_600_000_000, 90_000_000, 86_401_000_000][..]);
    prop_oneof![reached, -4_000_000_000_000_000i64..4_000_000_000_000_000]
        .prop_map(|offset| moment(offset).to_rfc3339())
}

fn stored_integer() -> impl Strategy<Value = i64> {
    prop_oneof![
        select(&[0, 1, -1, 7, 1000, 2_147_483_647, -2_147_483_648][..]),
        -2_000_000_000i64..2_000_000_000
    ]
}

fn stored_number() -> impl Strategy<Value = f64> {
    let known = NUMBERS
        .iter()
        .map(|number| number.parse::<f64>().unwrap())
        .collect::<Vec<_>>();
    prop_oneof![select(known), -1e6..1e6]
}

fn word(words: &'static [&'static str]) -> impl Strategy<Value = String> + Clone {
    select(words).prop_map(str::to_owned)
}

/// Text that PostgreSQL can store and whose case it knows.
pub fn text() -> impl Strategy<Value = String> {
    let anything = any::<String>().prop_map(|text| {
        text.chars()
            .filter(|letter| *letter != '\0' && !UNKNOWN_LETTERS.contains(letter))
            .take(8)
            .collect()
    });
    let pieces = vec(select(PIECES), 0..4).prop_map(|pieces| pieces.concat());
    Union::new_weighted(vec![
        (3, word(PIECES).boxed()),
        (3, pieces.boxed()),
        (1, anything.boxed()),
    ])
}
