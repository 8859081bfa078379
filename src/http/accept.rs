//! Which of several representations a client would rather have (RFC 9110, section 12.5.1).

use actix_web::{HttpRequest, http::header};

/// Of the media types that are `offered`, best first, the one that the client likes most; none if it takes none.
pub fn preferred<'a>(request: &HttpRequest, offered: &[&'a str]) -> Option<&'a str> {
    let accept = request
        .headers()
        .get_all(header::ACCEPT)
        .filter_map(|value| value.to_str().ok())
        .collect::<Vec<_>>()
        .join(",");
    choose(&accept, offered)
}

fn choose<'a>(accept: &str, offered: &[&'a str]) -> Option<&'a str> {
    if accept.trim().is_empty() {
        return offered.first().copied();
    }
    let mut best: Option<(&str, f32)> = None;
    for media_type in offered {
        let quality = quality(accept, media_type);
        if quality > best.map_or(0.0, |(_, quality)| quality) {
            best = Some((media_type, quality));
        }
    }
    best.map(|(media_type, _)| media_type)
}

/// How much `accept` likes `media_type`: the most specific range that covers it counts.
fn quality(accept: &str, media_type: &str) -> f32 {
    let main = media_type.split('/').next().unwrap_or_default();
    let mut found = (0, 0.0);
    for range in accept.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let specificity = match parts.next().unwrap_or_default().to_ascii_lowercase() {
            name if name == media_type => 3,
            name if name.strip_suffix("/*") == Some(main) => 2,
            name if name == "*/*" => 1,
            _ => continue,
        };
        let weight = parts
            .find_map(|part| part.strip_prefix("q="))
            .map_or(Some(1.0), |q| q.parse::<f32>().ok())
            .unwrap_or(0.0);
        if specificity > found.0 {
            found = (specificity, weight);
        }
    }
    found.1
}
