//! `provost content import`.

use std::{fs, path::Path, process::Command};

use serde_json::json;

use super::super::{codes, create_category};
use crate::support::{
    TempFolder, TestApp,
    zips::{Entry, package, zip},
};

/// Runs the command; answers whether it succeeded, and what it said.
fn import(app: &TestApp, folder: &Path, apply: bool) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_provost"));
    command
        .args(["content", "import"])
        .arg(folder)
        .env("DATABASE_URL", &app.database.url);
    command.env("PROVOST_FILES", &app.files.path);
    if apply {
        command.arg("--apply");
    }
    let output = command.output().unwrap();
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    (output.status.success(), said)
}

#[actix_web::test]
async fn a_folder_fills_the_library_and_again_changes_nothing() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    create_category(&admin, "safety").await;
    let home = TempFolder::new();
    let folder = &home.path;
    fs::create_dir_all(folder.join("files")).unwrap();
    fs::write(folder.join("files/fire.zip"), package("one")).unwrap();
    fs::write(folder.join("files/evil.zip"), zip(&[Entry::new("../x", "x")])).unwrap();
    fs::write(folder.join("notes.md"), "# Notes\n\n![](a.png)").unwrap();
    fs::write(folder.join("plan.pdf"), "%PDF-1.4 <</StructTreeRoot>>").unwrap();
    let manifest = |more: &str| {
        let rows = "code,kind,file,title,language,category,tags\n\
            fire,package,files/fire.zip,,en,safety,Fire; doors\n\
            notes,page,notes.md,Notes,en,,\n\
            plan,file,plan.pdf,Plan,pt,,\n\
            site,link,https://example.com/,Site,en,,\n";
        fs::write(folder.join("content.csv"), format!("{rows}{more}")).unwrap();
    };

    // As Windows ends lines; and a pipe, which would be read for ever.
    let pipe = Command::new("mkfifo").arg(folder.join("pipe.txt")).status();
    assert!(pipe.unwrap().success());
    fs::write(
        folder.join("content.csv"),
        "code,kind,file,title,language\r\nfire,package,files/fire.zip,,en\r\npipe,file,pipe.txt,Pipe,en\r\n",
    )
    .unwrap();
    let (_, said) = import(&app, folder, false);
    assert!(said.contains("line 3, pipe: refused"), "{said}");
    assert!(said.contains("no regular file"), "{said}");

    manifest(
        "evil,package,files/evil.zip,Evil,en,,\nout,file,../../../etc/passwd,Out,en,,\nno,quiz,x,,EN,,\n",
    );
    let (succeeded, said) = import(&app, folder, false);
    assert!(succeeded, "{said}");
    assert!(
        said.contains("line 2, fire: create\n")
            && said.contains("line 3, notes: create (0 errors, 1 warnings)"),
        "{said}"
    );
    assert!(
        said.contains("evil: refused: `../x`: Its name leads out") && said.contains("out: refused: file "),
        "{said}"
    );
    assert!(
        said.contains("kind \"quiz\"") && said.contains("7 rows: 4 create, 3 refused"),
        "{said}"
    );
    assert_eq!(codes(&admin.get("/v1/contents").await), Vec::<String>::new());

    let (succeeded, said) = import(&app, folder, true);
    assert!(
        !succeeded && said.contains("3 of 7 rows were not written"),
        "{said}"
    );
    let list = admin
        .get("/v1/contents?sort=code&expand=category")
        .await
        .assert_status(200);
    assert_eq!(codes(&list), ["fire", "notes", "plan", "site"]);
    assert_eq!(
        (list.at("/data/0/title"), list.at("/data/0/category/code")),
        (json!("Fire doors"), json!("safety"))
    );
    assert_eq!(
        (list.at("/data/0/current_version_number"), list.at("/data/0/tags")),
        (json!(1), json!(["doors", "fire"]))
    );

    manifest("");
    let (succeeded, said) = import(&app, folder, true);
    assert!(succeeded && said.contains("4 rows: 4 unchanged"), "{said}");

    fs::write(folder.join("files/fire.zip"), package("two")).unwrap();
    let (succeeded, said) = import(&app, folder, true);
    assert!(succeeded && said.contains("1 new version, 3 unchanged"), "{said}");
    let list = admin.get("/v1/contents?sort=code").await;
    assert_eq!(
        (
            list.at("/data/0/current_version_number"),
            list.at("/data/1/current_version_number")
        ),
        (json!(2), json!(1))
    );
}

#[actix_web::test]
async fn videos_of_a_folder_bring_their_tracks() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let home = TempFolder::new();
    let folder = &home.path;
    let subtitles = |text: &str| format!("1\n00:00:01,000 --> 00:00:02,000\n{text}\n");
    fs::write(folder.join("fire.mp4"), b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom").unwrap();
    fs::write(folder.join("fire.srt"), subtitles("Shut it.")).unwrap();
    fs::write(folder.join("notes.vtt"), "Dear Ana").unwrap();
    let manifest = |tracks: &str| {
        let rows = format!("code,kind,file,title,language,tracks\nfire,video,fire.mp4,Fire,en,{tracks}\n");
        fs::write(folder.join("content.csv"), rows).unwrap();
    };
    for (tracks, fault) in [
        ("captions:en", "is not like captions:en:fire.vtt"),
        ("captions:en:fire.srt;captions:EN:fire.srt", "captions:EN twice"),
        (
            "transcript:en:notes.vtt",
            "the track notes.vtt: is neither WebVTT",
        ),
        (
            "transcript:en:../x.vtt",
            "the track ../x.vtt: file cannot be read",
        ),
    ] {
        manifest(tracks);
        let (_, said) = import(&app, folder, false);
        assert!(
            said.contains("refused") && said.contains(fault),
            "{tracks}: {said}"
        );
    }

    manifest("captions:en:fire.srt; transcript:pt-BR:fire.srt");
    let (succeeded, said) = import(&app, folder, true);
    assert!(succeeded && said.contains("fire: create\n"), "{said}");
    let id = admin.get("/v1/contents").await.at("/data/0/id");
    let version = format!("/v1/contents/{}/versions", id.as_str().unwrap());
    let first = admin.get(&format!("{version}/1")).await.assert_status(200);
    assert_eq!(
        (
            first.at("/tracks/0/kind"),
            first.at("/tracks/1/language"),
            first.at("/findings")
        ),
        (json!("captions"), json!("pt-BR"), json!([]))
    );
    let (_, said) = import(&app, folder, true);
    assert!(said.contains("1 unchanged"), "{said}");
    fs::write(folder.join("fire.srt"), subtitles("Shut the door.")).unwrap();
    let (_, said) = import(&app, folder, true);
    assert!(said.contains("1 new version"), "{said}");
}
