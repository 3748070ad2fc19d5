//! Expressions of bypass rules: a part of Cloudflare's Rules language, read into a program of small steps that `src/bypass.rs` carries out. What
//! the language is: `docs/rules.md`.
//!
//! Types are checked here, so that no step can meet what it is not made for. A text that is wrong is told with the character at which it is,
//! counted from one. Nothing nests deeper than [`DEPTH_MAX`], and steps are carried out one after the other, each once: what takes long to
//! write takes long to carry out, and nothing else does.
//!
//! Reading goes on behind a fault as if the text ended there, and the first fault is told in the end: so reading is a list of parts, and not
//! of ways out.

use crate::comparable::{comparable, network, number};
use crate::pieces::{cut, replaced};
use crate::steps::{ANYTHING, END, NEXT, op};

/// The longest expression: Cloudflare's own bound.
pub const EXPRESSION_BYTES_MAX: usize = 4_096;
/// Parentheses, `not` and functions inside each other.
pub const DEPTH_MAX: u32 = 32;
/// What a value is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Base {
    Text,
    Number,
    Address,
    Truth,
}

/// How many there are of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// One.
    One,
    /// Each of a list, by `[*]`.
    Each,
    /// A list, whole.
    List,
}

/// The program of an expression, or where it is wrong and why.
pub fn program(text: &str) -> Result<Vec<u8>, String> {
    if text.len() > EXPRESSION_BYTES_MAX {
        return Err("must be at most 4096 bytes".to_owned());
    }
    let mut parser = Parser { text, at: 0, depth: 0, program: Vec::new(), fault: None };
    if parser.joined(0) == Shape::Each {
        parser.wrong(0, "`any(…)` or `all(…)` is missing around `[*]`");
    }
    let end = parser.here();
    if end < text.len() {
        parser.wrong(end, "`and`, `or`, `xor` or the end is expected");
    }
    let Some((at, why)) = parser.fault else { return Ok(parser.program) };
    parser.at = at;
    let word = parser.run();
    // Of a character's bytes all but the first begin with the bits 10.
    let before = text.bytes().take(at).filter(|byte| byte & 0xc0 != 0x80);
    Err(format!("at character {}, `{word}`: {why}", before.count() + 1))
}

/// Fields and functions by their names.
const NAMES: [(&str, u8); 25] = [
    ("http.request.method", op::METHOD),
    ("http.host", op::HOST),
    ("http.request.full_uri", op::FULL_URI),
    ("http.request.uri", op::URI),
    ("http.request.uri.path", op::PATH),
    ("http.request.uri.path.extension", op::EXTENSION),
    ("http.request.uri.query", op::QUERY),
    ("http.request.uri.args", op::ARGUMENT),
    ("http.request.headers", op::HEADER),
    ("http.request.cookies", op::COOKIE),
    ("http.cookie", op::LINE),
    ("http.user_agent", op::LINE),
    ("http.referer", op::LINE),
    ("ip.src", op::CLIENT),
    ("ip.src.country", op::LINE),
    ("ip.geoip.country", op::LINE),
    ("ssl", op::SECURE),
    ("any", op::ANY),
    ("all", op::ALL),
    ("len", op::LENGTH),
    ("lower", op::LOWER),
    ("upper", op::UPPER),
    ("url_decode", op::DECODE),
    ("starts_with", op::STARTS),
    ("ends_with", op::ENDS),
];

/// What connects, the loosest first.
const LOGIC: [(&str, &str, u8); 3] = [("or", "||", op::OR), ("xor", "^^", op::XOR), ("and", "&&", op::AND)];

/// What compares; the longer of two that begin alike first.
const OPERATORS: [(&str, &str); 11] = [
    ("eq", "=="),
    ("ne", "!="),
    ("le", "<="),
    ("gt", ">"),
    ("ge", ">="),
    ("lt", "<"),
    ("contains", ""),
    ("in", ""),
    ("wildcard", ""),
    ("strict", ""),
    ("matches", "~"),
];

