//! Which passwords may be set.

use provost::access::passwords::rules::{LONGEST, fault, normalized};

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
