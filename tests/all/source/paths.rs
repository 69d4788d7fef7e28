//! The paths that a file names: `use` trees taken apart, `self` and `super` followed.

use super::tokens::{Kind, Token, closing};

/// A path and where it stands. Paths into the crate begin with `crate`, however they were written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) segments: Vec<String>,
    pub(crate) line: usize,
    pub(crate) in_test: bool,
}

impl Named {
    pub(crate) fn text(&self) -> String {
        self.segments.join("::")
    }

    /// Does the path go to or below `prefix` (written `a::b`)?
    pub(crate) fn is_under(&self, prefix: &str) -> bool {
        let prefix: Vec<_> = prefix.split("::").collect();
        self.segments.len() >= prefix.len() && self.segments.iter().zip(&prefix).all(|(a, b)| a == b)
    }

    /// Does `part` (written `a::b`) stand anywhere in the path?
    pub(crate) fn contains(&self, part: &str) -> bool {
        let part: Vec<_> = part.split("::").collect();
        self.segments.windows(part.len()).any(|window| window.iter().zip(&part).all(|(a, b)| a == b))
    }
}

/// Every path in `tokens`, which stand in the module `module`.
pub(crate) fn named(tokens: &[Token], module: &[String]) -> Vec<Named> {
    let mut reader = Reader { tokens, module: module.to_vec(), inline: Vec::new(), out: Vec::new() };
    reader.read();
    reader.out
}

struct Reader<'a> {
    tokens: &'a [Token],
    module: Vec<String>,
    /// For each inline module that we are inside of, where it closes.
    inline: Vec<usize>,
    out: Vec<Named>,
}

impl Reader<'_> {
    fn is(&self, at: usize, text: &str) -> bool {
        self.tokens.get(at).is_some_and(|token| token.is(text))
    }

    fn word(&self, at: usize) -> Option<&str> {
        self.tokens.get(at).filter(|token| token.kind == Kind::Word).map(|token| token.text.as_str())
    }

    fn read(&mut self) {
        let mut at = 0;
        while at < self.tokens.len() {
            if self.inline.last() == Some(&at) {
                self.inline.pop();
                self.module.pop();
            }
            if self.is(at, "mod") && self.is(at + 2, "{") {
                self.module.push(self.word(at + 1).unwrap_or_default().to_owned());
                self.inline.push(closing(self.tokens, at + 2));
                at += 3;
            } else if self.is(at, "use") && !self.is(at + 1, "<") {
                at = self.use_tree(at + 1, &[]);
            } else {
                at = self.plain(at);
            }
        }
    }

    /// A path in ordinary code. Returns where to go on.
    fn plain(&mut self, at: usize) -> usize {
        let Some(first) = self.word(at) else { return at + 1 };
        let mut segments = vec![first.to_owned()];
        let mut end = at + 1;
        while self.is(end, "::") {
            let Some(next) = self.word(end + 1) else { break };
            segments.push(next.to_owned());
            end += 2;
        }
        if segments.len() > 1 {
            self.push(segments, at);
        }
        end
    }

    /// One branch of a `use`, whose beginning is `prefix`. Returns one past its end.
    fn use_tree(&mut self, mut at: usize, prefix: &[String]) -> usize {
        let start = at;
        let mut segments = prefix.to_vec();
        loop {
            if self.is(at, "::") {
                at += 1;
            } else if self.is(at, "{") {
                at += 1;
                while at < self.tokens.len() && !self.is(at, "}") {
                    at = self.use_tree(at, &segments);
                    if self.is(at, ",") {
                        at += 1;
                    }
                }
                return at + 1;
            } else if self.is(at, "*") {
                segments.push("*".to_owned());
                at += 1;
                break;
            } else if self.is(at, "as") {
                at += 2;
                break;
            } else if let Some(word) = self.word(at) {
                // `{self}` at the end of a tree names the tree's own beginning.
                if word != "self" || segments.is_empty() {
                    segments.push(word.to_owned());
                }
                at += 1;
            } else {
                break;
            }
        }
        self.push(segments, start);
        at.max(start + 1)
    }

    fn push(&mut self, segments: Vec<String>, at: usize) {
        let Some(token) = self.tokens.get(at) else { return };
        let segments = self.resolved(segments);
        self.out.push(Named { segments, line: token.line, in_test: token.in_test });
    }

    /// `self::a` and `super::a` as paths from `crate`; the crate's own name means `crate` in the binaries.
    fn resolved(&self, segments: Vec<String>) -> Vec<String> {
        let first = segments.first().map(String::as_str);
        if first == Some("cpis") {
            return std::iter::once("crate".to_owned()).chain(segments.into_iter().skip(1)).collect();
        }
        if !matches!(first, Some("self" | "super")) {
            return segments;
        }
        let mut from = self.module.clone();
        let mut rest = segments.into_iter().peekable();
        while let Some(step) = rest.next_if(|step| step == "self" || step == "super") {
            if step == "super" {
                from.pop();
            }
        }
        std::iter::once("crate".to_owned()).chain(from).chain(rest).collect()
    }
}

#[cfg(test)]
fn check(text: &str, expected: &[&str]) {
    let read = super::tokens::tokens(text);
    let module = ["viewer".to_owned(), "ui".to_owned()];
    let found: Vec<_> =
        named(&read, &module).iter().map(|named| format!("{} {}", named.line, named.text())).collect();
    assert_eq!(found, expected, "{text}");
}

#[test]
fn use_trees_are_taken_apart() {
    check(
        "use crate::{\n    domain::{self, Plan as P},\n    fhir::*,\n};\npub(crate) use ::jiff::civil;",
        &["2 crate::domain", "2 crate::domain::Plan", "3 crate::fhir::*", "5 jiff::civil"],
    );
}

#[test]
fn super_and_self_are_followed_through_inline_modules() {
    check("use super::run;", &["1 crate::viewer::run"]);
    check("fn a() { super::super::hub::x() }", &["1 crate::hub::x"]);
    check(
        "mod tests { use super::*; } use self::a::b;",
        &["1 crate::viewer::ui::*", "1 crate::viewer::ui::a::b"],
    );
}

#[test]
fn inline_paths_count_like_uses() {
    check(
        "let a: crate::hub::Store<egui::Ui> = <cpis::fhir::X as T>::new();",
        &["1 crate::hub::Store", "1 egui::Ui", "1 crate::fhir::X"],
    );
    check(
        "pub(in crate::viewer) struct A; macro_rules! m { () => { $crate::demo::x() } }",
        &["1 crate::viewer", "1 crate::demo::x"],
    );
}
