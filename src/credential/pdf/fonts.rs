//! The embedded fonts, read once and shared by all threads.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use krilla::text::Font;
use parley::FontContext;
use parley::fontique::{Blob, Collection, CollectionOptions, SourceCache};
use parley::style::{FontFamily, FontFamilyName};

use super::RenderError;

macro_rules! fonts {
    ($($family:literal $file:literal)*) => {
        [$(($family, include_bytes!(concat!("../../../assets/fonts/", $file)).as_slice())),*]
    };
}

/// Family and file. The order is that in which a missing glyph is looked for.
const FONTS: [(&str, &[u8]); 24] = fonts! {
    "Noto Sans" "NotoSans-Regular.ttf"
    "Noto Sans" "NotoSans-Bold.ttf"
    "Noto Serif" "NotoSerif-Regular.ttf"
    "Noto Serif" "NotoSerif-Bold.ttf"
    "Noto Sans Arabic" "NotoSansArabic-Regular.ttf"
    "Noto Sans Hebrew" "NotoSansHebrew-Regular.ttf"
    "Noto Sans Devanagari" "NotoSansDevanagari-Regular.ttf"
    "Noto Sans Bengali" "NotoSansBengali-Regular.ttf"
    "Noto Sans Gujarati" "NotoSansGujarati-Regular.ttf"
    "Noto Sans Gurmukhi" "NotoSansGurmukhi-Regular.ttf"
    "Noto Sans Oriya" "NotoSansOriya-Regular.ttf"
    "Noto Sans Tamil" "NotoSansTamil-Regular.ttf"
    "Noto Sans Telugu" "NotoSansTelugu-Regular.ttf"
    "Noto Sans Kannada" "NotoSansKannada-Regular.ttf"
    "Noto Sans Malayalam" "NotoSansMalayalam-Regular.ttf"
    "Noto Sans Sinhala" "NotoSansSinhala-Regular.ttf"
    "Noto Sans Thai" "NotoSansThai-Regular.ttf"
    "Noto Sans Lao" "NotoSansLao-Regular.ttf"
    "Noto Sans Khmer" "NotoSansKhmer-Regular.ttf"
    "Noto Sans Myanmar" "NotoSansMyanmar-Regular.ttf"
    "Noto Sans Armenian" "NotoSansArmenian-Regular.ttf"
    "Noto Sans Georgian" "NotoSansGeorgian-Regular.ttf"
    "Noto Sans Ethiopic" "NotoSansEthiopic-Regular.ttf"
    "Noto Sans CJK SC" "NotoSansCJKsc-Regular.otf"
};

/// The face a text is set in where it has the glyphs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Face {
    Sans,
    Serif,
}

/// The fonts as the layout engine and as the PDF writer know them.
pub(super) struct Fonts {
    context: FontContext,
    by_blob: HashMap<u64, Font>,
}

/// The shared fonts.
pub(super) fn shared() -> Result<&'static Fonts, RenderError> {
    static SHARED: OnceLock<Result<Fonts, &'static str>> = OnceLock::new();
    SHARED
        .get_or_init(load)
        .as_ref()
        .map_err(|family| RenderError::Font(family))
}

fn load() -> Result<Fonts, &'static str> {
    let options = CollectionOptions {
        system_fonts: false,
        ..Default::default()
    };
    let mut collection = Collection::new(options);
    let mut by_blob = HashMap::new();
    for (family, data) in FONTS {
        let blob = Blob::new(Arc::new(data));
        by_blob.insert(blob.id(), Font::new(data.into(), 0).ok_or(family)?);
        collection.register_fonts(blob, None);
        collection.family_id(family).ok_or(family)?;
    }
    let context = FontContext {
        collection,
        source_cache: SourceCache::default(),
    };
    Ok(Fonts { context, by_blob })
}

impl Fonts {
    /// A layout engine's view of the fonts for one rendering.
    pub(super) fn context(&self) -> FontContext {
        self.context.clone()
    }

    /// The writer's font for a run that the layout engine set.
    pub(super) fn writer_font(&self, data: &parley::FontData) -> Option<Font> {
        self.by_blob.get(&data.data.id()).cloned()
    }
}

/// The face, then every other family as fallback.
pub(super) fn families(face: Face) -> FontFamily<'static> {
    let first = match face {
        Face::Sans => "Noto Sans",
        Face::Serif => "Noto Serif",
    };
    let mut names = vec![first];
    for (family, _) in FONTS {
        if !names.contains(&family) {
            names.push(family);
        }
    }
    let names: Vec<_> = names
        .into_iter()
        .map(|name| FontFamilyName::Named(name.into()))
        .collect();
    FontFamily::List(names.into())
}
