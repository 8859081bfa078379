//! The made-up catalog: what everybody must know, in eight languages, and what one may wish to. As a CSV with the
//! profile that reads it.

use serde_json::{Value, json};

use super::random::Random;
use crate::cli::CommandError;

/// The profile's code.
pub const PROFILE: &str = "demo_catalog";

/// Every category with its courses.
const TITLES: &str = include_str!("titles.txt");

/// A course that rules ask for.
struct Compulsory {
    code: &'static str,
    category: &'static str,
    minutes: u32,
    validity: &'static str,
    /// The title in each of [`LANGUAGES`].
    titles: [&'static str; 8],
}

const LANGUAGES: [&str; 8] = ["en", "de", "es", "pt", "pl", "fr", "zh", "ar"];

/// What rules ask for is the English course; the others are there for those who learn better in them.
const COMPULSORY: [Compulsory; 7] = [
    Compulsory {
        code: "CONDUCT",
        category: "Compliance",
        minutes: 40,
        validity: "P1Y",
        titles: [
            "Code of conduct",
            "Verhaltenskodex",
            "Código de conducta",
            "Código de conduta",
            "Kodeks postępowania",
            "Code de conduite",
            "行为准则",
            "مدونة السلوك",
        ],
    },
    Compulsory {
        code: "SECURITY",
        category: "Information security",
        minutes: 30,
        validity: "P1Y",
        titles: [
            "Security awareness",
            "Sicherheitsbewusstsein",
            "Concienciación en seguridad",
            "Consciencialização em segurança",
            "Świadomość bezpieczeństwa",
            "Sensibilisation à la sécurité",
            "安全意识",
            "الوعي الأمني",
        ],
    },
    Compulsory {
        code: "WELCOME",
        category: "Communication",
        minutes: 90,
        validity: "",
        titles: [
            "Welcome to Halcyon Works",
            "Willkommen bei Halcyon Works",
            "Bienvenida a Halcyon Works",
            "Boas-vindas à Halcyon Works",
            "Witamy w Halcyon Works",
            "Bienvenue chez Halcyon Works",
            "欢迎加入 Halcyon Works",
            "مرحبا بكم في Halcyon Works",
        ],
    },
    Compulsory {
        code: "FIRE",
        category: "Workplace safety",
        minutes: 45,
        validity: "P1Y",
        titles: [
            "Fire safety",
            "Brandschutz",
            "Seguridad contra incendios",
            "Segurança contra incêndios",
            "Ochrona przeciwpożarowa",
            "Sécurité incendie",
            "消防安全",
            "السلامة من الحرائق",
        ],
    },
    Compulsory {
        code: "FIRST-AID",
        category: "Workplace safety",
        minutes: 240,
        validity: "P2Y",
        titles: [
            "First aid on the shop floor",
            "Erste Hilfe im Betrieb",
            "Primeros auxilios en planta",
            "Primeiros socorros na fábrica",
            "Pierwsza pomoc w zakładzie",
            "Premiers secours à l'atelier",
            "车间急救",
            "الإسعافات الأولية في المصنع",
        ],
    },
    Compulsory {
        code: "PRIVACY",
        category: "Privacy",
        minutes: 50,
        validity: "P1Y",
        titles: [
            "Data protection",
            "Datenschutz",
            "Protección de datos",
            "Proteção de dados",
            "Ochrona danych",
            "Protection des données",
            "数据保护",
            "حماية البيانات",
        ],
    },
    Compulsory {
        code: "LEADING",
        category: "Leadership",
        minutes: 180,
        validity: "P2Y",
        titles: [
            "Leading with care",
            "Achtsam führen",
            "Liderar con cuidado",
            "Liderar com cuidado",
            "Przywództwo z troską",
            "Diriger avec attention",
            "用心领导",
            "القيادة بعناية",
        ],
    },
];

const COLUMNS: [&str; 12] = [
    "code", "title", "summary", "language", "category", "tags", "provider", "level", "minutes", "credits",
    "validity", "link",
];

/// The file.
pub fn write(seed: u64) -> Result<Vec<u8>, CommandError> {
    let failed = |error: csv::Error| CommandError::of("The catalog cannot be written", error);
    let mut random = Random::new(seed);
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS).map_err(failed)?;
    for course in &COMPULSORY {
        for (language, title) in LANGUAGES.iter().zip(course.titles) {
            writer
                .write_record(compulsory(course, language, title))
                .map_err(failed)?;
        }
    }
    let mut category = "";
    let mut number = 0;
    for line in TITLES.lines() {
        match line.strip_prefix("# ") {
            Some(name) => (category, number) = (name, 0),
            None => {
                number += 1;
                writer
                    .write_record(elective(&mut random, category, number, line))
                    .map_err(failed)?;
            }
        }
    }
    writer
        .into_inner()
        .map_err(|error| CommandError::of("The catalog cannot be written", error))
}

