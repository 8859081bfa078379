//! Captions as Web VTT.

use provost::catalog::contents::versions::tracks::to_web_vtt;

#[test]
fn web_vtt_stays_as_it_is() {
    let text = "WEBVTT - Doors\n\nNOTE by Ana\n\n1\n00:01.000 --> 00:02.500 align:start\n<v Ana>Shut it.\n\n01:00:00.000 --> 01:00:01.000\nBye\n";
    assert_eq!(to_web_vtt(text.as_bytes()).as_deref(), Ok(text));
    let with_mark = format!("\u{feff}{}", text.replace('\n', "\r\n"));
    assert_eq!(to_web_vtt(with_mark.as_bytes()).as_deref(), Ok(text));
}

#[test]
fn srt_becomes_web_vtt() {
    let text = "1\r\n00:00:01,000 --> 00:00:02,500 X1:1\r\n{\\an8}<font color=\"red\">Shut <i>it</i></font> if a < b\r\n\r\n2\r\n00:00:03,000 --> 00:00:04,000\r\n12\r\n";
    let vtt = "WEBVTT\n\n1\n00:00:01.000 --> 00:00:02.500\nShut <i>it</i> if a &lt; b\n\n2\n00:00:03.000 --> 00:00:04.000\n12\n";
    assert_eq!(to_web_vtt(text.as_bytes()).as_deref(), Ok(vtt));
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    for (text, fault) in [
        ("", "no cue"),
        ("WEBVTT\n\n", "no cue"),
        ("WEBVTTx\n\n00:01.000 --> 00:02.000\nx", "line 1 belongs"),
        ("WEBVTT\n\n00:02.000 --> 00:01.000\nx", "line 3 that ends before"),
        ("WEBVTT\n\n1:2 --> 00:01.000\nx", "line 3 that is not like"),
        ("WEBVTT\n\n00:61.000 --> 00:62.000\nx", "line 3 that is not like"),
        ("Dear Ana,\n\nthe doors", "line 1 belongs"),
    ] {
        let told = to_web_vtt(text.as_bytes()).expect_err(text);
        assert!(told.contains(fault), "{text:?}: {told}");
    }
    assert!(to_web_vtt(b"\xff\xfe").is_err());
}
