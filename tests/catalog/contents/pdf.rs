//! What is seen of a PDF file.

use std::io::Write;

use flate2::{Compression, write::ZlibEncoder};
use provost::catalog::contents::package::pdf::is_untagged;

#[test]
fn tags_are_found_in_plain_and_in_compressed_catalogs() {
    assert!(is_untagged(
        b"%PDF-1.4\n1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj"
    ));
    assert!(!is_untagged(
        b"%PDF-1.4\n1 0 obj <</Type/Catalog/StructTreeRoot 3 0 R>> endobj"
    ));
    assert!(!is_untagged(b"no PDF at all"));
    let compressed = |text: &[u8]| {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        let data = encoder.finish().unwrap();
        let mut file =
            b"%PDF-1.5\n5 0 obj <</Type/ObjStm/N 1/First 4/Filter/FlateDecode>> stream\r\n".to_vec();
        file.extend(data);
        file.extend(b"\nendstream endobj");
        file
    };
    assert!(!is_untagged(&compressed(
        b"1 0 <</Type/Catalog/StructTreeRoot 3 0 R>>"
    )));
    assert!(is_untagged(&compressed(b"1 0 <</Type/Catalog>>")));
}
