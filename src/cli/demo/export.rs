//! The HR system's export of the company, and the profile that reads it: valid, and as untidy as such files are.

use serde_json::{Value, json};

use super::{
    company::{Company, Person, Rank},
    structure::{DEPARTMENTS, SITES},
};
use crate::cli::CommandError;

/// The profile's code.
pub const PROFILE: &str = "demo_hr";
/// The source of people's external keys.
pub const SOURCE: &str = "hr";
/// The unit that all others stand below.
pub const COMPANY: (&str, &str) = ("halcyon", "Halcyon Works");

const COLUMNS: [&str; 17] = [
    "Personnel No.",
    "Last Name",
    "First Name",
    "Login",
    "E-Mail",
    "Status",
    "Position",
    "Pos. Code",
    "Division",
    "Department",
    "Team",
    "Site",
    "Cost Centre",
    "Contract",
    "Entry Date",
    "Exit Date",
    "Supervisor",
];

/// The file: all present employees, and those who left since the previous file.
pub fn write(company: &Company, since: chrono::NaiveDate) -> Result<Vec<u8>, CommandError> {
    let failed = |error: csv::Error| CommandError::of("The HR export cannot be written", error);
    let supervisors = company.supervisors();
    let mut writer = csv::WriterBuilder::new().delimiter(b';').from_writer(Vec::new());
    writer.write_record(COLUMNS).map_err(failed)?;
    for person in &company.people {
        if person.left_on.is_some_and(|day| day < since) {
            continue;
        }
        let supervisor = supervisors.get(&person.number);
        writer.write_record(row(person, supervisor)).map_err(failed)?;
        // HR's system leaves blank rows where a page ended.
        if person.number.is_multiple_of(500) {
            writer.write_record([" "; COLUMNS.len()]).map_err(failed)?;
        }
    }
    writer
        .into_inner()
        .map_err(|error| CommandError::of("The HR export cannot be written", error))
}

fn row(person: &Person, supervisor: Option<&u32>) -> [String; COLUMNS.len()] {
    let department = &DEPARTMENTS[person.department];
    let (city, ..) = SITES[super::company::site(person.department, person.team)];
    let dates = if city == "Rotterdam" {
        "%Y-%m-%d"
    } else {
        "%d.%m.%Y"
    };
    let day = |day: chrono::NaiveDate| day.format(dates).to_string();
    let status = match (person.left_on, person.is_away) {
        (Some(_), _) => "T",
        (None, true) => "L",
        (None, false) => "A",
    };
    let email = format!("{}@example.com", person.login);
    let team = match person.rank {
        Rank::Staff | Rank::Team => person.team_name(),
        _ => "-".into(),
    };
    [
        person.number.to_string(),
        format!(" {} ", person.name.family),
        person.name.given.clone(),
        person.login.clone(),
        if person.number.is_multiple_of(7) {
            email.to_uppercase()
        } else {
            email
        },
        status.into(),
        person.position(),
        format!("P{:02}{}", person.department, person.rank as u8),
        match person.rank {
            Rank::Chief => "n/a".into(),
            _ => department.division.into(),
        },
        match person.rank {
            Rank::Chief | Rank::Division => "-".into(),
            _ => department.name.into(),
        },
        team,
        city.into(),
        format!("{:04}", 4_000 + person.department * 10),
        person.contract.into(),
        day(person.hired_on),
        person.left_on.map_or("n/a".into(), day),
        supervisor.map(u32::to_string).unwrap_or_default(),
    ]
}

/// How the file is read.
pub fn profile() -> Value {
    let column = |name: &str| json!({ "column": name });
    let number =
        |name: &str| json!({ "column": name, "steps": [{ "step": "pad_left", "width": 6, "with": "0" }] });
    let lookup = |name: &str, values: Value| json!({ "column": name, "steps": [{ "step": "lookup", "values": values }] });
    let zones: serde_json::Map<String, Value> = SITES
        .iter()
        .map(|(city, zone, _)| ((*city).into(), json!(zone)))
        .collect();
    let languages: serde_json::Map<String, Value> = SITES
        .iter()
        .map(|(city, _, language)| ((*city).into(), json!(language)))
        .collect();
    json!({
        "code": PROFILE,
        "name": "HR export of the demo academy",
        "resource": "users",
        "mapping": {
            "format": { "delimiter": ";" },
            "date_formats": ["%d.%m.%Y", "%Y-%m-%d"],
            "empty_values": ["n/a", "-"],
            "key": { "source": SOURCE, "value": number("Personnel No.") },
            "fields": {
                "username": column("Login"),
                "email": { "column": "E-Mail", "steps": [{ "step": "lower" }] },
                "given_name": column("First Name"),
                "family_name": column("Last Name"),
                "status": lookup("Status", json!({ "A": "active", "L": "suspended", "T": "archived" })),
                "locale": lookup("Site", languages.into()),
                "time_zone": lookup("Site", zones.into()),
                "title": column("Position"),
                "job_code": column("Pos. Code"),
                "department": column("Department"),
                "location": column("Site"),
                "cost_centre": column("Cost Centre"),
                "employment_type": lookup("Contract", json!({
                    "FT": "full_time", "PT": "part_time", "EXT": "contractor", "APP": "apprentice"
                })),
                "hired_on": column("Entry Date"),
                "left_on": column("Exit Date"),
            },
            "references": {
                "manager": { "by": "key", "value": number("Supervisor"), "on_missing": "warn" },
                "org_unit": {
                    "by": "name",
                    "value": { "columns": ["Division", "Department", "Team"] },
                    "on_missing": "create",
                    "under": COMPANY.0,
                },
            },
            "missing": { "then": "archived", "max_removals_percent": 25 },
        },
    })
}
