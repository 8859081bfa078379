//! Serials of certificates: 128 random bits in Crockford's base 32, in groups that people can read out.

use aws_lc_rs::rand;

use crate::http::{ApiError, ApiResult};

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// 26 digits of 5 bits hold 128.
const DIGITS: usize = 26;
const GROUP: usize = 5;

/// The serial on samples: no certificate ever has it.
pub const SAMPLE: &str = "00000-00000-00000-00000-000000";

/// A serial that nobody can guess.
pub fn random() -> ApiResult<String> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).map_err(ApiError::internal)?;
    Ok(encode(u128::from_be_bytes(bytes)))
}

/// A number as a serial.
pub fn encode(number: u128) -> String {
    let digits: Vec<u8> = (0..DIGITS)
        .rev()
        .map(|place| ALPHABET[(number >> (5 * place)) as usize & 31])
        .collect();
    group(&String::from_utf8_lossy(&digits))
}

/// `text` as serials are stored, however it was typed: in any case, with or without dashes, and with O for 0
/// or I and L for 1. None if it is no serial.
pub fn canonical(text: &str) -> Option<String> {
    let digits: String = text
        .chars()
        .filter(|c| !matches!(c, '-' | ' '))
        .map(|c| match c.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        })
        .collect();
    let known = |c: char| u8::try_from(c).is_ok_and(|byte| ALPHABET.contains(&byte));
    (digits.len() == DIGITS && digits.chars().all(known)).then(|| group(&digits))
}

/// Groups of five; the last digit joins the fifth group.
fn group(digits: &str) -> String {
    let mut grouped = String::with_capacity(DIGITS + DIGITS / GROUP);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && index % GROUP == 0 && index + 1 < DIGITS {
            grouped.push('-');
        }
        grouped.push(digit);
    }
    grouped
}
