//! How a date is written out, language by language.

use chrono::{Datelike, NaiveDate};

/// `day` as `language` writes it in full, or in ISO 8601 for a language not listed here.
pub(super) fn format(day: NaiveDate, language: &str) -> String {
    let (number, year) = (day.day(), day.year());
    let named = |months: &[&'static str; 12]| months.get(day.month0() as usize).copied().unwrap_or_default();
    match primary_subtag(language).as_str() {
        "en" if is_american(language) => format!("{} {number}, {year}", named(&ENGLISH)),
        "en" => format!("{number} {} {year}", named(&ENGLISH)),
        "de" => format!("{number}. {} {year}", named(&GERMAN)),
        "fr" if number == 1 => format!("1er {} {year}", named(&FRENCH)),
        "fr" => format!("{number} {} {year}", named(&FRENCH)),
        "es" => format!("{number} de {} de {year}", named(&SPANISH)),
        "pt" => format!("{number} de {} de {year}", named(&PORTUGUESE)),
        "it" => format!("{number} {} {year}", named(&ITALIAN)),
        "nl" => format!("{number} {} {year}", named(&DUTCH)),
        "pl" => format!("{number} {} {year}", named(&POLISH)),
        "sv" => format!("{number} {} {year}", named(&SWEDISH)),
        "ar" => format!("{number} {} {year}", named(&ARABIC)),
        "he" => format!("{number} ב{} {year}", named(&HEBREW)),
        "zh" | "ja" => format!("{year}年{}月{number}日", day.month()),
        "ko" => format!("{year}년 {}월 {number}일", day.month()),
        _ => day.to_string(),
    }
}

/// The language of a tag without script and region, in lower case.
pub(super) fn primary_subtag(language: &str) -> String {
    let primary = language.split(['-', '_']).next().unwrap_or(language);
    primary.to_ascii_lowercase()
}

fn is_american(language: &str) -> bool {
    language
        .split(['-', '_'])
        .any(|subtag| subtag.eq_ignore_ascii_case("us"))
}

type Months = [&'static str; 12];

#[rustfmt::skip]
const ENGLISH: Months = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
#[rustfmt::skip]
const GERMAN: Months = ["Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"];
#[rustfmt::skip]
const FRENCH: Months = ["janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"];
#[rustfmt::skip]
const SPANISH: Months = ["enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"];
#[rustfmt::skip]
const PORTUGUESE: Months = ["janeiro", "fevereiro", "março", "abril", "maio", "junho", "julho", "agosto", "setembro", "outubro", "novembro", "dezembro"];
#[rustfmt::skip]
const ITALIAN: Months = ["gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno", "luglio", "agosto", "settembre", "ottobre", "novembre", "dicembre"];
#[rustfmt::skip]
const DUTCH: Months = ["januari", "februari", "maart", "april", "mei", "juni", "juli", "augustus", "september", "oktober", "november", "december"];
#[rustfmt::skip]
const POLISH: Months = ["stycznia", "lutego", "marca", "kwietnia", "maja", "czerwca", "lipca", "sierpnia", "września", "października", "listopada", "grudnia"];
#[rustfmt::skip]
const SWEDISH: Months = ["januari", "februari", "mars", "april", "maj", "juni", "juli", "augusti", "september", "oktober", "november", "december"];
#[rustfmt::skip]
const ARABIC: Months = ["يناير", "فبراير", "مارس", "أبريل", "مايو", "يونيو", "يوليو", "أغسطس", "سبتمبر", "أكتوبر", "نوفمبر", "ديسمبر"];
#[rustfmt::skip]
const HEBREW: Months = ["ינואר", "פברואר", "מרץ", "אפריל", "מאי", "יוני", "יולי", "אוגוסט", "ספטמבר", "אוקטובר", "נובמבר", "דצמבר"];
