//! The text of a page as HTML that learners see.

use pulldown_cmark::{Options, Parser, html};

use crate::catalog::contents::body::PageFormat;

/// The most elements of a page. The time that sanitizing takes grows with the square of how deep they are nested.
pub const MOST_ELEMENTS: usize = 20_000;

/// The HTML of a text, without anything that could run or load code: scripts, styles, frames, forms and handlers are left out. What is
/// wrong with a text that is none.
pub fn render(format: PageFormat, text: &str) -> Result<String, String> {
    match format {
        PageFormat::Html => clean(text),
        PageFormat::Markdown => {
            let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_FOOTNOTES;
            let mut rendered = String::with_capacity(text.len() * 3 / 2);
            html::push_html(&mut rendered, Parser::new_ext(text, options));
            clean(&rendered)
        }
    }
}

fn clean(html: &str) -> Result<String, String> {
    let elements = html
        .as_bytes()
        .windows(2)
        .filter(|pair| pair[0] == b'<' && pair[1].is_ascii_alphabetic());
    match elements.count() > MOST_ELEMENTS {
        true => Err(format!(
            "has more than {MOST_ELEMENTS} elements of HTML: split it into several pages"
        )),
        false => Ok(ammonia::clean(html)),
    }
}
