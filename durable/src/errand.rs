//! A call to an object, as text: nothing waits for one in Wasm. The host (`objects.mjs`, `entry.mjs`) runs it and comes
//! back with the reply, so no call hangs in Wasm's memory, and a panic takes along nobody but who provoked it.

/// Which object is called, what for, and with what. None of the parts has a line break in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Errand<'a> {
    /// The binding of its class.
    pub binding: &'a str,
    /// Its name.
    pub name: &'a str,
    /// What for.
    pub action: &'a str,
    /// With what: JSON, or nothing.
    pub payload: &'a str,
}

impl<'a> Errand<'a> {
    /// Its text, behind a character that says what becomes of the reply.
    pub fn text(&self, kind: char) -> String {
        let Errand { binding, name, action, payload } = self;
        let mut text = String::with_capacity(payload.len() + 96);
        text.push(kind);
        for part in [binding, name, action, payload] {
            text.push('\n');
            text.push_str(part);
        }
        text
    }

    /// Reads such a text; none if it is not one.
    pub fn parse(text: &'a str) -> Option<Errand<'a>> {
        let mut parts = text.split('\n').skip(1);
        let mut next = || parts.next();
        Some(Errand { binding: next()?, name: next()?, action: next()?, payload: next()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_errand_is_read_as_it_was_written() {
        let errand = Errand { binding: "ROOM", name: "ab12", action: "status", payload: "" };
        let text = errand.text('?');
        assert_eq!(text, "?\nROOM\nab12\nstatus\n");
        assert_eq!(Errand::parse(&text), Some(errand));
        assert_eq!((Errand::parse(""), Errand::parse("?\nROOM\nab12\nstatus")), (None, None));
    }
}
