//! What a bypass rule's program is written in: what [`crate::expression`] makes of an expression, and `src/bypass.rs` carries out. A program is
//! bytes, for lists of lists are long in Wasm: each step is a letter of [`op`], what it is about, and [`END`]. That byte is in no text, nor are its
//! two neighbours. Programs are stored nowhere: another version has other letters.

/// Ends a step, and a value in a list.
pub const END: u8 = 0xff;
/// Behind each pattern, and each end of a range, of one step.
pub const NEXT: u8 = 0xfe;
/// Stands for anything in a pattern.
pub const ANYTHING: u8 = 0xfd;

/// Letters of steps. Each takes a list from the stack and puts one there; those in lower case take nothing. A single value is a list of one, what is
/// not there an empty list; of answers there is a byte each, 0 or 1.
pub mod op {
    /// Reads the method.
    pub const METHOD: u8 = b'm';
    /// Reads the host in its normal form.
    pub const HOST: u8 = b'h';
    /// Reads scheme, host, path and query.
    pub const FULL_URI: u8 = b'f';
    /// Reads path and query.
    pub const URI: u8 = b'u';
    /// Reads the path.
    pub const PATH: u8 = b'p';
    /// Reads what is behind the last dot of the path's last part.
    pub const EXTENSION: u8 = b'e';
    /// Reads the query, without its `?`.
    pub const QUERY: u8 = b'q';
    /// Reads all values of a name in the query.
    pub const ARGUMENT: u8 = b'a';
    /// Reads a header, if it is there.
    pub const HEADER: u8 = b'n';
    /// The same, or an empty text: what everybody has.
    pub const LINE: u8 = b'l';
    /// Reads all values of a cookie.
    pub const COOKIE: u8 = b'c';
    /// Reads the client's address.
    pub const CLIENT: u8 = b'i';
    /// Whether it is https.
    pub const SECURE: u8 = b's';
    /// Each text in lower case.
    pub const LOWER: u8 = b'L';
    /// Each text in upper case.
    pub const UPPER: u8 = b'U';
    /// Each text without its escapes.
    pub const DECODE: u8 = b'D';
    /// How long each text is.
    pub const LENGTH: u8 = b'B';
    /// How many there are.
    pub const COUNT: u8 = b'C';
    /// One of them, by its digit.
    pub const NTH: u8 = b'N';
    /// Which fit one of these patterns, whole.
    pub const LIKE: u8 = b'P';
    /// Which lie in one of these ranges, ends included.
    pub const WITHIN: u8 = b'W';
    /// The other way round, each answer.
    pub const NOT: u8 = b'!';
    /// Whether any is yes.
    pub const ANY: u8 = b'E';
    /// Whether all are yes, and there are some.
    pub const ALL: u8 = b'A';
    /// Two lists of answers become one.
    pub const OR: u8 = b'|';
    /// The same: one of both.
    pub const XOR: u8 = b'^';
    /// The same: both.
    pub const AND: u8 = b'&';
    /// A function that is read as a pattern: how a text begins, and how it ends.
    pub(crate) const STARTS: u8 = b'S';
    pub(crate) const ENDS: u8 = b'T';
}
