//! How do other programs check settings? By the JSON Schema of the table.

use image_trust::policy::shape::{self, About, Default, Field, Shape};
use serde_json::{Map, Value, json};

use super::reference::plain;

/// The JSON Schema (draft 2020-12) of the settings.
///
/// It refuses nothing that [`check`](image_trust::policy::check()) accepts. What one value alone does not tell it leaves to `check`: whether a name that a rule refers to
/// exists, and whether a key, an expression or a pattern can be read. It takes `1.0` for a whole number, as JSON Schema does, and `check` does not.
#[must_use]
pub fn json_schema() -> Value {
    let mut schema = object(shape::settings());
    schema.insert("$schema".to_owned(), "https://json-schema.org/draft/2020-12/schema".into());
    schema.insert("title".to_owned(), "Settings of the image-trust policy".into());
    Value::Object(schema)
}

/// A closed mapping with these keys.
fn object(fields: &'static [Field]) -> Map<String, Value> {
    let known = || fields.iter().filter(|field| !matches!(field.shape, Shape::Refused(_)));
    let properties: Map<String, Value> = known().map(|field| (field.key.to_owned(), property(field))).collect();
    let required: Vec<&str> = known().filter(|field| field.required).map(|field| field.key).collect();
    let mut schema = Map::new();
    schema.insert("type".to_owned(), "object".into());
    schema.insert("properties".to_owned(), properties.into());
    schema.insert("additionalProperties".to_owned(), false.into());
    if !required.is_empty() {
        schema.insert("required".to_owned(), required.into());
    }
    let conditions: Vec<Value> = choices(fields).chain(kinds(fields)).collect();
    if !conditions.is_empty() {
        schema.insert("allOf".to_owned(), conditions.into());
    }
    schema
}

/// Exactly one of the keys that name the same choice is given.
fn choices(fields: &'static [Field]) -> impl Iterator<Item = Value> {
    let choices = |field: &Field| field.about.into_iter().flat_map(|about| about.choices).flatten();
    let mut names: Vec<&str> = Vec::new();
    for name in fields.iter().flat_map(choices) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.into_iter().map(move |name| {
        let given = fields.iter().filter(|field| choices(field).any(|other| other == name)).map(given);
        // Null, where the mapping can be left out, has no keys.
        json!({"if": {"type": "object"}, "then": {"oneOf": given.collect::<Vec<Value>>()}})
    })
}

/// Which keys each type of validator needs, and which it does not take.
fn kinds(fields: &'static [Field]) -> impl Iterator<Item = Value> {
    let only = |field: &Field| field.about.map_or((&[][..], false), |about| (about.only, about.is_needed));
    let types = fields.iter().find(|field| matches!(field.shape, Shape::ValidatorType));
    let types = types.and_then(|field| field.shape.words()).into_iter().flatten();
    types.map(move |kind| {
        let needed =
            fields.iter().filter(|field| matches!(only(field), (kinds, true) if kinds.contains(kind))).map(given);
        let strange = fields.iter().filter(|field| !only(field).0.is_empty() && !only(field).0.contains(kind));
        let strange: Map<String, Value> =
            strange.map(|field| (field.key.to_owned(), json!({"type": "null"}))).collect();
        let mut then: Vec<Value> = needed.collect();
        then.push(json!({"properties": strange}));
        json!({"if": {"properties": {"type": {"const": kind}}}, "then": {"allOf": then}})
    })
}

/// The key is there, and not null, which is the same as leaving it out.
fn given(field: &Field) -> Value {
    json!({"required": [field.key], "properties": {field.key: {"not": {"type": "null"}}}})
}

/// The schema of a key's value.
fn property(field: &'static Field) -> Value {
    let mut schema = value(&field.shape, field.about);
    if !field.required {
        or_null(&mut schema);
    }
    if let Some(about) = field.about {
        schema.insert("description".to_owned(), plain(about.text).into());
        if let Default::Value(default) = about.default {
            schema.extend(read(default).map(|default| ("default".to_owned(), default)));
        }
        schema.extend(read(about.example).map(|example| ("examples".to_owned(), json!([example]))));
    }
    Value::Object(schema)
}

/// Values of the table are written as JSON; a test reads each of them.
fn read(json: &str) -> Option<Value> {
    serde_json::from_str(json).ok()
}

fn value(shape: &'static Shape, about: Option<&About>) -> Map<String, Value> {
    let mut schema = Map::new();
    let mut set = |key: &str, value: Value| drop(schema.insert(key.to_owned(), value));
    let (least, most) = about.map_or((0, None), |about| (about.least, about.most));
    match shape {
        Shape::Text | Shape::Pattern | Shape::Key | Shape::Word(_) | Shape::ValidatorType => {
            set("type", "string".into());
            if let Some(words) = shape.words() {
                set("enum", words.into());
            }
            if least > 0 {
                set("minLength", least.into());
            }
            // Limits are in bytes, and a text has no more characters than bytes.
            if let Some(most) = most {
                set("maxLength", most.into());
            }
            match (shape, about.and_then(|about| about.form)) {
                (Shape::Key, _) => set("pattern", "-----BEGIN PUBLIC KEY-----".into()),
                (_, Some(form)) => set("pattern", form.into()),
                (_, None) => {}
            }
        }
        Shape::Flag => set("type", "boolean".into()),
        Shape::Number => set("type", "number".into()),
        Shape::Scalar => set("type", json!(["string", "number", "boolean"])),
        Shape::Count | Shape::CountFromZero | Shape::Milliseconds | Shape::HostCalls => {
            set("type", "integer".into());
            if let Some((least, most)) = shape.numbers() {
                set("minimum", least.into());
                if let Some(most) = most {
                    set("maximum", most.into());
                }
            }
        }
        Shape::Texts => {
            set("type", "object".into());
            set("additionalProperties", json!({"type": "string"}));
            if let Some(most) = most {
                set("maxProperties", most.into());
            }
        }
        Shape::Names | Shape::List(_) => {
            set("type", "array".into());
            set("items", Value::Object(value(if let Shape::List(item) = shape { item } else { &Shape::Text }, None)));
            set("minItems", 1.into());
            if let Some(most) = most {
                set("maxItems", most.into());
            }
        }
        Shape::Object(fields) => return object(fields),
        Shape::FlagOr(more) => set("anyOf", json!([{"type": "boolean"}, value(more, None)])),
        Shape::TextOr(more) => set("anyOf", json!([{"type": "string"}, value(more, None)])),
        Shape::NameOrNames => set("anyOf", json!([{"type": "string"}, value(&Shape::Names, None)])),
        Shape::Document => set("type", json!(["object", "string"])),
        Shape::Refused(_) => set("not", json!({})),
    }
    schema
}

/// Lets null stand where a key can be left out.
fn or_null(schema: &mut Map<String, Value>) {
    match schema.get_mut("type") {
        Some(Value::Array(types)) => types.push("null".into()),
        Some(kind) => *kind = json!([kind.take(), "null"]),
        None => {}
    }
    if let Some(Value::Array(of)) = schema.get_mut("anyOf") {
        of.push(json!({"type": "null"}));
    }
    if let Some(Value::Array(words)) = schema.get_mut("enum") {
        words.push(Value::Null);
    }
}
