//! Numbers after names that are taken.

use provost::import::number::{numbered, numbers};

fn given(names: &[&str], lowest: u32, taken: &[&str]) -> Vec<String> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let found = numbers(&names, "", lowest, |asked| {
        Ok(asked
            .into_iter()
            .filter(|name| taken.contains(&name.as_str()))
            .collect())
    })
    .unwrap();
    let pairs = names.iter().zip(found);
    pairs.map(|(name, number)| numbered(name, "", number)).collect()
}

// Fault 7.
#[test]
fn each_gets_the_lowest_number_that_is_free() {
    assert_eq!(given(&["ana"], 2, &["ana"]), ["ana2"]);
    assert_eq!(
        given(&["ana", "bea", "ana"], 2, &["ana2"]),
        ["ana3", "bea2", "ana4"]
    );
    assert_eq!(given(&["c", "c", "c"], 1, &[]), ["c", "c2", "c3"]);
    // A number after one name is not given twice though another name is made of both.
    assert_eq!(
        given(
            &["a1", "a"],
            2,
            &["a2", "a3", "a4", "a5", "a6", "a7", "a8", "a9", "a10", "a11"]
        ),
        ["a12", "a13"]
    );
    let many: Vec<String> = (2..500).map(|number| format!("x{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(given(&["x"], 2, &many), ["x500"]);
}
