//! Rust text into words and signs, without comments and without what strings say.

/// What a token is, as far as the rules ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An identifier or keyword; a raw identifier without its `r#`.
    Word,
    /// A sign. `::` is one token, every other sign is a single character.
    Sign,
    /// A string, character, number or lifetime. Its text is not kept.
    Other,
}

#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) text: String,
    pub(crate) line: usize,
    /// Inside `#[cfg(test)]` or `#[test]`.
    pub(crate) in_test: bool,
}

impl Token {
    pub(crate) fn is(&self, text: &str) -> bool {
        self.kind != Kind::Other && self.text == text
    }
}

/// Splits `text`. Unterminated strings and comments end with the file: the compiler complains about those.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let mut reader = Reader { chars: text.chars().collect(), at: 0, line: 1, out: Vec::new() };
    while reader.at < reader.chars.len() {
        reader.step();
    }
    reader.out
}

struct Reader {
    chars: Vec<char>,
    at: usize,
    line: usize,
    out: Vec<Token>,
}

impl Reader {
    fn peek(&self, ahead: usize) -> char {
        self.chars.get(self.at + ahead).copied().unwrap_or('\0')
    }

    fn skip(&mut self, count: usize) {
        for _ in 0..count {
            if self.peek(0) == '\n' {
                self.line += 1;
            }
            self.at += 1;
        }
    }

    fn push(&mut self, kind: Kind, text: &str, line: usize) {
        self.out.push(Token { kind, text: text.to_owned(), line, in_test: false });
    }