fn compulsory(course: &Compulsory, language: &str, title: &str) -> [String; COLUMNS.len()] {
    let code = match language {
        "en" => course.code.to_owned(),
        language => format!("{}-{}", course.code, language.to_uppercase()),
    };
    [
        code.clone(),
        title.into(),
        format!("{title} · Halcyon Works"),
        language.into(),
        course.category.into(),
        "compulsory".into(),
        "Halcyon Works".into(),
        "introductory".into(),
        course.minutes.to_string(),
        "1".into(),
        course.validity.into(),
        format!("https://learn.example.com/{}", code.to_lowercase()),
    ]
}

fn elective(random: &mut Random, category: &str, number: u32, title: &str) -> [String; COLUMNS.len()] {
    const LEVELS: [&str; 3] = ["introductory", "intermediate", "advanced"];
    const PROVIDERS: [&str; 4] = [
        "Halcyon Works",
        "Open Classroom",
        "Northlight Training",
        "Atelier Nova",
    ];
    const VALIDITY: [&str; 5] = ["", "", "", "P1Y", "P2Y"];
    const PURPOSES: [&str; 4] = [
        "what it is about, with examples from our sites",
        "the essentials, and where to find more",
        "hands-on practice with a short test at the end",
        "for those who do this every week",
    ];
    let initials: String = category
        .split_whitespace()
        .filter_map(|word| word.get(..4))
        .collect::<String>()
        .to_uppercase();
    let code = format!("{initials}-{number:03}");
    let minutes = 15 * (1 + random.below(12));
    [
        code.clone(),
        title.into(),
        format!("{title}: {}.", random.pick(&PURPOSES).unwrap_or_default()),
        "en".into(),
        category.into(),
        "elective".into(),
        random.pick(&PROVIDERS).unwrap_or_default().into(),
        random.pick(&LEVELS).unwrap_or_default().into(),
        minutes.to_string(),
        format!("{}", minutes as f64 / 60.0),
        random.pick(&VALIDITY).unwrap_or_default().into(),
        format!("https://learn.example.com/{}", code.to_lowercase()),
    ]
}

/// How the file is read.
pub fn profile() -> Value {
    let column = |name: &str| json!({ "column": name });
    json!({
        "code": PROFILE,
        "name": "Course catalog of the demo academy",
        "resource": "courses",
        "mapping": {
            "key": { "source": "catalog", "value": column("code") },
            "fields": {
                "code": column("code"),
                "title": column("title"),
                "summary": column("summary"),
                "language": column("language"),
                "tags": column("tags"),
                "provider": column("provider"),
                "level": column("level"),
                "duration_minutes": column("minutes"),
                "credits": column("credits"),
                "validity_period": column("validity"),
                "link": column("link"),
                "status": { "constant": "published" },
            },
            "references": {
                "category": { "by": "name", "value": { "columns": ["category"] }, "on_missing": "create" },
            },
        },
    })
}
