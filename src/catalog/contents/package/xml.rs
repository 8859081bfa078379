//! Reading XML: what manifests of all standards have in common.

use roxmltree::Node;

/// The longest title, in characters.
pub const LONGEST_TITLE: usize = 500;
/// The longest text, in characters.
pub const LONGEST_TEXT: usize = 20_000;

/// The text of a manifest, in the encoding that its first bytes or its declaration name.
pub fn decode(bytes: &[u8]) -> String {
    let declared = || {
        let head = String::from_utf8_lossy(bytes.get(..200).unwrap_or(bytes)).into_owned();
        let after = head.split_once("encoding=")?.1;
        let quote = after.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
        let label = after.get(1..)?.split(quote).next()?.to_owned();
        encoding_rs::Encoding::for_label(label.as_bytes())
    };
    let bom = encoding_rs::Encoding::for_bom(bytes).map(|(encoding, _)| encoding);
    let encoding = bom.or_else(declared).unwrap_or(encoding_rs::UTF_8);
    encoding.decode(bytes).0.into_owned()
}

/// The child of that name.
pub fn child<'a, 'input>(node: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    children(node, name).next()
}

/// The children of that name.
pub fn children<'a, 'input: 'a>(
    node: Node<'a, 'input>,
    name: &str,
) -> impl Iterator<Item = Node<'a, 'input>> {
    node.children()
        .filter(move |child| child.is_element() && child.tag_name().name() == name)
}

/// The attribute of that name, whatever its namespace and the case of its letters: `adlcp:scormtype` and `adlcp:scormType`.
pub fn attribute<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    let found = node
        .attributes()
        .find(|found| found.name().eq_ignore_ascii_case(name))?;
    Some(found.value().trim())
}

/// All the text inside, trimmed and shortened; none if there is none.
pub fn text(node: Node, most: usize) -> Option<String> {
    let pieces = node
        .descendants()
        .filter(Node::is_text)
        .filter_map(|piece| piece.text());
    let text: String = pieces.collect::<Vec<_>>().join("");
    let text: String = crate::text::normalize(text.trim())
        .chars()
        .filter(|letter| *letter != '\0')
        .take(most)
        .collect();
    (!text.is_empty()).then_some(text)
}

/// The text of a child, on one line.
pub fn line(node: Node, name: &str) -> Option<String> {
    let text = text(child(node, name)?, LONGEST_TITLE)?;
    Some(text.split_whitespace().collect::<Vec<_>>().join(" ")).filter(|line| !line.is_empty())
}