    fn step(&mut self) {
        let line = self.line;
        match self.peek(0) {
            '/' if self.peek(1) == '/' => {
                while self.at < self.chars.len() && self.peek(0) != '\n' {
                    self.skip(1);
                }
            }
            '/' if self.peek(1) == '*' => self.block_comment(),
            '"' => self.string(line),
            '\'' => self.quote(line),
            c if c.is_whitespace() => self.skip(1),
            c if c.is_alphabetic() || c == '_' => self.word(line),
            c if c.is_ascii_digit() => {
                // `1..2` is a range, not a number's fraction: a second dot ends it.
                while self.peek(0).is_alphanumeric()
                    || self.peek(0) == '_'
                    || (self.peek(0) == '.' && self.peek(1).is_ascii_digit())
                {
                    self.skip(1);
                }
                self.push(Kind::Other, "", line);
            }
            ':' if self.peek(1) == ':' => {
                self.skip(2);
                self.push(Kind::Sign, "::", line);
            }
            c => {
                self.skip(1);
                self.push(Kind::Sign, &c.to_string(), line);
            }
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0;
        while self.at < self.chars.len() {
            match (self.peek(0), self.peek(1)) {
                ('/', '*') => {
                    depth += 1;
                    self.skip(2);
                }
                ('*', '/') => {
                    depth -= 1;
                    self.skip(2);
                    if depth == 0 {
                        return;
                    }
                }
                _ => self.skip(1),
            }
        }
    }

    fn string(&mut self, line: usize) {
        self.skip(1);
        while self.at < self.chars.len() && self.peek(0) != '"' {
            self.skip(if self.peek(0) == '\\' { 2 } else { 1 });
        }
        self.skip(1);
        self.push(Kind::Other, "", line);
    }

    fn raw_string(&mut self, hashes: usize, line: usize) {
        self.skip(hashes + 1);
        while self.at < self.chars.len() {
            if self.peek(0) == '"' && (1..=hashes).all(|ahead| self.peek(ahead) == '#') {
                break;
            }
            self.skip(1);
        }
        self.skip(hashes + 1);
        self.push(Kind::Other, "", line);
    }

    /// A character (`'a'`, `'\''`) or a lifetime (`'a`).
    fn quote(&mut self, line: usize) {
        if self.peek(1) == '\\' {
            self.skip(3);
            while self.at < self.chars.len() && self.peek(0) != '\'' {
                self.skip(1);
            }
            self.skip(1);
        } else if self.peek(2) == '\'' {
            self.skip(3);
        } else {
            self.skip(1);
            while self.peek(0).is_alphanumeric() || self.peek(0) == '_' {
                self.skip(1);
            }
        }
        self.push(Kind::Other, "", line);
    }

    fn word(&mut self, line: usize) {
        let start = self.at;
        while self.peek(0).is_alphanumeric() || self.peek(0) == '_' {
            self.skip(1);
        }
        let word: String = self.chars.iter().skip(start).take(self.at - start).collect();
        let hashes = (0..).take_while(|&ahead| self.peek(ahead) == '#').count();
        match word.as_str() {
            "r" | "br" | "cr" if self.peek(hashes) == '"' => self.raw_string(hashes, line),
            "b" | "c" if self.peek(0) == '"' => self.string(line),
            "b" if self.peek(0) == '\'' => self.quote(line),
            "r" if hashes == 1 => {
                self.skip(1);
                self.word(line);
            }
            _ => self.push(Kind::Word, &word, line),
        }
    }
}

/// Marks what only tests compile: the item behind `#[cfg(test)]` or `#[test]`.
pub(crate) fn mark_tests(tokens: &mut [Token]) {
    let mut at = 0;
    while at < tokens.len() {
        if is_test_attribute(tokens, at) {
            let end = item_end(tokens, at);
            tokens.iter_mut().take(end).skip(at).for_each(|token| token.in_test = true);
            at = end;
        } else {
            at += 1;
        }
    }
}

fn is_test_attribute(tokens: &[Token], at: usize) -> bool {
    let words = |count: usize| {
        tokens.iter().skip(at).take(count).map(|token| token.text.as_str()).collect::<Vec<_>>().concat()
    };
    words(4) == "#[test]" || words(7) == "#[cfg(test)]"
}

/// One past the item that begins at `at`: behind its closing brace, or its semicolon if it has no body.
fn item_end(tokens: &[Token], at: usize) -> usize {
    let mut nested = 0;
    for (index, token) in tokens.iter().enumerate().skip(at) {
        match token.text.as_str() {
            _ if token.kind != Kind::Sign => {}
            "(" | "[" => nested += 1,
            ")" | "]" => nested -= 1,
            ";" if nested == 0 => return index + 1,
            "{" if nested == 0 => return closing(tokens, index) + 1,
            _ => {}
        }
    }
    tokens.len()
}

/// The brace that closes the one at `open`; the last token where none does.
pub(crate) fn closing(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0;
    for (index, token) in tokens.iter().enumerate().skip(open) {
        if token.is("{") {
            depth += 1;
        } else if token.is("}") {
            depth -= 1;
            if depth == 0 {
                return index;
            }
        }
    }
    tokens.len().saturating_sub(1)
}

/// A function with a body: its name, the line of its `fn` and how many lines it takes.
pub(crate) fn functions(tokens: &[Token]) -> Vec<(String, usize, usize)> {
    let mut found = Vec::new();
    for (index, pair) in tokens.windows(2).enumerate() {
        let [keyword, name] = pair else { continue };
        // `fn(` is a type, not a function.
        if !keyword.is("fn") || name.kind != Kind::Word {
            continue;
        }
        let end = item_end(tokens, index);
        if let Some(last) = tokens.get(end - 1).filter(|last| last.is("}")) {
            found.push((name.text.clone(), keyword.line, last.line + 1 - keyword.line));
        }
    }
    found
}

#[test]
fn comments_strings_and_lifetimes_leave_no_words() {
    let text = r##"
        // crate::hub in a comment
        /* crate::hub /* nested */ crate::hub */
        let a = "crate::hub \" crate::hub"; let b = r#"crate::hub " crate::hub"#; let c = b"crate::hub";
        let d = '"'; let e = '\''; let f: &'static str = "x"; let r#type = 1.5..2.0;
        /// crate::hub in documentation
        fn g() {}
    "##;
    let words: Vec<_> =
        tokens(text).into_iter().filter(|token| token.kind == Kind::Word).map(|token| token.text).collect();
    assert_eq!(
        words,
        [
            "let", "a", "let", "b", "let", "c", "let", "d", "let", "e", "let", "f", "str", "let", "type",
            "fn", "g"
        ]
    );
}

#[test]
fn what_only_tests_compile_is_marked_and_nothing_after_it() {
    let mut read = tokens("fn a() {} #[cfg(test)] mod tests { fn b() { {} } } fn c() {} #[test] fn d() {}");
    mark_tests(&mut read);
    let tests: Vec<_> =
        read.iter().filter(|token| token.in_test && token.kind == Kind::Word).map(|t| &*t.text).collect();
    assert_eq!(tests, ["cfg", "test", "mod", "tests", "fn", "b", "test", "fn", "d"]);
}

#[test]
fn a_function_is_measured_from_its_fn_to_its_last_brace() {
    let read = tokens("fn a() -> [u8; 2] {\n\n}\ntrait T { fn declared(&self); }\ntype F = fn(u8);");
    assert_eq!(functions(&read), [("a".to_owned(), 1, 3)]);
}
