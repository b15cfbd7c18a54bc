//! The command `image-trust`, run as anybody runs it: exit codes, stdout and stderr.

mod cache;
mod check;
mod collect;
mod command;
mod explain;
mod line;
mod lint;
mod migrate;
mod pin;
mod run;
mod schema;
