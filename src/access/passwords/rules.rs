//! What a new password must be (NIST SP 800-63B, section 5.1.1.2; OWASP ASVS 5.0, V6.2): long enough, and not among those
//! that are tried first. No character must or must not be in it.

use unicode_normalization::UnicodeNormalization;

/// Characters that a password has at least.
pub const SHORTEST: usize = 8;
/// Characters that a password has at most.
pub const LONGEST: usize = 128;

/// A password that is guessed within so many attempts by who knows common passwords, words, names, dates, patterns on
/// keyboards and the person is refused: the limits on attempts leave time for a few hundred.
const FEWEST_GUESSES: u64 = 1_000_000;

/// The same password however a keyboard composes its letters: what is hashed and compared.
pub fn normalized(password: &str) -> String {
    password.nfkc().collect()
}

/// The fault of a new password; `words` are its user's names and addresses.
pub fn fault(password: &str, words: &[String]) -> Option<&'static str> {
    let password = normalized(password);
    if !(SHORTEST..=LONGEST).contains(&password.chars().count()) {
        return Some("must have 8 to 128 characters");
    }
    let parts = words
        .iter()
        .flat_map(|word| word.split(|letter: char| !letter.is_alphanumeric()));
    let parts = parts.filter(|part| part.chars().count() >= 3);
    let known: Vec<&str> = words.iter().map(String::as_str).chain(parts).collect();
    let is_known = zxcvbn::zxcvbn(&password, &known).guesses() < FEWEST_GUESSES;
    is_known.then_some(
        "is too common or too close to a name, so it is among the first that anybody tries; take several words, for example",
    )
}
