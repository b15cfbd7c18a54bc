//! How do people look a key up? In the tables of `docs/reference/settings.md`, which are made of this one.

use image_trust::policy::shape::{self, About, Default, Field, OTHER_TYPES, Shape};

/// The most keys of one choice that a row names.
const MAX_NAMED: usize = 6;

/// The reference tables of the settings in Markdown, each with the name of the mapping that it describes.
///
/// The last one is called `refused`: the keys that are known from Connaisseur and have no meaning here.
#[must_use]
pub fn reference() -> Vec<(&'static str, String)> {
    let mut mappings = vec![("settings", shape::settings())];
    collect(shape::settings(), &mut mappings);
    let mut tables: Vec<(&str, String)> = mappings.iter().map(|(name, fields)| (*name, table(fields))).collect();
    tables.push(("refused", refused(&mappings)));
    tables
}

/// A mapping of the settings: the key that holds it, or a list of it, and its own keys.
type Mapping = (&'static str, &'static [Field]);

/// The mappings below these keys, each before those inside of it.
fn collect(fields: &'static [Field], mappings: &mut Vec<Mapping>) {
    for field in fields {
        let inner = match field.shape {
            Shape::Object(inner) | Shape::List(&Shape::Object(inner)) | Shape::FlagOr(&Shape::Object(inner)) => inner,
            // A mapping with one key is told where it stands.
            Shape::TextOr(&Shape::Object(inner)) if inner.len() > 1 => inner,
            _ => continue,
        };
        mappings.push((field.key, inner));
        collect(inner, mappings);
    }
}

/// What the mapping at this key is called in a sentence.
fn called(key: &str) -> String {
    match key {
        "settings" => "the settings".to_owned(),
        "validators" => "a validator".to_owned(),
        "trustRoots" => "a trust root".to_owned(),
        "host" => "a validator's `host`".to_owned(),
        "policy" => "a rule".to_owned(),
        key => format!("`{key}`"),
    }
}

fn table(fields: &[Field]) -> String {
    let mut table = "| key | type | default | meaning |\n|---|---|---|---|\n".to_owned();
    for field in fields {
        let Some(about) = field.about else { continue };
        let default = default(field, about, fields);
        let text = match about.only {
            [] => about.text.to_owned(),
            kinds => format!("{} Only for {}.", about.text, listed(kinds)),
        };
        table.push_str(&format!("| `{}` | {} | {default} | {text} |\n", field.key, kind(&field.shape, about)));
    }
    table
}

fn default(field: &Field, about: &About, fields: &[Field]) -> String {
    let same = |other: &&Field| {
        let of_other = other.about.into_iter().flat_map(|other| other.choices).flatten();
        of_other.into_iter().any(|choice| about.choices.contains(&Some(choice)))
    };
    let others: Vec<String> = fields.iter().filter(same).map(|other| format!("`{}`", other.key)).collect();
    match (about.default, about.is_needed) {
        _ if field.required => "required".to_owned(),
        _ if others.len() == fields.len() => "in place of all others".to_owned(),
        _ if others.len() > MAX_NAMED => format!("one {}", about.choices.into_iter().flatten().collect::<String>()),
        _ if !others.is_empty() => format!("one of {}", others.join(", ")),
        (_, true) => format!("required for {}", listed(about.only)),
        (Default::Value(json), _) => format!("`{}`", json.trim_matches('"')),
        (Default::Words(words), _) => words.to_owned(),
    }
}

/// Types of validators: `` `cosign`, `notation` and `notaryv1` ``.
fn listed(kinds: &[&str]) -> String {
    let code = |kind: &&str| format!("`{kind}`");
    match kinds {
        [rest @ .., last] if !rest.is_empty() => {
            format!("{} and {}", rest.iter().map(code).collect::<Vec<_>>().join(", "), code(last))
        }
        kinds => kinds.iter().map(code).collect(),
    }
}

/// The type of a key in a few words.
fn kind(shape: &Shape, about: &About) -> String {
    let least = usize::from(matches!(shape, Shape::Names | Shape::List(_)));
    let entries = match about.most {
        Some(most) if least > 0 => format!(", {least} to {most}"),
        Some(most) if matches!(shape, Shape::Texts) => format!(", {most} at most"),
        _ => String::new(),
    };
    let kind = match (about.kind, shape) {
        (Some(kind), _) => kind.to_owned(),
        (None, Shape::Text | Shape::Pattern) => "text".to_owned(),
        (None, Shape::Key) => "PEM".to_owned(),
        (None, Shape::Flag) => "bool".to_owned(),
        (None, Shape::Number) => "number".to_owned(),
        (None, Shape::Scalar) => "text, number or bool".to_owned(),
        (None, Shape::Texts) => "texts to texts".to_owned(),
        (None, Shape::Names) => "names".to_owned(),
        (None, Shape::NameOrNames) => "text, or texts".to_owned(),
        (None, Shape::List(_)) => "list".to_owned(),
        (None, Shape::Object(_)) => "mapping".to_owned(),
        (None, Shape::FlagOr(_)) => "bool, or a mapping".to_owned(),
        (None, Shape::TextOr(_)) => "text, or `{matches: EXPRESSION}`".to_owned(),
        (None, Shape::Document) => "mapping or text".to_owned(),
        (None, _) => match (shape.words(), shape.numbers()) {
            (Some(words), _) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "),
            (None, Some((least, Some(most)))) => format!("{least} to {most}"),
            (None, Some((least, None))) => format!("{least} or more"),
            (None, None) => String::new(),
        },
    };
    kind + &entries
}

fn refused(mappings: &[Mapping]) -> String {
    let mut table = "| where | key | sentence |\n|---|---|---|\n".to_owned();
    let mut row = |place: &str, key: &str, why: &str| {
        // A code span that holds backticks has two around it, and a blank before one at its end.
        let code = match (why.contains('`'), why.ends_with('`')) {
            (true, true) => format!("``{why} ``"),
            (true, false) => format!("``{why}``"),
            (false, _) => format!("`{why}`"),
        };
        table.push_str(&format!("| {place} | `{key}` | {code} |\n"));
    };
    for (name, fields) in mappings {
        let place = called(name);
        if *name == "validators" {
            OTHER_TYPES.iter().for_each(|(kind, why)| row(&place, &format!("type: {kind}"), why));
        }
        for field in *fields {
            if let Shape::Refused(why) = field.shape {
                row(&place, field.key, why);
            }
        }
    }
    table
}

/// Markdown without its marks: the text of each link, and no backticks.
pub(super) fn plain(markdown: &str) -> String {
    let mut text = String::new();
    let mut rest = markdown;
    while let Some((before, link)) = rest.split_once('[') {
        text.push_str(before);
        match link.split_once("](").and_then(|(shown, rest)| Some((shown, rest.split_once(')')?.1))) {
            Some((shown, after)) => {
                text.push_str(shown);
                rest = after;
            }
            None => {
                text.push('[');
                rest = link;
            }
        }
    }
    text.push_str(rest);
    text.replace('`', "")
}
