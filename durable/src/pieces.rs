//! Texts cut to pieces and put together again. What is looked for here is a few bytes long in a text of a line, so every place is tried: the
//! standard library's search, which looks at no byte twice in whatever text, takes a kilobyte of the Wasm and longer to begin with.

/// Where a part begins first. An empty one is nowhere.
pub fn find(text: &str, part: &str) -> Option<usize> {
    let part = part.as_bytes();
    text.as_bytes().windows(part.len().max(1)).position(|bytes| bytes == part)
}

/// Whether there is such a part.
pub fn has(text: &str, part: &str) -> bool {
    find(text, part).is_some()
}

/// What is before a part, and what is behind it.
pub fn cut<'a>(text: &'a str, part: &str) -> Option<(&'a str, &'a str)> {
    let at = find(text, part)?;
    Some((text.get(..at)?, text.get(at + part.len()..)?))
}

/// The text with another one in place of a part, wherever it is.
pub fn replaced(text: &str, part: &str, other: &str) -> String {
    let (mut replaced, mut rest) = (String::new(), text);
    while let Some((before, behind)) = cut(rest, part) {
        replaced.push_str(before);
        replaced.push_str(other);
        rest = behind;
    }
    replaced.push_str(rest);
    replaced
}

/// All parts in one, with something between them.
pub fn joined(parts: &mut dyn Iterator<Item = &str>, between: &str) -> String {
    let mut joined = String::new();
    for (index, part) in parts.enumerate() {
        if index > 0 {
            joined.push_str(between);
        }
        joined.push_str(part);
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_found_as_the_standard_library_finds_them() {
        for text in ["", "a", "aab", "https://a/?b=://", "é://ü", "ééé"] {
            for part in ["a", "ab", "://", "é", "ü", "b=://", "https://a/?b=://."] {
                assert_eq!(find(text, part), text.find(part));
                assert_eq!(has(text, part), text.contains(part));
                assert_eq!(cut(text, part), text.split_once(part));
                assert_eq!(replaced(text, part, "é"), text.replace(part, "é"));
            }
        }
        assert_eq!(find("a", ""), None);
    }

    #[test]
    fn what_is_joined_has_something_between() {
        assert_eq!(joined(&mut ["a", "", "b"].into_iter(), ", "), "a, , b");
        assert_eq!(joined(&mut std::iter::empty(), ", "), "");
    }
}
