//! What manifests say, and what is found wrong with packages.

use std::{env, fs, path::PathBuf};

use provost::catalog::contents::{
    findings::{FindingCode, FindingSeverity},
    package::{
        archive::Limits,
        manifest::{PackageStandard, ScormType},
        read::{self, Package},
    },
};

use super::{read_package, refused};
use crate::support::zips::{Entry, PAGE, SCRIPT, manifest, manifest_of, package, zip};

const SCO: &str = r#"<resource identifier="r1" type="webcontent" adlcp:scormtype="sco" href="index.html"/>"#;
const ITEM: &str = r#"<item identifier="one" identifierref="r1"><title>Doors</title></item>"#;

fn codes(package: &Package) -> Vec<FindingCode> {
    package.findings.iter().map(|finding| finding.code).collect()
}

/// A package with this manifest.
fn of(manifest: impl AsRef<[u8]>) -> Package {
    read_package(&files(manifest, &[])).unwrap()
}

fn files(manifest: impl AsRef<[u8]>, others: &[Entry]) -> Vec<u8> {
    let mut entries = vec![
        Entry::new("imsmanifest.xml", manifest),
        Entry::new("index.html", PAGE),
        Entry::new("parts/a b.html", PAGE),
        Entry::new("api.js", SCRIPT),
    ];
    entries.extend_from_slice(others);
    zip(&entries)
}

#[test]
fn a_small_package_is_read_with_the_places_of_its_files() {
    let archive = package("x");
    let read = read_package(&archive).unwrap();
    assert_eq!(codes(&read), []);
    let manifest = &read.manifest;
    assert_eq!(
        (manifest.standard, manifest.title.as_str()),
        (PackageStandard::Scorm12, "Fire doors")
    );
    let item = &manifest.items[0];
    assert_eq!(
        (item.id.as_str(), item.title.as_str(), item.mastery_score),
        ("one", "Doors", Some(80.0))
    );
    assert_eq!(
        (item.href.as_deref(), item.scorm_type),
        (Some("index.html"), Some(ScormType::Sco))
    );
    let kinds: Vec<_> = read
        .files
        .iter()
        .map(|file| (file.path.as_str(), file.media_type.as_str()))
        .collect();
    assert_eq!(
        kinds,
        [
            ("api.js", "text/javascript"),
            ("imsmanifest.xml", "text/xml"),
            ("index.html", "text/html"),
            ("mark.txt", "text/plain")
        ]
    );
    for file in &read.files {
        let (start, length) = (file.position as usize, file.compressed as usize);
        let held = &archive[start..start + length];
        let mut content = Vec::new();
        match file.method.as_str() {
            "stored" => content.extend(held),
            _ => drop(
                std::io::Read::read_to_end(&mut flate2::read::DeflateDecoder::new(held), &mut content)
                    .unwrap(),
            ),
        }
        assert_eq!(i64::from(crc32fast::hash(&content)), file.crc32, "{}", file.path);
        assert_eq!(content.len() as i64, file.bytes, "{}", file.path);
    }
}

#[test]
fn items_have_parts_addresses_and_what_scorm_1_2_says_of_them() {
    let items = r##"
        <item identifier="chapter"><title> Before
            a fire </title>
          <item identifier="a" identifierref="r1" parameters="?mode=x&amp;y=1" isvisible="false"><title>A</title>
            <adlcp:prerequisites type="aicc_script">chapter</adlcp:prerequisites>
            <adlcp:maxtimeallowed>00:30:00</adlcp:maxtimeallowed>
            <adlcp:timelimitaction>exit,no message</adlcp:timelimitaction>
            <adlcp:datafromlms>level=2</adlcp:datafromlms><adlcp:masteryscore>n/a</adlcp:masteryscore></item>
          <item identifier="b" identifierref="r2" parameters="#top"><title>B</title></item>
        </item>
        <item identifier="c" identifierref="r3" parameters="lang=pt"><title>C</title></item>"##;
    let resources = r#"
        <resource identifier="r1" adlcp:scormtype="sco" href="index.html?a=b#f"/>
        <resource identifier="r2" adlcp:scormtype="asset" xml:base="parts/" href="./a%20b.html"/>
        <resource identifier="r3" adlcp:scormtype="sco" href="https://elsewhere.example/c"/>"#;
    let read = of(manifest_of("1.2", items, resources));
    let all = read.manifest.all_items();
    let hrefs: Vec<_> = all
        .iter()
        .map(|item| (item.id.as_str(), item.href.as_deref(), item.path.as_deref()))
        .collect();
    assert_eq!(
        hrefs,
        [
            ("chapter", None, None),
            ("a", Some("index.html?a=b&mode=x&y=1#f"), Some("index.html")),
            ("b", Some("parts/a%20b.html#top"), Some("parts/a b.html")),
            ("c", Some("https://elsewhere.example/c?lang=pt"), None),
        ]
    );
    assert_eq!(all[0].title, "Before a fire");
    let a = &all[1];
    assert!(!a.is_visible && all[2].is_visible);
    assert_eq!(
        (
            a.max_time_allowed.as_deref(),
            a.time_limit_action.as_deref(),
            a.launch_data.as_deref(),
            a.mastery_score
        ),
        (Some("00:30:00"), Some("exit,no message"), Some("level=2"), None)
    );
    assert_eq!(a.prerequisites.as_deref(), Some("chapter"));
    assert_eq!(all[2].scorm_type, Some(ScormType::Asset));
    assert_eq!(
        codes(&read),
        [
            FindingCode::LaunchElsewhere,
            FindingCode::ManifestValueInvalid,
            FindingCode::PrerequisitesUnsupported
        ]
    );
}

