//! Bypass rules, without a platform: whom each expression exempts, what is wrong with those that cannot be read, and what a gate with rules does.

use anteroom::address::Address;
use anteroom::bypass::Rules;
use anteroom::visit::Headers;
use durable::expression::{EXPRESSION_BYTES_MAX, program};
use durable::json;

/// What somebody asks, of which most does not matter in most cases.
#[derive(Clone, Copy)]
struct Ask {
    url: &'static str,
    method: &'static str,
    ip: &'static str,
    /// Names and values.
    headers: &'static [(&'static str, &'static str)],
}

const ASK: Ask = Ask { url: "https://shop.example/", method: "GET", ip: "192.0.2.1", headers: &[] };

fn to(url: &'static str) -> Ask {
    Ask { url, ..ASK }
}

fn from(ip: &'static str) -> Ask {
    Ask { ip, ..ASK }
}

fn with(headers: &'static [(&'static str, &'static str)]) -> Ask {
    Ask { headers, ..ASK }
}

fn exempts(expression: &str, ask: &Ask) -> bool {
    program(expression).unwrap_or_else(|why| panic!("{expression} is refused: {why}"));
    let rules = Rules::from_stored(&[json!({ "expression": expression })]);
    let headers = Headers { method: ask.method, client: ask.ip, ..Headers::default() };
    let header = |name: &[u8], value: &mut Vec<u8>| {
        let found = ask.headers.iter().find(|(known, _)| known.as_bytes() == name);
        value.extend_from_slice(found.map_or("", |(_, value)| value).as_bytes());
    };
    rules.exempting(&Address::parse(ask.url).unwrap(), &headers, &header).is_some()
}

/// Each holds of all in the first list and of none in the second.
fn table(cases: &[(&str, &[Ask], &[Ask])]) {
    for (expression, those, others) in cases {
        assert!(!those.is_empty() && !others.is_empty(), "{expression} says nothing");
        for ask in *those {
            assert!(exempts(expression, ask), "{expression} does not exempt {} {}", ask.method, ask.url);
        }
        for ask in *others {
            assert!(!exempts(expression, ask), "{expression} exempts {} {}", ask.method, ask.url);
        }
    }
}

const X: Ask = Ask { url: "https://shop.example/a/b.min.JS?x=1&y=a%20b&x=2&z", ..ASK };