const CLOSE: &str = "it is not closed";
const NAME: &str = "a name in quotes is expected, of a header in lower case";
const OPERATOR: &str = "an operator is expected: `eq`, `ne`, `lt`, `le`, `gt`, `ge`, `contains`, `in`, `wildcard`, `strict wildcard`";
const VALUE: &str = "a number or an address is expected; a range stands in `in {…}`: `192.0.2.0/24`, `1..9`";

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: u32,
    program: Vec<u8>,
    fault: Option<(usize, &'static str)>,
}

impl<'a> Parser<'a> {
    /// The first fault counts, and nothing is read behind it.
    fn wrong(&mut self, at: usize, why: &'static str) {
        self.fault.get_or_insert((at, why));
        self.at = self.text.len();
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// Where the next part begins.
    fn here(&mut self) -> usize {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.rest().first() {
            self.at += 1;
        }
        self.at
    }

    /// Takes these signs, if they come next.
    fn take(&mut self, signs: &str) -> bool {
        self.here();
        let comes = !signs.is_empty() && self.rest().starts_with(signs.as_bytes());
        self.at += if comes { signs.len() } else { 0 };
        comes
    }

    fn expect(&mut self, sign: &str, why: &'static str) {
        if !self.take(sign) {
            self.wrong(self.at, why);
        }
    }

    /// Takes a word, a number or an address.
    fn run(&mut self) -> &'a str {
        let at = self.here();
        while let Some(b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'.' | b':' | b'/') =
            self.rest().first()
        {
            self.at += 1;
        }
        self.text.get(at..self.at).unwrap_or_default()
    }

    /// Takes this, if it comes next: by its word or by its sign.
    fn is(&mut self, name: &str, sign: &str) -> bool {
        let at = self.here();
        if self.run() == name {
            return true;
        }
        self.at = at;
        self.take(sign)
    }

    fn push(&mut self, op: u8, about: &[u8]) {
        self.program.push(op);
        self.program.extend_from_slice(about);
        self.program.push(END);
    }

    /// Comparisons joined by what binds at least so tight.
    fn joined(&mut self, from: usize) -> Shape {
        let shape = self.simple();
        let mut tightness = from;
        while let Some((name, sign, op)) = LOGIC.get(tightness) {
            tightness += 1;
            if self.is(name, sign) {
                let at = self.here();
                if self.joined(tightness) != shape {
                    self.wrong(at, "`[*]` is missing on one side");
                }
                self.push(*op, b"");
                tightness = from;
            }
        }
        shape
    }