#[test]
fn what_is_wrong_with_a_package_is_found_and_told_with_its_fix() {
    let bare = "<html><body><img src=a.png><video src=v.mp4></video><script src=http://cdn.example/x.js></script></body></html>";
    let resources = r#"<resource identifier="r1" adlcp:scormtype="sco" href="Page.HTML">
        <file href="Page.HTML"/><file href="gone.css"/></resource>
        <resource identifier="r2" adlcp:scormtype="sco" href="lost.html"/>"#;
    let items = format!(r#"{ITEM}<item identifier="two" identifierref="r2"><title>Two</title></item>"#);
    let archive = zip(&[
        Entry::new("imsmanifest.xml", manifest_of("1.2", &items, resources)),
        Entry::new("page.html", bare),
        Entry::new("old.swf", "FWS"),
        Entry::new("leaflet.pdf", "%PDF-1.4 1 0 obj <</Type/Catalog>>"),
    ]);
    let read = read_package(&archive).unwrap();
    let mut found: Vec<_> = read
        .findings
        .iter()
        .map(|finding| (finding.code.as_str(), finding.wcag.as_deref()))
        .collect();
    found.sort();
    assert_eq!(
        found,
        [
            ("alt_missing", Some("1.1.1")),
            ("captions_missing", Some("1.2.2")),
            ("case_mismatch", None),
            ("file_missing", None),
            ("flash", None),
            ("insecure_address", None),
            ("language_missing", Some("3.1.1")),
            ("launch_file_missing", None),
            ("no_completion", None),
            ("pdf_untagged", Some("1.3.1")),
            ("title_missing", Some("2.4.2")),
        ]
    );
    assert_eq!(read.findings[0].severity, FindingSeverity::Error);
    assert!(read.findings.iter().all(|finding| !finding.fix.is_empty()));
    // What is opened is called as the archive calls it.
    assert_eq!(read.manifest.items[0].href.as_deref(), Some("page.html"));
    assert_eq!(
        (
            read.manifest.items[1].href.as_deref(),
            read.manifest.items[1].path.as_deref()
        ),
        (Some("lost.html"), None)
    );
}

#[test]
fn values_that_the_standard_does_not_know_are_found() {
    let as_2004 = |manifest: String| manifest.replace("adlcp_rootv1p2", "adlcp_v1p3");
    for (version, is_2004, taken) in [
        ("2004 2nd Edition", true, "2004, 3rd"),
        ("2004 5th Edition", true, "2004, 3rd"),
        ("banana", true, "2004, 3rd"),
        ("", true, "2004, 3rd"),
        ("1.1", false, "SCORM 1.2"),
        ("4th", true, "2004, 4th"),
    ] {
        let manifest = manifest_of(version, ITEM, SCO);
        let read = of(if is_2004 { as_2004(manifest) } else { manifest });
        assert_eq!(codes(&read), [FindingCode::ManifestValueInvalid], "{version}");
        let message = &read.findings[0].message;
        assert!(message.contains(taken) && message.contains(version), "{message}");
    }
    for version in ["1.2", "2004 3rd Edition", "2004 4th Edition", "CAM 1.3"] {
        assert_eq!(codes(&of(manifest_of(version, ITEM, SCO))), [], "{version}");
    }

    for (score, is_told) in [
        ("80", false),
        ("0", false),
        ("banana", true),
        ("1e9", true),
        ("-1", true),
    ] {
        let mastery = format!("<adlcp:masteryscore>{score}</adlcp:masteryscore></item>");
        let read = of(manifest_of("1.2", &ITEM.replace("</item>", &mastery), SCO));
        let told = read
            .findings
            .first()
            .map(|found| (found.code, found.message.contains(score)));
        assert_eq!(
            told,
            is_told.then_some((FindingCode::ManifestValueInvalid, true)),
            "{score}"
        );
        assert_eq!(read.manifest.items[0].mastery_score.is_none(), is_told, "{score}");
    }
}

#[test]
fn packages_of_other_kinds_are_told_apart_with_what_to_do() {
    let of = |name: &str| refused(&zip(&[Entry::new(name, "x"), Entry::new("index.html", PAGE)]));
    for (name, reason) in [
        ("course.au", "AICC"),
        ("COURSE.CRS", "AICC"),
        ("tincan.xml", "xAPI"),
        ("cmi5.xml", "cmi5"),
        ("story.html", "no manifest"),
        ("IMSManifest.xml", "capital letters"),
        ("golf/imsmanifest.xml", "in the folder `golf`"),
    ] {
        let refusal = of(name);
        assert!(refusal.reason.contains(reason), "{name}: {refusal:?}");
    }
    for (manifest, reason) in [
        (
            manifest()
                .replace("<schemaversion>1.2<", "<schemaversion>?<")
                .replace("adlcp_rootv1p2", "x"),
            "neither SCORM",
        ),
        (
            manifest().replace("organization", "organisation"),
            "no organization",
        ),
        (manifest_of("1.2", "", ""), "nothing to open"),
        (
            manifest_of("1.2", &format!("{ITEM}{ITEM}"), SCO),
            "same identifier",
        ),
        (
            manifest_of("1.2", ITEM, &SCO.replace("index.html", "javascript:alert(1)")),
            "nothing to open",
        ),
        ("<html/>".to_owned(), "no manifest of a package"),
    ] {
        let refusal = refused(&files(manifest, &[]));
        assert!(refusal.reason.contains(reason), "{reason}: {refusal:?}");
    }
}

#[test]
fn manifests_are_read_in_the_encodings_that_they_name() {
    let text = manifest_of("1.2", ITEM, SCO).replace("Fire doors", "Tür");
    let wide: Vec<u8> = std::iter::once(0xfeff)
        .chain(text.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    assert_eq!(of(wide).manifest.title, "Tür");
    let latin = text.replace(
        "<?xml version=\"1.0\"?>",
        "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>",
    );
    let latin: Vec<u8> = latin.chars().map(|letter| letter as u8).collect();
    assert_eq!(of(latin).manifest.title, "Tür");
    assert_eq!(of(format!("\u{feff}{text}")).manifest.title, "Tür");
}

#[test]
fn the_golf_packages_are_read() {
    for (name, standard, files) in [
        ("golf_scorm12.zip", PackageStandard::Scorm12, 44),
        ("golf_scorm2004.zip", PackageStandard::Scorm2004Third, 69),
    ] {
        let shared = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data"));
        let folder = env::var_os("PROVOST_REAL_DATA").map_or(shared, PathBuf::from);
        let Ok(archive) = fs::File::open(folder.join(name)) else {
            eprintln!("skipped: {name} is not in {}", folder.display());
            continue;
        };
        let read = read::read(archive, &Limits::default(), &mut |_| true).unwrap();
        assert_eq!(
            (read.manifest.standard, read.files.len()),
            (standard, files),
            "{name}"
        );
        assert_eq!(read.manifest.title, "Golf Explained - Run-time Basic Calls");
        assert_eq!(
            read.manifest.items[0].href.as_deref(),
            Some("shared/launchpage.html")
        );
        let codes = codes(&read);
        assert!(!codes.contains(&FindingCode::NoCompletion), "{codes:?}");
        assert!(codes.contains(&FindingCode::LanguageMissing), "{codes:?}");
        assert!(!codes.contains(&FindingCode::SequencingUnsupported), "{codes:?}");
        assert!(!codes.contains(&FindingCode::ManifestValueInvalid), "{codes:?}");
    }
}
