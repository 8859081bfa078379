//! HTML pages: what a package's page lacks, and what a page may show.

use provost::catalog::contents::{
    body::PageFormat,
    package::page::{PageFacts, look},
    versions::page::{MOST_ELEMENTS, render},
};

#[test]
fn a_good_page_has_nothing_to_tell() {
    let page = "<!doctype html><html lang=en><head><title>Doors &amp; fire</title></head><body>
        <img src=door.png alt=''><img src=a.png role=presentation><video><track kind=captions src=c.vtt></video>
        <script>document.write('<img src=http://x>')</script></body></html>";
    let facts = look(page);
    assert_eq!(
        facts,
        PageFacts {
            has_language: true,
            has_title: true,
            ..PageFacts::default()
        }
    );
}

#[test]
fn what_a_page_lacks_is_counted() {
    let page = "<HTML><TITLE> </TITLE><img SRC='http://elsewhere.example/a.png'><video src=a.mp4></video>
        <video><track kind=metadata></video><script src=//cdn.example/x.js></script>";
    let facts = look(page);
    assert!(!facts.has_language && !facts.has_title);
    assert_eq!((facts.images_without_alt, facts.videos_without_captions), (1, 2));
    assert_eq!(facts.insecure.as_deref(), Some("http://elsewhere.example/a.png"));
    assert_eq!(facts.external.as_deref(), Some("//cdn.example/x.js"));
}

#[test]
fn markdown_and_html_lose_all_that_could_run() {
    let text = "# Doors\n\n| a | b |\n|---|---|\n| 1 | ~~2~~ |\n\n[x](javascript:alert(1))\n\n<script>alert(1)</script><img src=x onerror=alert(1)>";
    let shown = render(PageFormat::Markdown, text).unwrap();
    assert!(
        shown.contains("<h1>Doors</h1>") && shown.contains("<del>2</del>"),
        "{shown}"
    );
    for bad in ["script", "onerror", "javascript:"] {
        assert!(!shown.contains(bad), "{bad}: {shown}");
    }
    let shown = render(
        PageFormat::Html,
        "<p style='x'>Keep <b>shut</b></p><iframe src=//x></iframe><form action=x></form>",
    )
    .unwrap();
    assert_eq!(shown, "<p>Keep <b>shut</b></p>");
}

#[test]
fn pages_that_would_take_long_are_refused() {
    assert!(render(PageFormat::Html, &"<div>".repeat(MOST_ELEMENTS + 1)).is_err());
    assert!(render(PageFormat::Markdown, &">".repeat(MOST_ELEMENTS + 1)).is_err());
    assert!(render(PageFormat::Html, &"< a".repeat(MOST_ELEMENTS + 1)).is_ok());
}