    /// One thing further inside.
    fn deeper(&mut self) {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            self.wrong(self.at, "nested deeper than 32 levels");
        }
    }

    fn simple(&mut self) -> Shape {
        self.deeper();
        let shape = if self.take("(") {
            let shape = self.joined(0);
            self.expect(")", CLOSE);
            shape
        } else if self.is("not", "!") {
            let shape = self.simple();
            self.push(op::NOT, b"");
            shape
        } else {
            self.comparison()
        };
        self.depth -= 1;
        shape
    }

    fn comparison(&mut self) -> Shape {
        let (base, shape) = self.value();
        if base == Base::Truth {
            return shape;
        }
        let at = self.here();
        if shape == Shape::List {
            self.wrong(at, "of a list, `[0]` is compared, or each by `any(…[*] eq …)`");
        }
        let mut operator = 0;
        while OPERATORS.get(operator).is_some_and(|(name, sign)| !self.is(name, sign)) {
            operator += 1;
        }
        let fits = match operator {
            0 | 1 | 7 => true,
            2..=5 => base == Base::Number,
            _ => base == Base::Text,
        };
        if !fits {
            self.wrong(at, "this compares texts alone, or numbers such as `len(…)`");
        }
        let (mut op, mut about) = (if base == Base::Text { op::LIKE } else { op::WITHIN }, Vec::new());
        match operator {
            0..=5 => self.item(base, false, &mut about),
            7 => {
                self.expect("{", "`{` is expected, and values with spaces between them");
                self.item(base, true, &mut about);
                while self.fault.is_none() && !self.take("}") {
                    self.item(base, true, &mut about);
                }
            }
            6 | 8 | 9 => {
                op = op::LIKE;
                if operator == 9 && !self.is("wildcard", "") {
                    self.wrong(self.at, OPERATOR);
                }
                self.pattern(operator, &mut about);
            }
            10 => self.wrong(at, "there are no regular expressions: use `wildcard`, `contains` or `in {…}`"),
            _ => self.wrong(at, OPERATOR),
        }
        // What is not greater is less or equal, and the other way round: the other end is as far as can be.
        let end = match operator {
            2 | 3 => about.get_mut(..16),
            4 | 5 => about.get_mut(17..33),
            _ => None,
        };
        end.unwrap_or_default().fill(if operator < 4 { b'0' } else { b'f' });
        self.push(op, &about);
        if matches!(operator, 1 | 3 | 5) {
            self.push(op::NOT, b"");
        }
        self.alone(shape)
    }

    /// Of one value there is one answer: no, if it is not there.
    fn alone(&mut self, shape: Shape) -> Shape {
        if shape == Shape::One {
            self.push(op::ANY, b"");
        }
        shape
    }

    /// A value to compare with, in a set also a range of them: a pattern, or the first and the last.
    fn item(&mut self, base: Base, in_set: bool, about: &mut Vec<u8>) {
        let at = self.here();
        if base == Base::Text {
            self.string(about);
        } else {
            let item = self.run();
            let (from, to) = match (cut(item, ".."), cut(item, "/")) {
                (Some((from, to)), _) if in_set => (scalar(base, from), scalar(base, to)),
                (_, Some((from, bits))) if in_set => (network(from, bits, 0), network(from, bits, 0xff)),
                _ => (scalar(base, item), scalar(base, item)),
            };
            // From one family of addresses to another there is no range, nor from addresses to numbers.
            let length = if base == Base::Number { 16 } else { 34 };
            if from.len() != length || from > to || from.get(..2) != to.get(..2) {
                self.wrong(at, VALUE);
            }
            about.extend_from_slice(from.as_bytes());
            about.push(NEXT);
            about.extend_from_slice(to.as_bytes());
        }
        about.push(NEXT);
    }

    /// A pattern for `contains`, `wildcard`, `strict wildcard`.
    fn pattern(&mut self, operator: usize, about: &mut Vec<u8>) {
        let at = self.here();
        if operator == 6 {
            about.push(ANYTHING);
            self.some(about);
            about.push(ANYTHING);
        } else {
            let mut text = Vec::new();
            self.string(&mut text);
            if operator == 8 {
                self.push(op::LOWER, b"");
                text.make_ascii_lowercase();
            }
            let (mut is_escaped, mut is_wrong) = (false, false);
            for byte in text {
                let is_special = matches!(byte, b'*' | b'\\');
                is_wrong |= is_escaped && !is_special;
                if is_escaped || !is_special {
                    about.push(byte);
                } else if byte == b'*' {
                    is_wrong |= about.last() == Some(&ANYTHING);
                    about.push(ANYTHING);
                }
                is_escaped = byte == b'\\' && !is_escaped;
            }
            if is_wrong || is_escaped {
                self.wrong(at, r#"`*` stands alone; `*` and `\` themselves are r"\*" and r"\\""#);
            }
        }
        about.push(NEXT);
    }

    /// A text that is not empty.
    fn some(&mut self, text: &mut Vec<u8>) {
        let (at, length) = (self.here(), text.len());
        self.string(text);
        if text.len() == length {
            self.wrong(at, "an empty text fits everything");
        }
    }

    /// A field, or what a function makes of one.
    fn value(&mut self) -> (Base, Shape) {
        self.deeper();
        let at = self.here();
        let name = self.run();
        let op = NAMES.iter().find(|(known, _)| *known == name).map_or(0, |(_, op)| *op);
        let calls = self.take("(");
        let (base, mut shape) = if op == 0 || calls != op.is_ascii_uppercase() {
            self.wrong(at, "no field and no function that docs/rules.md lists");
            (Base::Truth, Shape::One)
        } else if calls {
            let told = self.called(op);
            self.expect(")", CLOSE);
            told
        } else {
            self.field(op, name)
        };
        if shape == Shape::List && self.take("[") {
            shape = Shape::Each;
            if !self.take("*") {
                shape = Shape::One;
                let digit = self.run().as_bytes();
                if !matches!(digit, [b'0'..=b'9']) {
                    self.wrong(self.at, "`*` or a digit is expected");
                }
                self.push(op::NTH, digit);
            }
            self.expect("]", CLOSE);
        }
        self.depth -= 1;
        (base, shape)
    }

    fn field(&mut self, op: u8, name: &str) -> (Base, Shape) {
        let (mut about, mut shape) = (Vec::new(), Shape::One);
        match op {
            op::LINE if name.starts_with("ip") => about.extend_from_slice(b":country"),
            // The header's name stands behind `http.`.
            op::LINE => about = replaced(name.get(5..).unwrap_or_default(), "_", "-").into_bytes(),
            op::ARGUMENT | op::HEADER | op::COOKIE => {
                self.expect("[", NAME);
                let at = self.here();
                self.some(&mut about);
                let fits = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
                if op == op::HEADER && !about.iter().all(fits) {
                    self.wrong(at, NAME);
                }
                self.expect("]", CLOSE);
                shape = Shape::List;
            }
            _ => {}
        }
        self.push(op, &about);
        if op == op::EXTENSION {
            self.push(op::LOWER, b"");
        }
        let base = match op {
            op::CLIENT => Base::Address,
            op::SECURE => Base::Truth,
            _ => Base::Text,
        };
        (base, shape)
    }

    /// A function, behind its parenthesis.
    fn called(&mut self, op: u8) -> (Base, Shape) {
        let at = self.here();
        if matches!(op, op::ANY | op::ALL) {
            if self.joined(0) == Shape::One {
                self.wrong(at, "`[*]` is missing inside");
            }
            self.push(op, b"");
            return (Base::Truth, Shape::One);
        }
        let (base, shape) = self.value();
        let counts = op == op::LENGTH && shape == Shape::List;
        if base != Base::Text || shape == Shape::List && !counts {
            self.wrong(at, "a text is expected; of a list, `[*]` or `[0]`");
        }
        if matches!(op, op::STARTS | op::ENDS) {
            self.expect(",", "`,` is expected");
            let mut about = Vec::new();
            if op == op::ENDS {
                about.push(ANYTHING);
            }
            self.some(&mut about);
            if op == op::STARTS {
                about.push(ANYTHING);
            }
            about.push(NEXT);
            self.push(op::LIKE, &about);
            return (Base::Truth, self.alone(shape));
        }
        self.push(if counts { op::COUNT } else { op }, b"");
        // What comes of each is a list again.
        let shape = if shape == Shape::Each { Shape::List } else { Shape::One };
        (if op == op::LENGTH { Base::Number } else { Base::Text }, shape)
    }

    /// Adds a text: in quotes with escapes, or raw without.
    fn string(&mut self, text: &mut Vec<u8>) {
        let start = self.here();
        let is_raw = self.take("r");
        let from = self.at;
        while is_raw && self.rest().first() == Some(&b'#') {
            self.at += 1;
        }
        let hashes = self.text.as_bytes().get(from..self.at).unwrap_or_default();
        self.expect("\"", "a text in quotes is expected");
        loop {
            let (length, byte) = match *self.rest() {
                [b'"', ref behind @ ..] if behind.starts_with(hashes) => {
                    self.at += 1 + hashes.len();
                    return;
                }
                [b'\\', byte @ (b'"' | b'\\'), ..] if !is_raw => (2, Some(u64::from(byte))),
                [b'\\', byte, ..] if !is_raw => {
                    let (from, radix) = if byte == b'x' { (2, 16) } else { (1, 8) };
                    let digits = self.text.get(self.at + from..self.at + 4);
                    (4, number(digits.unwrap_or_default(), radix, 127))
                }
                [byte, ..] => (1, Some(u64::from(byte))),
                [] => return self.wrong(start, CLOSE),
            };
            match byte {
                Some(byte) => text.push(byte as u8),
                None => {
                    return self
                        .wrong(self.at, r#"the escapes are `\"`, `\\`, `\x41` and `\101`; r"…" has none"#);
                }
            }
            self.at += length;
        }
    }
}

/// A number or an address as a text that compares as the values do; of a text that is none, nothing.
fn scalar(base: Base, text: &str) -> String {
    match base {
        Base::Number => number(text, 10, u64::from(u32::MAX)).map_or_else(String::new, comparable),
        _ => network(text, "", 0),
    }
}
