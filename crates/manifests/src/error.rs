//! What is wrong with a file, and where?

use std::fmt;

use image_trust::text::Shown;

/// A place in a text. Lines and columns count from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The line of the text, from 1.
    pub line: usize,
    /// The column in that line, in characters, from 1.
    pub column: usize,
}

/// Why a text cannot be read or edited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// Where it was noticed.
    pub place: Place,
    /// What is wrong there.
    pub problem: Problem,
}

/// The reason for which a manifest is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// It is not YAML, in the parser's words.
    Syntax(String),
    /// It is a template, which has to be rendered first.
    Template,
    /// It holds a character that kubectl's parser takes for the end of a line, and others do not.
    LineBreak(char),
    /// A key stands in one mapping twice; the place is that of the first.
    Twice(String, Place),
    /// A key is a list, a mapping or null.
    Key,
    /// The value of a merge key is neither a mapping nor a list of mappings.
    Merge,
    /// A merge key stands behind a key that it sets to something else.
    MergeOrder(String),
    /// An alias is in what it refers to.
    Recursive,
    /// Aliases and merge keys stand for too much.
    TooManyAliases,
    /// Lists and mappings are nested too deep.
    TooDeep,
    /// One text is used in several places, and not all of them get the same image.
    Shared,
    /// The text could not be edited so that nothing else changes.
    NotEditable,
}

impl Problem {
    pub(crate) fn at(self, place: Place) -> Error {
        Error { place, problem: self }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.problem)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Syntax(what) => write!(f, "this is not YAML: {what}"),
            Problem::Template => f.write_str(
                "expected a plain manifest, found a template (`{{`): render it first, for example with `helm template`",
            ),
            Problem::LineBreak(c) => write!(
                f,
                "found the character U+{:04X}: kubectl ends the line there, but other programs do not; remove it",
                u32::from(*c)
            ),
            Problem::Twice(key, first) => {
                write!(f, "the key \"{}\" stands in this mapping twice, first at {first}: remove one", Shown(key))
            }
            Problem::Key => f.write_str("expected a text as key, found a list, a mapping or null"),
            Problem::Merge => f.write_str("expected a mapping or a list of mappings after `<<`, found something else"),
            Problem::MergeOrder(key) => write!(
                f,
                "this merge key sets \"{}\" again, and programs disagree about which value counts: put `<<` first",
                Shown(key)
            ),
            Problem::Recursive => f.write_str("this alias is part of the value that it refers to"),
            Problem::TooManyAliases => f.write_str(
                "aliases and merge keys of this document stand for more than 100,000 values: write them out",
            ),
            Problem::TooDeep => f.write_str("lists and mappings are nested more than 250 deep"),
            Problem::Shared => f.write_str(
                "this text is used in several places by an alias or a merge key, and not all of them get the same image: write the image out in each place",
            ),
            Problem::NotEditable => f.write_str(
                "the image cannot be changed without changing something else: write it as a plain text on one line",
            ),
        }
    }
}

impl std::error::Error for Error {}
