//! What `docs/how-it-works.md` and `docs/failure.md` say of tests: each that they name is there, and each rule and each failure has some. And what
//! `docs/performance.md` says of figures and commands.

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

/// Whether a source has a test of this name; where a name is put together, of this end or this part of it.
fn has_test(source: &str, name: &str) -> bool {
    let ways = [format!("fn {name}("), format!("\"{name}\""), format!("{name}`")];
    ways.iter().any(|way| source.contains(way))
}

#[test]
fn every_failure_has_tests_and_every_test_that_is_named_exists() {
    let document = fs::read_to_string("docs/failure.md").expect("the document");
    let rows = document.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| what fails"));
    let mut failures = 0;
    for row in rows {
        let named = row.trim_end_matches(" |").rsplit_once(" | ").expect("its tests").1;
        let (mut rest, mut file, mut source, mut tests) = (named, "", String::new(), 0);
        while let Some(at) = rest.find(['`', '"']) {
            let (mark, behind) = rest[at..].split_at(1);
            let (name, after) = behind.split_once(mark).expect("its end");
            rest = after;
            if name.contains('/') && !name.contains(' ') {
                file = name;
                source = fs::read_to_string(name).unwrap_or_else(|fault| panic!("{name}: {fault}"));
            } else {
                assert!(has_test(&source, name), "{file} has no test {name}");
                tests += 1;
            }
        }
        assert!(tests > 0, "no test shows this: {row}");
        failures += 1;
    }
    assert!(failures > 10, "{failures}");
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
                assert!(has_test(&source, name), "{file} has no test {name}");
                rules.last_mut().expect("a rule before its tests").1 += 1;
            }
            Line::Other => {}
        }
    }
    let numbers = rules.iter().map(|(rule, _)| rule.split_once('.').expect("a number").0);
    assert!(numbers.eq((1..=10).map(|number| number.to_string()).collect::<Vec<_>>()), "{rules:?}");
    assert!(rules.iter().all(|(_, tests)| *tests > 0), "{rules:?}");
}

/// The names in the first column of the benchmark's table: `["name", "words", …]`.
fn figures(source: &str) -> Vec<&str> {
    source.lines().filter_map(|line| Some(line.strip_prefix("  [\"")?.split_once('"')?.0)).collect()
}

#[test]
fn every_figure_of_the_benchmark_is_told_and_every_command_that_is_named_exists() {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_else(|fault| panic!("{path}: {fault}"));
    let (document, report, makefile) =
        (read("docs/performance.md"), read("tests/bench/report.mjs"), read("Makefile"));
    let figures = figures(&report);
    assert!(figures.len() > 25, "{figures:?}");
    for figure in figures {
        assert!(
            document.contains(&format!("| `{figure}` |")),
            "docs/performance.md says nothing of {figure}"
        );
    }
    for command in document.split("`make ").skip(1) {
        let name = command.split(['`', ' ']).next().unwrap_or_default();
        assert!(makefile.contains(&format!("\n{name}:")), "there is no `make {name}`");
    }
}
