//! The text of a page as HTML that learners see.

use pulldown_cmark::{Options, Parser, html};

use crate::catalog::contents::body::PageFormat;

/// The HTML of a text, without anything that could run or load code: scripts, styles, frames, forms and handlers are left out.
pub fn render(format: PageFormat, text: &str) -> String {
    match format {
        PageFormat::Html => ammonia::clean(text),
        PageFormat::Markdown => {
            let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_FOOTNOTES;
            let mut rendered = String::with_capacity(text.len() * 3 / 2);
            html::push_html(&mut rendered, Parser::new_ext(text, options));
            ammonia::clean(&rendered)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_and_html_lose_all_that_could_run() {
        let text = "# Doors\n\n| a | b |\n|---|---|\n| 1 | ~~2~~ |\n\n[x](javascript:alert(1))\n\n<script>alert(1)</script><img src=x onerror=alert(1)>";
        let shown = render(PageFormat::Markdown, text);
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
        );
        assert_eq!(shown, "<p>Keep <b>shut</b></p>");
    }
}
