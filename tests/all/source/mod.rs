//! Reads the project's own Rust as text: which file names what, and where.
//!
//! A small tokenizer and a path reader, enough for rules about names. It does not resolve names: a macro
//! that writes a path in pieces, or a re-export under a new name inside a layer, goes unseen.

mod paths;
mod tokens;

use std::fs;
use std::path::{Path, PathBuf};

pub(crate) use paths::Named;
pub(crate) use tokens::{Kind, Token};

/// One source file, read into tokens.
pub(crate) struct Source {
    /// From the checkout's root, with forward slashes: `src/hub/store.rs`.
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) tokens: Vec<Token>,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let mut tokens = tokens::tokens(text);
        tokens::mark_tests(&mut tokens);
        if path.ends_with("/tests.rs") || path.contains("/tests/") {
            tokens.iter_mut().for_each(|token| token.in_test = true);
        }
        Self { path: path.to_owned(), text: text.to_owned(), tokens }
    }

    /// Where the file stands in the crate: `src/hub/store.rs` is `["hub", "store"]`, `src/lib.rs` is empty.
    pub(crate) fn module(&self) -> Vec<String> {
        let inner = self.path.trim_start_matches("src/").trim_end_matches(".rs");
        let mut module: Vec<String> = inner.split('/').map(str::to_owned).collect();
        if matches!(module.last().map(String::as_str), Some("mod" | "lib")) {
            module.pop();
        }
        module
    }

    /// Every function with a body: its name, the line of its `fn` and how many lines it takes.
    pub(crate) fn functions(&self) -> Vec<(String, usize, usize)> {
        tokens::functions(&self.tokens)
    }

    /// Every path of two segments or more that the file names, `use` trees taken apart.
    pub(crate) fn named(&self) -> Vec<Named> {
        paths::named(&self.tokens, &self.module())
    }
}

/// Every `.rs` file under `src`, in a stable order.
pub(crate) fn all() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    collect(&root.join("src"), &mut files);
    files.sort();
    files
        .iter()
        .map(|file| {
            let path = file.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
            Source::new(&path, &fs::read_to_string(file).unwrap())
        })
        .collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|end| end == "rs") {
            files.push(path);
        }
    }
}

/// Fails with every complaint at once: one run tells all that has to be put right.
#[track_caller]
pub(crate) fn none_of(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "{} found:\n{}", complaints.len(), complaints.join("\n"));
}
