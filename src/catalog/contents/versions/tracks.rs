//! Captions and the like: WebVTT is checked, SubRip (SRT) becomes WebVTT.

/// The largest track.
pub const MOST_BYTES: u64 = 2 << 20;

/// The track as WebVTT, or what is wrong with it, as it follows the name of its field.
pub fn to_web_vtt(bytes: &[u8]) -> Result<String, String> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Err("is not UTF-8; save the file with that encoding".to_owned());
    };
    let text = text
        .trim_start_matches('\u{feff}')
        .replace("\r\n", "\n")
        .replace(['\r', '\0'], "\n");
    let is_vtt = text
        .strip_prefix("WEBVTT")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\n']));
    let text = match is_vtt {
        true => text,
        false => from_srt(&text)?,
    };
    check(&text)?;
    Ok(text)
}

/// Checks the times of all cues, and that there is one.
fn check(text: &str) -> Result<(), String> {
    let mut cues = 0;
    for (index, line) in text.lines().enumerate() {
        let Some((start, rest)) = line.split_once("-->") else {
            continue;
        };
        let end = rest.split_whitespace().next().unwrap_or_default();
        let line = index + 1;
        let (Some(start), Some(end)) = (milliseconds(start.trim()), milliseconds(end)) else {
            return Err(format!(
                "has a time in line {line} that is not like 00:01:02.500 --> 00:01:04.000"
            ));
        };
        if end <= start {
            return Err(format!("has a cue in line {line} that ends before it begins"));
        }
        cues += 1;
    }
    match cues {
        0 => Err(
            "has no cue: give lines such as 00:01:02.500 --> 00:01:04.000, each with its text below"
                .to_owned(),
        ),
        _ => Ok(()),
    }
}

/// A time of WebVTT: hours, which may be left out, minutes, seconds and thousandths.
fn milliseconds(time: &str) -> Option<u64> {
    let (whole, fraction) = time.split_once('.')?;
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let mut parts = whole.split(':').rev();
    let seconds = parts.next().filter(|part| part.len() == 2)?;
    let minutes = parts.next().filter(|part| part.len() == 2)?;
    let hours = parts.next().unwrap_or("00");
    let is_sound = parts.next().is_none() && fraction.len() == 3 && (2..=4).contains(&hours.len());
    if !is_sound || ![hours, minutes, seconds, fraction].into_iter().all(is_digits) {
        return None;
    }
    let number = |text: &str| text.parse::<u64>().ok();
    let (minutes, seconds) = (number(minutes)?, number(seconds)?);
    let total = (number(hours)? * 60 + minutes) * 60 + seconds;
    (minutes < 60 && seconds < 60).then_some(total * 1_000 + number(fraction)?)
}

/// Cues of SubRip as WebVTT: numbers stay as names, times get points, and formats that WebVTT does not have go.
fn from_srt(text: &str) -> Result<String, String> {
    let mut vtt = String::from("WEBVTT\n\n");
    let mut is_empty = true;
    let mut is_inside = false;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim_end();
        if let Some((start, end)) = line.split_once("-->") {
            let time = |text: &str| text.trim().replace(',', ".");
            let end = end.split_whitespace().next().unwrap_or_default();
            vtt.push_str(&format!("{} --> {}\n", time(start), time(end)));
            (is_empty, is_inside) = (false, true);
        } else if line.is_empty() {
            is_inside = false;
            vtt.push('\n');
        } else if is_inside {
            vtt.push_str(&plain(line));
            vtt.push('\n');
        } else if line.trim().bytes().all(|byte| byte.is_ascii_digit()) {
            vtt.push_str(&format!("{}\n", line.trim()));
        } else {
            let line = index + 1;
            return Err(format!(
                "is neither WebVTT nor SubRip (SRT): line {line} belongs to no cue"
            ));
        }
    }
    match is_empty {
        true => Err("is neither WebVTT nor SubRip (SRT): it has no cue".to_owned()),
        false => Ok(vtt),
    }
}

/// A line without tags that WebVTT does not know, such as `<font color="red">` and `{\an8}`.
fn plain(line: &str) -> String {
    let mut kept = String::new();
    let mut rest = line;
    while let Some(at) = rest.find(['<', '{']) {
        let (before, from) = rest.split_at(at);
        kept.push_str(before);
        let end = match from.starts_with('<') {
            true => from.find('>'),
            false => from.starts_with("{\\").then(|| from.find('}')).flatten(),
        };
        let Some(end) = end else {
            kept.push_str(if from.starts_with('<') { "&lt;" } else { "{" });
            rest = &from[1..];
            continue;
        };
        let tag = &from[..=end];
        if matches!(tag, "<b>" | "</b>" | "<i>" | "</i>" | "<u>" | "</u>") {
            kept.push_str(tag);
        }
        rest = &from[end + 1..];
    }
    kept.push_str(rest);
    kept
}
