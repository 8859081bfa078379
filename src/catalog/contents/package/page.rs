//! What stands in the source of an HTML page: what accessibility and a safe player ask of it.

use std::cell::RefCell;

use html5ever::{
    Attribute,
    tendril::StrTendril,
    tokenizer::{
        BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
        states::RawKind,
    },
};

/// What was seen in the source of a page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageFacts {
    /// Whether it says its language.
    pub has_language: bool,
    /// Whether it has a title.
    pub has_title: bool,
    /// Images without a text alternative.
    pub images_without_alt: usize,
    /// Videos without captions.
    pub videos_without_captions: usize,
    /// The first thing that it loads from another server.
    pub external: Option<String>,
    /// The first thing that it loads by http.
    pub insecure: Option<String>,
}

/// Reads the source of a page. What scripts add to it is not seen.
pub fn look(source: &str) -> PageFacts {
    let tokenizer = Tokenizer::new(Sink::default(), TokenizerOpts::default());
    let input = BufferQueue::default();
    input.push_back(StrTendril::from(source));
    // It stops early only where the sink asks for that.
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    tokenizer.sink.0.into_inner().facts
}

#[derive(Default)]
struct Seen {
    facts: PageFacts,
    in_title: bool,
    /// Whether the video that is open has captions.
    video: Option<bool>,
}

#[derive(Default)]
struct Sink(RefCell<Seen>);

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, _: u64) -> TokenSinkResult<()> {
        let mut seen = self.0.borrow_mut();
        match token {
            Token::TagToken(tag) if tag.kind == TagKind::StartTag => seen.start(&tag),
            Token::TagToken(tag) => {
                seen.end(&tag);
                TokenSinkResult::Continue
            }
            Token::CharacterTokens(text) => {
                if seen.in_title && !text.trim().is_empty() {
                    seen.facts.has_title = true;
                }
                TokenSinkResult::Continue
            }
            _ => TokenSinkResult::Continue,
        }
    }
}

fn value<'a>(tag: &'a Tag, name: &str) -> Option<&'a str> {
    let is_named = |found: &&Attribute| &*found.name.local == name;
    tag.attrs.iter().find(is_named).map(|found| found.value.trim())
}

impl Seen {
    fn start(&mut self, tag: &Tag) -> TokenSinkResult<()> {
        let has = |name: &str| value(tag, name).is_some_and(|value| !value.is_empty());
        match tag.name.as_ref() {
            "html" => self.facts.has_language |= has("lang") || has("xml:lang"),
            "img" => {
                let is_hidden = value(tag, "aria-hidden") == Some("true")
                    || matches!(value(tag, "role"), Some("presentation" | "none"));
                let is_named = value(tag, "alt").is_some() || has("aria-label") || has("aria-labelledby");
                self.facts.images_without_alt += usize::from(!is_hidden && !is_named);
            }
            "video" => {
                self.close_video();
                self.video = Some(value(tag, "muted").is_some());
            }
            "track" => {
                let kind = value(tag, "kind").unwrap_or("subtitles");
                if let Some(has_captions) = &mut self.video {
                    *has_captions |= matches!(kind, "captions" | "subtitles");
                }
            }
            _ => {}
        }
        let loaded = match tag.name.as_ref() {
            "img" | "script" | "iframe" | "frame" | "video" | "audio" | "source" | "embed" | "track" => {
                value(tag, "src")
            }
            "link"
                if matches!(
                    value(tag, "rel"),
                    Some("stylesheet" | "icon" | "preload" | "modulepreload")
                ) =>
            {
                value(tag, "href")
            }
            "object" => value(tag, "data"),
            _ => None,
        };
        if let Some(address) = loaded {
            self.load(address);
        }
        match tag.name.as_ref() {
            "title" => {
                self.in_title = true;
                TokenSinkResult::RawData(RawKind::Rcdata)
            }
            "textarea" => TokenSinkResult::RawData(RawKind::Rcdata),
            "script" => TokenSinkResult::RawData(RawKind::ScriptData),
            "style" | "xmp" | "iframe" | "noembed" | "noframes" => TokenSinkResult::RawData(RawKind::Rawtext),
            _ => TokenSinkResult::Continue,
        }
    }

    fn end(&mut self, tag: &Tag) {
        match tag.name.as_ref() {
            "title" => self.in_title = false,
            "video" => self.close_video(),
            _ => {}
        }
    }

    fn close_video(&mut self) {
        self.facts.videos_without_captions += usize::from(self.video.take() == Some(false));
    }

    fn load(&mut self, address: &str) {
        let start: String = address.chars().take(8).collect::<String>().to_ascii_lowercase();
        let shown = || Some(address.chars().take(200).collect());
        if start.starts_with("http://") {
            self.facts.insecure = self.facts.insecure.take().or_else(shown);
        } else if start.starts_with("https://") || start.starts_with("//") {
            self.facts.external = self.facts.external.take().or_else(shown);
        }
    }
}
