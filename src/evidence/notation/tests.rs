//! Unit tests of the readers of Notation.
