//! The fonts: those in the binary, and those of a folder. Scanned once and shared by all threads.
//!
//! Their data stays where it is, in the binary or a mapped file, and the system brings in only the pages that are read: a
//! font takes next to no memory, however large it is.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

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
const FONTS: [(&str, &[u8]); 27] = fonts! {
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
    "Noto Sans Thaana" "NotoSansThaana-Regular.ttf"
    "Noto Sans Tifinagh" "NotoSansTifinagh-Regular.ttf"
    "Noto Serif Tibetan" "NotoSerifTibetan-Regular.ttf"
    "Noto Sans CJK SC" "NotoSansCJKsc-Regular.otf"
};

/// The face a text is set in where it has the glyphs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Face {
    Sans,
    Serif,
}

/// The fonts as the layout engine knows them.
pub(super) struct Fonts {
    context: FontContext,
    /// The families of the folder.
    others: Vec<String>,
}

/// The shared fonts, with those of `folder`.
pub(super) fn shared(folder: Option<&Path>) -> Result<Arc<Fonts>, RenderError> {
    type Loaded = HashMap<Option<PathBuf>, Arc<Fonts>>;
    static SHARED: Mutex<Option<Loaded>> = Mutex::new(None);
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    let loaded = shared.get_or_insert_default();
    let folder = folder.map(Path::to_owned);
    if let Some(fonts) = loaded.get(&folder) {
        return Ok(fonts.clone());
    }
    let fonts = Arc::new(load(folder.as_deref()).map_err(RenderError::Font)?);
    loaded.insert(folder, fonts.clone());
    Ok(fonts)
}

fn load(folder: Option<&Path>) -> Result<Fonts, &'static str> {
    let options = CollectionOptions {
        system_fonts: false,
        ..Default::default()
    };
    let mut collection = Collection::new(options);
    for (family, data) in FONTS {
        collection.register_fonts(Blob::new(Arc::new(data)), None);
        collection.family_id(family).ok_or(family)?;
    }
    collection.load_fonts_from_paths(folder);
    let is_other = |name: &&str| FONTS.iter().all(|(family, _)| family != name);
    let mut others: Vec<String> = collection
        .family_names()
        .filter(is_other)
        .map(str::to_owned)
        .collect();
    others.sort_unstable();
    let context = FontContext {
        collection,
        source_cache: SourceCache::new_shared(),
    };
    Ok(Fonts { context, others })
}

impl Fonts {
    /// A layout engine's view of the fonts for one rendering.
    pub(super) fn context(&self) -> FontContext {
        self.context.clone()
    }

    /// The families of the folder.
    pub(super) fn others(&self) -> &[String] {
        &self.others
    }

    /// The face, then every other family as fallback.
    pub(super) fn families(&self, face: Face) -> FontFamily<'static> {
        let first = match face {
            Face::Sans => "Noto Sans",
            Face::Serif => "Noto Serif",
        };
        let mut names = vec![first];
        let others = self.others.iter().map(String::as_str);
        for family in FONTS.into_iter().map(|(family, _)| family).chain(others) {
            if !names.contains(&family) {
                names.push(family);
            }
        }
        let names: Vec<_> = names
            .into_iter()
            .map(|name| FontFamilyName::Named(name.to_owned().into()))
            .collect();
        FontFamily::List(names.into())
    }
}

/// The writer's font for a run that the layout engine set. The writer knows one by what it holds, however often it is made.
pub(super) fn writer_font(data: &parley::FontData) -> Option<Font> {
    let bytes: Arc<dyn AsRef<[u8]> + Send + Sync> = Arc::new(data.data.clone());
    Font::new(bytes.into(), data.index)
}
