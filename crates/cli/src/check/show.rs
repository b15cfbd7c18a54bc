//! The result of a check for people: a table by image, one by object, the reasons of the denials, and totals.

use std::collections::BTreeMap;

use super::outcome::{Checked, Found};
use crate::tables::{indented, shown, table};

/// The width of the reasons.
const WIDTH: usize = 132;

pub(super) fn text(checked: &Checked) -> String {
    let mut parts = Vec::new();
    if !checked.objects.is_empty() {
        parts.push(by_image(checked));
        parts.push(by_object(checked));
    }
    parts.extend(denials(checked));
    for (file, error) in &checked.unreadable {
        parts.push(format!("Error: {}: {error}", shown(file)));
    }
    parts.push(totals(checked));
    parts.join("\n\n")
}

fn by_image(checked: &Checked) -> String {
    // The same image can come out differently in two namespaces.
    let mut images: BTreeMap<(&str, &str, String), usize> = BTreeMap::new();
    for found in all(checked) {
        *images.entry((found.image(), found.verdict(), found.why())).or_default() += 1;
    }
    let mut table = table(Some(["image", "verdict", "why", "objects"]));
    for ((image, verdict, why), objects) in images {
        table.add_row([shown(image), verdict.to_owned(), shown(&why), objects.to_string()]);
    }
    table.trim_fmt()
}

fn by_object(checked: &Checked) -> String {
    let mut table = table(Some(["object", "where", "verdict", "warnings"]));
    for (source, outcome) in &checked.objects {
        let place = format!("{}:{}", source.file, source.place.line);
        table.add_row([shown(&source.title()), shown(&place), outcome.verdict(), outcome.warnings.len().to_string()]);
    }
    table.trim_fmt()
}

fn denials(checked: &Checked) -> Vec<String> {
    let denied = checked.objects.iter().filter(|(_, outcome)| !outcome.allowed);
    denied
        .map(|(source, outcome)| {
            let message = indented(outcome.message.as_deref().unwrap_or("denied without a message"), WIDTH);
            format!("{}:{}\n{message}", shown(&source.file), source.place.line)
        })
        .collect()
}

fn totals(checked: &Checked) -> String {
    let denied = checked.objects.iter().filter(|(_, outcome)| !outcome.allowed).count();
    let images: BTreeMap<&str, bool> = all(checked).fold(BTreeMap::new(), |mut images, found| {
        *images.entry(found.image()).or_default() |= found.is_denied();
        images
    });
    let refused = images.values().filter(|is_denied| **is_denied).count();
    let mut totals = vec![
        format!(
            "{}: {} admitted, {denied} denied",
            counted(checked.objects.len(), "workload"),
            checked.objects.len() - denied
        ),
        format!("{}: {refused} denied", counted(images.len(), "image")),
        format!("{} without images passed over", counted(checked.passed_over, "object")),
    ];
    if !checked.unreadable.is_empty() {
        totals.push(format!("{} unreadable", counted(checked.unreadable.len(), "file")));
    }
    totals.join("; ")
}

fn all(checked: &Checked) -> impl Iterator<Item = &Found> {
    checked.objects.iter().flat_map(|(_, outcome)| &outcome.images)
}

/// A number with its noun.
fn counted(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
