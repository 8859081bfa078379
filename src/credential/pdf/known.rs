//! Fonts that are known beside those in the binary: which one would bring a character that is missing.

use icu_properties::{
    CodePointMapData, CodePointSetData, PropertyNamesLong,
    props::{ExtendedPictographic, Script},
};

/// The scripts that have a family `Noto Sans …`.
const SANS: &str = "Adlam|Anatolian Hieroglyphs|Avestan|Balinese|Bamum|Bassa Vah|Batak|Bhaiksuki|Brahmi|Buginese|Buhid|\
    Canadian Aboriginal|Carian|Caucasian Albanian|Chakma|Cham|Cherokee|Chorasmian|Coptic|Cuneiform|Cypriot|\
    Cypro Minoan|Deseret|Duployan|Egyptian Hieroglyphs|Elbasan|Elymaic|Glagolitic|Gothic|Grantha|\
    Gunjala Gondi|Hanifi Rohingya|Hanunoo|Hatran|Imperial Aramaic|Inscriptional Pahlavi|\
    Inscriptional Parthian|Javanese|Kaithi|Kawi|Kayah Li|Kharoshthi|Khojki|Khudawadi|Lepcha|Limbu|Linear A|\
    Linear B|Lisu|Lycian|Lydian|Mahajani|Mandaic|Manichaean|Marchen|Masaram Gondi|Medefaidrin|Meetei Mayek|\
    Mende Kikakui|Meroitic|Miao|Modi|Mongolian|Mro|Multani|Nabataean|Nag Mundari|Nandinagari|New Tai Lue|\
    Newa|NKo|Nushu|Ogham|Ol Chiki|Old Hungarian|Old Italic|Old North Arabian|Old Permic|Old Persian|\
    Old Sogdian|Old South Arabian|Old Turkic|Osage|Osmanya|Pahawh Hmong|Palmyrene|Pau Cin Hau|PhagsPa|\
    Phoenician|Psalter Pahlavi|Rejang|Runic|Samaritan|Saurashtra|Sharada|Shavian|Siddham|SignWriting|\
    Sogdian|Sora Sompeng|Soyombo|Sundanese|Sunuwar|Syloti Nagri|Syriac|Tagalog|Tagbanwa|Tai Le|Tai Tham|\
    Tai Viet|Takri|Tangsa|Tirhuta|Ugaritic|Vai|Vithkuqi|Wancho|Warang Citi|Yi|Zanabazar Square";

/// The scripts that only have a family `Noto Serif …`.
const SERIF: &str =
    "Ahom|Dives Akuru|Dogra|Hmong Nyiakeng|Khitan Small Script|Makasar|Old Uyghur|Tangut|Toto|Yezidi";

/// The family and the file of a free font that has `character`, such as `Noto Sans Ogham (NotoSansOgham-Regular.ttf)`; none
/// if we know of none.
pub(super) fn font_with(character: char) -> Option<String> {
    // Mathematical letters and musical signs belong to no script.
    let family = match u32::from(character) {
        0x1D400..=0x1D7FF => "Noto Sans Math".to_owned(),
        0x1D000..=0x1D24F => "Noto Music".to_owned(),
        _ => family_with(character)?,
    };
    let file = family.replace(' ', "");
    let weight = if family.starts_with("Noto") {
        "-Regular"
    } else {
        ""
    };
    Some(format!("{family} ({file}{weight}.ttf)"))
}

fn family_with(character: char) -> Option<String> {
    if CodePointSetData::new::<ExtendedPictographic>().contains(character) {
        return Some("Noto Emoji".to_owned());
    }
    let script = CodePointMapData::<Script>::new().get(character);
    if script == Script::Han {
        return Some("BabelStone Han".to_owned());
    }
    let name = PropertyNamesLong::<Script>::new().get(script)?;
    let family = match name {
        "Nko" => "NKo".to_owned(),
        "Phags_Pa" => "PhagsPa".to_owned(),
        "Nyiakeng_Puachue_Hmong" => "Hmong Nyiakeng".to_owned(),
        "Meroitic_Cursive" | "Meroitic_Hieroglyphs" => "Meroitic".to_owned(),
        name => name.replace('_', " "),
    };
    [("Noto Sans", SANS), ("Noto Serif", SERIF)]
        .into_iter()
        .find(|(_, scripts)| scripts.split('|').any(|script| script == family))
        .map(|(kind, _)| format!("{kind} {family}"))
}