#[test]
fn every_field_is_read() {
    let post = Ask { method: "POST", ..ASK };
    table(&[
        (r#"http.request.method eq "POST""#, &[post], &[ASK]),
        (
            r#"http.host eq "shop.example""#,
            &[to("https://SHOP.example.:8443/"), ASK],
            &[to("https://a.shop.example/")],
        ),
        (
            r#"http.request.full_uri eq "https://shop.example/a?b=c""#,
            &[to("https://Shop.example:443/a?b=c")],
            &[to("http://shop.example/a?b=c"), to("https://shop.example/a")],
        ),
        (r#"http.request.full_uri eq "http://shop.example/""#, &[to("http://shop.example/")], &[ASK]),
        (r#"http.request.uri eq "/a/b.min.JS?x=1&y=a%20b&x=2&z""#, &[X], &[ASK]),
        (r#"http.request.uri eq "/""#, &[ASK], &[X]),
        (r#"http.request.uri.path eq "/a/b.min.JS""#, &[X], &[to("https://shop.example/a/b.min.js")]),
        (
            r#"http.request.uri.path.extension eq "js""#,
            &[X],
            &[to("https://shop.example/js"), to("https://shop.example/a.js/b")],
        ),
        (r#"http.request.uri.path.extension eq """#, &[ASK, to("https://shop.example/v1.2/a")], &[X]),
        (r#"http.request.uri.query eq "x=1&y=a%20b&x=2&z""#, &[X], &[ASK]),
        (r#"http.request.uri.args["x"][0] eq "1""#, &[X], &[ASK, to("https://shop.example/?x=2&x=1")]),
        (r#"any(http.request.uri.args["x"][*] eq "2")"#, &[X], &[to("https://shop.example/?y=2")]),
        (
            r#"all(http.request.uri.args["x"][*] in {"1" "2"})"#,
            &[X],
            &[ASK, to("https://shop.example/?x=1&x=3")],
        ),
        (r#"http.request.uri.args["z"][0] eq """#, &[X], &[ASK]),
        (
            r#"any(http.request.headers["x-a"][*] eq "1")"#,
            &[with(&[("x-a", "1")])],
            &[ASK, with(&[("x-a", "2")]), with(&[("x-b", "1")])],
        ),
        (r#"http.cookie contains "a=b""#, &[with(&[("cookie", "x=y; a=b")])], &[ASK]),
        (
            r#"any(http.request.cookies["a"][*] eq "b")"#,
            &[with(&[("cookie", "x=y; a=c; a=b")])],
            &[ASK, with(&[("cookie", "xa=b; a=bc")])],
        ),
        (r#"http.user_agent contains "Pingdom""#, &[with(&[("user-agent", "a Pingdom b")])], &[ASK]),
        (r#"http.user_agent eq """#, &[ASK], &[with(&[("user-agent", "x")])]),
        (r#"http.referer eq "https://a.example/""#, &[with(&[("referer", "https://a.example/")])], &[ASK]),
        (
            r#"ip.src.country eq "GR""#,
            &[with(&[(":country", "GR")])],
            &[ASK, with(&[("cf-ipcountry", "GR"), ("country", "GR")])],
        ),
        (
            r#"ip.geoip.country in {"GR" "CY"}"#,
            &[with(&[(":country", "CY")])],
            &[ASK, with(&[(":country", "DE")])],
        ),
        ("ip.src eq 192.0.2.1", &[ASK], &[from("192.0.2.2"), from(""), from("x")]),
        ("ssl", &[ASK], &[to("http://shop.example/")]),
    ]);
}

#[test]
fn every_operator_compares() {
    let path = |url| to(url);
    table(&[
        (r#"http.host == "shop.example""#, &[ASK], &[to("https://a.example/")]),
        (r#"http.host ne "a.example""#, &[ASK], &[to("https://a.example/")]),
        (r#"http.host != "a.example""#, &[ASK], &[to("https://a.example/")]),
        (r#"http.request.uri.path contains "/b""#, &[X], &[ASK]),
        (
            r#"http.request.uri.path wildcard "/A/*.js""#,
            &[X],
            &[ASK, path("https://shop.example/a/b.jsx"), path("https://shop.example/x/a/b.js")],
        ),
        (r#"http.request.uri.path strict wildcard "/a/*.JS""#, &[X], &[path("https://shop.example/a/b.js")]),
        (r#"http.request.full_uri wildcard "*.example/*/*.js*""#, &[X], &[ASK]),
        (
            "http.request.uri.path wildcard r\"/a\\*b*\"",
            &[path("https://shop.example/a*bc")],
            &[path("https://shop.example/axb")],
        ),
        (r#"http.request.uri.path wildcard "/""#, &[ASK], &[X]),
        (
            r#"http.request.method in {"GET" "HEAD"}"#,
            &[ASK, Ask { method: "HEAD", ..ASK }],
            &[Ask { method: "POST", ..ASK }],
        ),
        (
            r#"http.request.uri.query in {"" "a"}"#,
            &[ASK, path("https://shop.example/?a")],
            &[path("https://shop.example/?b")],
        ),
        ("len(http.request.uri.path) eq 1", &[ASK], &[X]),
        ("len(http.request.uri.path) lt 2", &[ASK], &[X, path("https://shop.example/a")]),
        ("len(http.request.uri.path) < 2", &[ASK], &[X]),
        ("len(http.request.uri.path) le 2", &[ASK, path("https://shop.example/a")], &[X]),
        ("len(http.request.uri.path) > 2", &[X], &[ASK, path("https://shop.example/a")]),
        ("len(http.request.uri.path) ge 2", &[X, path("https://shop.example/a")], &[ASK]),
        ("len(http.request.uri.path) ne 1", &[X], &[ASK]),
        ("len(http.request.uri.path) in {1 5..11}", &[ASK, X], &[path("https://shop.example/a")]),
        (
            "ip.src in {192.0.2.0/24 2001:db8::/32}",
            &[ASK, from("192.0.2.255"), from("2001:db8:1::9")],
            &[from("192.0.3.0"), from("2001:db9::"), from("")],
        ),
        (
            "ip.src in {10.0.0.3..10.0.0.7}",
            &[from("10.0.0.3"), from("10.0.0.7")],
            &[from("10.0.0.2"), from("10.0.0.8"), from("::a00:5")],
        ),
        ("ip.src in {0.0.0.0/0}", &[ASK], &[from("::1"), from("")]),
        ("ip.src ne 192.0.2.1", &[from("192.0.2.2"), from("::1")], &[ASK, from("")]),
        ("ip.src eq 2001:DB8::1", &[from("2001:db8:0:0::1")], &[from("2001:db8::2")]),
    ]);
}

#[test]
fn logic_has_its_precedence_and_parentheses_theirs() {
    // Yes and no, without a word about the request.
    let (yes, no) = (r#"http.request.method eq "GET""#, r#"http.request.method eq "PUT""#);
    for (expression, is) in [
        ("Y or N and N", true),
        ("(Y or N) and N", false),
        ("Y xor Y or Y", true),
        ("Y xor (Y or Y)", false),
        ("N and N xor Y", true),
        ("Y xor N and N", true),
        ("Y || Y ^^ Y", true),
        ("not N and N", false),
        ("not (N and N)", true),
        ("!N && !N", true),
        ("not not Y", true),
        ("! ! N", false),
        ("not Y or Y", true),
        ("Y xor Y xor Y", true),
        ("Y and Y and Y and N", false),
        ("N or N or Y", true),
        ("((((Y))))", true),
        (" \n Y\tand\r\nY ", true),
    ] {
        let expression = expression.replace('Y', yes).replace('N', no);
        assert_eq!(exempts(&expression, &ASK), is, "{expression}");
    }
}

#[test]
fn every_function_does_what_it_says() {
    let (upper, escaped) = (to("https://shop.example/UP?a=%41"), to("https://shop.example/?%2541&%zz"));
    table(&[
        (r#"lower(http.request.uri.path) eq "/up""#, &[upper], &[ASK]),
        (
            r#"upper(http.request.method) eq "GET""#,
            &[Ask { method: "get", ..ASK }, ASK],
            &[Ask { method: "PUT", ..ASK }],
        ),
        (r#"url_decode(http.request.uri.query) eq "a=A""#, &[upper], &[ASK]),
        (r#"url_decode(http.request.uri.query) eq "%41&%zz""#, &[escaped], &[upper]),
        (r#"url_decode(url_decode(http.request.uri.query)) eq "A&%zz""#, &[escaped], &[upper]),
        (r#"starts_with(http.request.uri.path, "/U")"#, &[upper], &[ASK, to("https://shop.example/aU/U")]),
        (r#"ends_with(lower(http.request.uri.path), "p")"#, &[upper], &[ASK, to("https://shop.example/pa")]),
        ("len(http.host) eq 12", &[ASK], &[to("https://a.example/")]),
        (r#"len(http.request.uri.args["x"]) eq 2"#, &[X], &[ASK]),
        // Who has no such name has no number of it either.
        (r#"not len(http.request.uri.args["x"]) ge 0"#, &[ASK], &[X]),
        (
            r#"any(len(http.request.uri.args["x"][*])[*] in {3 4})"#,
            &[to("https://shop.example/?x=abc")],
            &[X],
        ),
        (r#"any(lower(http.request.headers["x"][*])[*] contains "a")"#, &[with(&[("x", "BAB")])], &[ASK]),
        (
            r#"any(starts_with(http.request.uri.args["x"][*], "b"))"#,
            &[to("https://shop.example/?x=a&x=b")],
            &[X, ASK],
        ),
        (
            r#"all(not http.request.uri.args["x"][*] eq "3")"#,
            &[X],
            &[ASK, to("https://shop.example/?x=1&x=3")],
        ),
        (
            r#"any(http.request.uri.args["x"][*] eq "1" and http.request.uri.args["x"][*] ne "2")"#,
            &[X],
            &[ASK],
        ),
        (r#"http.request.uri.args["x"][1] eq "2""#, &[X], &[ASK, to("https://shop.example/?x=2")]),
    ]);
}

#[test]
fn a_text_is_quoted_or_raw() {
    let query = |url| to(url);
    table(&[
        (r#"http.request.headers["x"][0] eq "a\"b\\c\x41\101""#, &[with(&[("x", r#"a"b\cAA"#)])], &[ASK]),
        (r##"http.request.headers["x"][0] eq r#"a"b\c"#"##, &[with(&[("x", r#"a"b\c"#)])], &[ASK]),
        (r###"http.request.headers["x"][0] eq r##"a"#b"##"###, &[with(&[("x", r##"a"#b"##)])], &[ASK]),
        (r#"http.request.uri.query eq r"""#, &[ASK], &[X]),
        (r#"http.request.uri.query eq "é💥""#, &[query("https://shop.example/?é💥")], &[ASK]),
        (r#"http.request.uri.query eq " or ssl""#, &[query("https://shop.example/? or ssl")], &[ASK]),
    ]);
}

#[test]
fn what_is_not_there_is_compared_with_nothing() {
    for expression in [
        r#"http.request.headers["x"][0] ne "a""#,
        r#"http.request.headers["x"][0] wildcard "*""#,
        r#"any(http.request.headers["x"][*] ne "a")"#,
        r#"all(http.request.headers["x"][*] ne "a")"#,
        r#"len(http.request.headers["x"][0]) ge 0"#,
        r#"http.request.uri.args["x"][9] ne "a""#,
    ] {
        assert!(!exempts(expression, &ASK), "{expression}");
        assert!(exempts(&format!("not {expression}"), &ASK), "{expression}");
    }
}

#[test]
fn what_is_wrong_is_told_with_the_character_and_the_reason() {
    for (expression, place, reason) in [
        ("", "1, ``", "no field"),
        ("   ", "4, ``", "no field"),
        ("cf.threat_score lt 10", "1, `cf.threat_score`", "no field and no function"),
        ("ssl and cf.bot_management.score gt 30", "9, `cf.bot_management.score`", "docs/rules.md"),
        ("ip.src.asnum eq 1", "1, `ip.src.asnum`", "no field"),
        (r#"http.host matches "^a""#, "11, `matches`", "no regular expressions: use `wildcard`"),
        (r#"http.host ~ "^a""#, "11, ``", "no regular expressions"),
        (r#"concat(http.host, "a") eq "b""#, "1, `concat`", "no function"),
        (r#"regex_replace(http.host, "a", "b") eq "b""#, "1, `regex_replace`", "no function"),
        (r#"substring(http.host, 1) eq "b""#, "1, `substring`", "no function"),
        ("ip.src in $office", "11, ``", "`{` is expected"),
        ("ip.src eq 192.0.2.0/24", "11, `192.0.2.0/24`", "in {…}"),
        ("ip.src in {192.0.2.0/33}", "12, `192.0.2.0/33`", "an address is expected"),
        ("ip.src in {1.2.3.4..::1}", "12, `1.2.3.4..::1`", "an address is expected"),
        ("ip.src in {9.0.0.0..1.0.0.0}", "12, `9.0.0.0..1.0.0.0`", "an address"),
        ("ip.src eq \"192.0.2.1\"", "11, ``", "an address is expected"),
        ("ip.src lt 1.2.3.4", "8, `lt`", "numbers"),
        ("ip.src contains \"1\"", "8, `contains`", "texts alone"),
        ("http.host lt \"a\"", "11, `lt`", "numbers"),
        ("http.host eq shop.example", "14, `shop.example`", "a text in quotes"),
        ("http.host eq 'a'", "14, ``", "a text in quotes"),
        ("http.host = \"a\"", "11, ``", "an operator is expected: `eq`"),
        ("http.host EQ \"a\"", "11, `EQ`", "an operator is expected"),
        ("http.host", "10, ``", "an operator is expected"),
        ("http.host in {\"a\", \"b\"}", "18, ``", "a text in quotes"),
        ("http.host in {}", "15, ``", "a text in quotes"),
        ("http.host in {\"a\"", "18, ``", "a text in quotes"),
        ("http.host eq \"a", "14, ``", "not closed"),
        ("http.host eq r#\"a\"", "14, `r`", "not closed"),
        (r#"http.host eq "é\n""#, "16, ``", "the escapes are"),
        (r#"http.host eq "\xff""#, "15, ``", "the escapes are"),
        (r#"http.host eq "\9""#, "15, ``", "the escapes are"),
        ("http.host contains \"\"", "20, ``", "fits everything"),
        ("starts_with(http.host, \"\")", "24, ``", "fits everything"),
        ("http.host wildcard \"a**\"", "20, ``", "stands alone"),
        (r#"http.host wildcard r"a\b""#, "20, `r`", "themselves"),
        ("http.host strict \"a\"", "18, ``", "an operator"),
        ("http.request.headers[\"X-A\"][0] eq \"a\"", "22, ``", "in lower case"),
        ("http.request.headers eq \"a\"", "22, `eq`", "a name in quotes"),
        ("http.request.headers[\"x\"] eq \"a\"", "27, `eq`", "`[0]`"),
        ("http.request.headers[\"x\"][*] eq \"a\"", "1, `http.request.headers`", "`any(…)`"),
        ("any(http.host eq \"a\")", "5, `http.host`", "`[*]` is missing"),
        ("ssl and http.request.headers[\"x\"][*] eq \"a\"", "9, `http.request.headers`", "one side"),
        ("lower(http.request.headers[\"x\"]) eq \"a\"", "7, `http.request.headers`", "a text is expected"),
        ("lower(ip.src) eq \"a\"", "7, `ip.src`", "a text is expected"),
        ("len(ssl) eq 1", "5, `ssl`", "a text is expected"),
        ("len(http.host) eq -1", "19, ``", "a number"),
        ("len(http.host) eq 4294967296", "19, `4294967296`", "a number"),
        ("len(http.host) eq 1..2", "19, `1..2`", "in {…}"),
        ("len(http.host) in {1/8}", "20, `1/8`", "a number"),
        ("(ssl", "5, ``", "not closed"),
        ("ssl)", "4, ``", "the end is expected"),
        ("ssl ssl", "5, `ssl`", "`and`, `or`, `xor` or the end"),
        ("ssl eq true", "5, `eq`", "the end is expected"),
        ("not", "4, ``", "no field"),
        ("ssl and", "8, ``", "no field"),
        ("any", "1, `any`", "no field and no function"),
        ("http.host(\"a\")", "1, `http.host`", "no field and no function"),
        ("é", "1, ``", "no field"),
    ] {
        let why = program(expression).expect_err(expression);
        assert!(why.starts_with(&format!("at character {place}: ")), "{expression}: {why}");
        assert!(why.contains(reason), "{expression}: {why}");
    }
}

#[test]
fn nothing_is_longer_or_deeper_than_it_may_be() {
    let nested = |depth: usize| format!("{}ssl{}", "(".repeat(depth), ")".repeat(depth));
    assert!(program(&nested(30)).is_ok());
    for hostile in [
        nested(31),
        nested(2_000),
        "not ".repeat(1_000) + "ssl",
        "!".repeat(4_093) + "ssl",
        "lower(".repeat(600),
        "any(".repeat(1_000),
        "(".repeat(EXPRESSION_BYTES_MAX),
    ] {
        assert!(program(&hostile).unwrap_err().contains("deeper than 32"), "{hostile}");
    }
    let long = |length: usize| format!("http.host eq \"{}\"", "a".repeat(length - 15));
    assert!(program(&long(EXPRESSION_BYTES_MAX)).is_ok());
    assert!(program(&long(EXPRESSION_BYTES_MAX + 1)).unwrap_err().contains("4096"));
    // Many beside each other are no nesting.
    assert!(exempts(&["ssl"; 500].join(" or "), &ASK));
}

#[test]
fn no_pattern_takes_longer_than_its_length_times_the_texts() {
    let stars = "a*".repeat(1_900);
    let expression = format!("http.request.headers[\"x\"][0] strict wildcard \"{stars}b\"");
    let rules = Rules::from_stored(&[json!({ "expression": expression })]);
    let text = "a".repeat(16_000);
    let headers = Headers::default();
    // A matcher that tries every way would not be done while the sun shines.
    let header = |_: &[u8], value: &mut Vec<u8>| value.extend_from_slice(text.as_bytes());
    assert_eq!(rules.exempting(&Address::parse(ASK.url).unwrap(), &headers, &header), None);
}

#[test]
fn the_examples_of_the_document_are_read() {
    let document = std::fs::read_to_string("docs/rules.md").expect("the document");
    let examples: Vec<&str> =
        document.split("```rule\n").skip(1).filter_map(|rest| rest.split("\n```").next()).collect();
    assert_eq!(examples.len(), 5);
    for example in &examples {
        assert!(program(example).is_ok(), "{example}: {:?}", program(example));
    }
    assert!(
        exempts(examples[0], &to("https://shop.example/health"))
            && exempts(examples[1], &from("198.51.100.7"))
    );
    assert!(exempts(examples[2], &Ask { method: "POST", ..to("https://shop.example/hooks/payments/1") }));
    assert!(
        exempts(examples[3], &to("https://shop.example/a.CSS"))
            && !exempts(examples[3], &to("https://shop.example/a.php"))
    );
    assert!(exempts(examples[4], &with(&[(":country", "GR")])));
    // Whatever the tables name is there, and nothing is there that they do not name.
    let inline = document
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|code| code.starts_with("any(") && code.ends_with(')') && !code.contains('…'));
    let inline: Vec<&str> = inline.collect();
    assert_eq!(inline.len(), 2);
    assert!(inline.iter().all(|code| program(code).is_ok()), "{inline:?}");
}
