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

#[cfg(test)]
mod tests {
    use super::*;

    fn fault_of(password: &str) -> Option<&'static str> {
        let words = [
            "ana.silva",
            "ana.silva@example.com",
            "Ana",
            "Silva",
            "Harbour Academy",
        ];
        fault(password, &words.map(str::to_owned))
    }

    #[test]
    fn common_ones_patterns_and_names_are_refused() {
        for password in [
            "password",
            "P@ssw0rd1",
            "iloveyou",
            "trustno1",
            "sunshine1",
            "12345678",
            "qwertyuiop",
            "aaaaaaaa",
            "ana.silva",
            "AnaSilva",
            "silva2024",
            "ana.silva@example.com",
            "harbour academy",
            "Harbour1",
        ] {
            assert!(fault_of(password).is_some(), "{password}");
        }
    }

    #[test]
    fn any_character_may_be_in_it_and_none_must() {
        for password in [
            "correct horse battery",
            "zwölf Boxkämpfer jagen",
            "kfzgqmwtrbx",
            "漢字の長い合言葉です",
            "    a b c d e f g",
        ] {
            assert_eq!(fault_of(password), None, "{password}");
        }
        let longest: String = "never the same words again, "
            .chars()
            .cycle()
            .take(LONGEST)
            .collect();
        assert_eq!(fault_of(&longest), None);
        assert!(fault_of(&format!("{longest}x")).is_some());
        assert!(fault_of("x7$kQ2!").is_some());
    }

    #[test]
    fn letters_are_the_same_however_they_are_composed() {
        assert_eq!(
            normalized("Zu\u{308}rich \u{FB01}n"),
            normalized("Z\u{fc}rich fin")
        );
    }
}
