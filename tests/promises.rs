//! What `docs/how-it-works.md` says of tests: each that it names is there, and each of the ten rules has some.

use std::fs;

/// A line of the document's last part.
enum Line<'a> {
    Rule(&'a str),
    File(&'a str),
    Test(&'a str),
    Other,
}

fn read(line: &str) -> Line<'_> {
    let between = |start: &str, end: &str| line.strip_prefix(start)?.strip_suffix(end);
    if let Some(rule) = between("**", "**") {
        return Line::Rule(rule);
    }
    if let Some(file) = between("- `", "`:") {
        return Line::File(file);
    }
    let test = between("  - `", "`").or_else(|| between("  - \"", "\""));
    test.map_or(Line::Other, Line::Test)
}

#[test]
fn every_rule_has_tests_and_every_test_that_is_named_exists() {
    let document = fs::read_to_string("docs/how-it-works.md").expect("the document");
    let (_, named) = document.split_once("## Which test holds which rule").expect("its part on tests");
    let (mut rules, mut file, mut source) = (Vec::new(), "", String::new());
    for line in named.lines() {
        match read(line) {
            Line::Rule(rule) => rules.push((rule, 0)),
            Line::File(path) => {
                file = path;
                source = fs::read_to_string(path).unwrap_or_else(|fault| panic!("{path}: {fault}"));
            }
            Line::Test(name) => {
                let is_there =
                    source.contains(&format!("fn {name}(")) || source.contains(&format!("\"{name}\""));
                assert!(is_there, "{file} has no test {name}");
                rules.last_mut().expect("a rule before its tests").1 += 1;
            }
            Line::Other => {}
        }
    }
    let numbers = rules.iter().map(|(rule, _)| rule.split_once('.').expect("a number").0);
    assert!(numbers.eq((1..=10).map(|number| number.to_string()).collect::<Vec<_>>()), "{rules:?}");
    assert!(rules.iter().all(|(_, tests)| *tests > 0), "{rules:?}");
}
