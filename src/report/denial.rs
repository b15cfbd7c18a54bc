//! How is a denial written: as a block of a message, and as one line of a warning or of the log?

use super::{counted, disclosure::Disclosed, quoted, reason::Told};
use crate::{
    image::ImageRef,
    text::Shown,
    verdict::{Denial, Denials},
};

/// Most bytes of the denials in a message; whoever makes the object decides how many there are.
const MAX_MESSAGE: usize = 32_768;

/// The denials of an object as a message. Its first line is complete on its own. `images` is how many images the object has.
pub(super) fn message(denials: &Denials, subject: &str, images: usize, disclosed: Disclosed<'_>) -> String {
    if let Some(denial) = denials.iter().find(|denial| denial.image.is_none() && denial.places.is_empty()) {
        let told = disclosed.told(denial);
        return [format!("image-trust denied {subject}: {}", told.sentence)]
            .into_iter()
            .chain(rest(&told, "  "))
            .collect::<Vec<_>>()
            .join("\n");
    }
    let mut message = format!("image-trust denied {subject}: {} of {}", denials.len(), counted(images, "image"));
    for (denial, left) in denials.iter().zip((1..=denials.len()).rev()) {
        let told = disclosed.told(denial);
        let mut block = format!("\n  {}\n    {}", header(denial, disclosed), told.sentence);
        for line in rest(&told, "    ") {
            block.push('\n');
            block.push_str(&line);
        }
        if message.len().saturating_add(block.len()) > MAX_MESSAGE {
            message.push_str(&format!("\n  and {left} more"));
            break;
        }
        message.push_str(&block);
    }
    message
}

/// The container, the image as the user wrote it, and the digest that was judged.
fn header(denial: &Denial, disclosed: Disclosed<'_>) -> String {
    let places = places(denial).unwrap_or_else(|| "object".to_owned());
    let Some(image) = denial.image.as_deref() else { return places };
    let is_written = || ImageRef::parse(image).is_ok_and(|image| image.digest().is_some());
    let digest = denial.reason.digest().filter(|_| disclosed.is_all() && !is_written());
    let digest = digest.map(|digest| format!(" ({digest})")).unwrap_or_default();
    format!("{places}: {}{digest}", Shown(image))
}

/// A reason below the denials.
pub(super) fn block(told: &Told) -> String {
    let mut block = format!("\n  {}", told.sentence);
    for line in rest(told, "  ") {
        block.push('\n');
        block.push_str(&line);
    }
    block
}

/// The lines that follow the sentence.
fn rest(told: &Told, indent: &str) -> Vec<String> {
    let details = told.details.iter().map(|detail| format!("{indent}{detail}"));
    let help = told.help.iter().enumerate().map(|(i, help)| match i {
        0 => format!("{indent}help: {help}"),
        _ => format!("{indent}note: {help}"),
    });
    details.chain(help).collect()
}

/// A denial in one line: the word and the image in front, because of a warning people often see no more than the beginning.
pub(super) fn line(denial: &Denial, disclosed: Disclosed<'_>) -> String {
    let image = denial.image.as_deref().filter(|image| !image.is_empty()).map(|image| Shown(image).to_string());
    let (reference, sentence) = match disclosed.shows(&denial.reason) {
        true => (None, Some(sentence(&denial.told()))),
        // Long warnings are cut at their end, so what finds the record comes first.
        false => (disclosed.reference(), None),
    };
    let rule = denial.rule.as_ref().filter(|_| sentence.is_none()).map(|rule| format!("rule {}", quoted(&rule.0)));
    let parts = [Some(disclosed.word_of(denial).to_owned()), reference, image, sentence];
    let around: Vec<String> = [places(denial), rule].into_iter().flatten().collect();
    let around = if around.is_empty() { String::new() } else { format!(" ({})", around.join(", ")) };
    parts.into_iter().flatten().collect::<Vec<_>>().join(": ") + &around
}

/// A reason and what else is known, without what would help.
fn sentence(told: &Told) -> String {
    [&told.sentence].into_iter().chain(&told.details).map(String::as_str).collect::<Vec<_>>().join("; ")
}

/// All denials in one line, as the log has them.
pub(super) fn lines(denials: &Denials) -> String {
    denials.iter().map(|denial| line(denial, Disclosed::All)).collect::<Vec<_>>().join(" | ")
}

fn places(denial: &Denial) -> Option<String> {
    let (first, more) = denial.places.split_first()?;
    Some(match more.len() {
        0 => first.clone(),
        more => format!("{first} and {more} more"),
    })
}

/// The object that a request is about.
pub(super) fn subject(kind: &str, name: &str, namespace: Option<&str>) -> String {
    let namespace = namespace.map(|namespace| format!(" in namespace {}", quoted(namespace))).unwrap_or_default();
    format!("{} {}{namespace}", Shown(kind), quoted(name))
}
