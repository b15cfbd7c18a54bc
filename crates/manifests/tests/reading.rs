//! What is read, where it stands, and what is refused.

use image_trust::kubernetes::Kinds;
use image_trust_manifests::{Item, Manifest, Problem, Style};
use serde_json::{Value, json};

fn parse(text: &str) -> Result<Manifest, String> {
    Manifest::parse(text.to_owned()).map_err(|error| error.to_string())
}

fn values(manifest: &Manifest) -> Vec<Value> {
    manifest.documents().iter().map(|document| document.value().clone()).collect()
}

#[test]
fn streams_are_read_as_kubectl_does() {
    // the text, its documents, the reason
    let rows = [
        ("", vec![], "nothing"),
        ("# only a comment\n", vec![], "a comment"),
        ("---\n---\na: 1\n---\n...\n", vec![json!({"a": 1})], "empty documents"),
        ("\u{feff}a: 1\n", vec![json!({"a": 1})], "a byte order mark"),
        ("a: 1\r\n---\r\nb: 2", vec![json!({"a": 1}), json!({"b": 2})], "CRLF, and no final newline"),
        ("a: 1\n...\n# between\n---\nb: 2\n", vec![json!({"a": 1}), json!({"b": 2})], "an end of a document"),
        ("%YAML 1.1\n---\na: b\n", vec![json!({"a": "b"})], "a directive"),
        ("a: !!str 1\nb: !!int \"1\"\nc: !x 1\n", vec![json!({"a": "1", "b": 1, "c": "1"})], "tags"),
        ("1: a\ntrue: b\n", vec![json!({"1": "a", "true": "b"})], "keys that are no texts"),
        (
            "x: &x {a: 1, b: 2}\nz: {<<: *x, b: 3}\n",
            vec![json!({"x": {"a": 1, "b": 2}, "z": {"a": 1, "b": 3}})],
            "a merge",
        ),
        ("y: 1\n\"y\": 2\n", vec![json!({"true": 1, "y": 2})], "a key that is a boolean for kubectl"),
        (
            "x: &x {a: 1}\nw: &w {a: 2, b: 2}\nz: {<<: [*x, *w]}\n",
            vec![json!({"x": {"a": 1}, "w": {"a": 2, "b": 2}, "z": {"a": 1, "b": 2}})],
            "of two mappings, the first one counts",
        ),
        ("\"<<\": 1\n", vec![json!({"<<": 1})], "a key in quotes merges nothing"),
        (
            "{\"a\":\t1,\n\t\"b\": [\"\\/\", \"\\ud83d\\ude00\"]}\n{}",
            vec![json!({"a": 1, "b": ["/", "😀"]}), json!({})],
            "JSON",
        ),
        ("a: |\n  x\n  y\nb: >-\n  x\n  y\n", vec![json!({"a": "x\ny\n", "b": "x y"})], "blocks"),
        ("a: |\n x", vec![json!({"a": "x\n"})], "a block without a final newline"),
    ];
    for (text, expected, why) in rows {
        assert_eq!(parse(text).map(|manifest| values(&manifest)), Ok(expected), "{why}");
    }
}

#[test]
fn what_can_be_read_in_two_ways_is_refused() {
    let bomb: String =
        (1..20).map(|n| format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 9].join(", "))).collect();
    let merges: String = (1..40).map(|n| format!("m{n}: &m{n} {{<<: *m{}, k{n}: 1}}\n", n - 1)).collect();
    let wide =
        format!("m0: &m0 {{{}}}\n{merges}", (0..3_000).map(|n| format!("x{n}: 1")).collect::<Vec<_>>().join(", "));
    let deep = |open: &str, n| format!("a: {}", open.repeat(n));
    let rows: [(&str, &str, &str); 17] = [
        (
            "a: 1\nb: 2\na: 3\n",
            "line 3, column 1: the key \"a\" stands in this mapping twice, first at line 1, column 1",
            "twice",
        ),
        ("{\"a\": {\"b\": 1, \"b\": 2}}", "line 1, column 16: the key \"b\"", "twice in JSON"),
        ("a: {1: x, 0x1: y}\n", "the key \"1\" stands in this mapping twice", "two spellings of a number"),
        ("? [a]\n: 1\n", "expected a text as key", "a list as key"),
        ("x: &x {a: 1}\ny: {a: 2, <<: *x}\n", "put `<<` first", "a merge behind the key that it sets"),
        ("a: {<<: 1}\n", "expected a mapping or a list of mappings after `<<`", "a merge of a number"),
        ("x: &x {}\na: {<<: *x, <<: *x}\n", "the key \"<<\" stands in this mapping twice", "two merges"),
        ("a: &a [*a]\n", "this alias is part of the value that it refers to", "a list in itself"),
        ("a: *b\n", "this is not YAML", "an alias of nothing"),
        ("a: [\n", "this is not YAML", "an open list"),
        ("a:\n\tb: 1\n", "this is not YAML", "a tab as indentation"),
        ("a: b\u{2028}c: d\n", "line 1, column 5: found the character U+2028", "what is a line end for kubectl only"),
        (&format!("a0: &a0 x\n{bomb}"), "stand for more than 100,000 values", "an alias bomb"),
        (&wide, "stand for more than 100,000 values", "a merge bomb"),
        (&deep("[", 100_000), "nested more than 250 deep", "lists in lists"),
        (
            &deep("\n- ", 1).replace("\n- ", &format!("\n{}", "- ".repeat(100_000))),
            "nested more than 250 deep",
            "the same in lines",
        ),
        (&format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000)), "nested more than 250 deep", "the same in JSON"),
    ];
    for (text, part, why) in rows {
        let error = parse(text).expect_err(why);
        assert!(error.contains(part), "{why}: {error}");
    }
}

#[test]
fn templates_are_told() {
    let rows = [
        ("image: {{ .Values.image }}\n", Some("line 1, column 8"), "an expression as value"),
        ("{{- if .Values.a }}\na: 1\n{{- end }}\n", Some("line 1, column 1"), "a condition"),
        ("a: \"{{ b }}\"\n", None, "an expression in quotes parses"),
        ("a: [ # {{ b }}\n", None, "an expression in a comment is not why it does not parse"),
    ];
    for (text, expected, why) in rows {
        let error = Manifest::parse(text.to_owned()).err().filter(|error| error.problem == Problem::Template);
        assert_eq!(error.map(|error| error.place.to_string()).as_deref(), expected, "{why}");
    }
}

#[test]
fn every_text_has_its_place() {
    let text = "\u{feff}# ä\nä: {b: 'ö ü', \"c\" : \"d\"} # e\nf:\n- &g !!str 12 # h\n- *g\n- |\n  i\n  j\n\n- >-\n  k\nl: a b\n   c\n";
    let manifest = parse(text).expect("YAML");
    let rows = [
        ("/ä/b", "'ö ü'", (2, 8), Style::SingleQuoted, None),
        ("/ä/c", "\"d\"", (2, 21), Style::DoubleQuoted, None),
        ("/f/0", "12", (4, 12), Style::Plain, None),
        ("/f/1", "12", (4, 12), Style::Plain, Some((5, 3))),
        ("/f/2", "i\n  j\n\n", (7, 3), Style::Literal, None),
        ("/f/3", "k\n", (11, 3), Style::Folded, None),
        ("/l", "a b\n   c", (12, 4), Style::Plain, None),
    ];
    for (pointer, raw, (line, column), style, alias) in rows {
        let found = manifest.text_at(0, pointer).expect(pointer);
        let alias_found = found.alias.map(|place| (place.line, place.column));
        let place = (found.place.line, found.place.column);
        assert_eq!(
            (&text[found.range], place, found.style, alias_found),
            (raw, (line, column), style, alias),
            "{pointer}"
        );
    }
    assert!(
        manifest.text_at(0, "/f").is_none() && manifest.text_at(0, "/x").is_none() && manifest.text_at(1, "").is_none()
    );
    let json = parse("{\n\t\"a~b\": {\"/\": \"x\\\"y\"}}").expect("JSON");
    let found = json.text_at(0, "/a~0b/~1").expect("a text");
    assert_eq!((found.range, found.place.line, found.place.column), (16..22, 2, 15));
}

#[test]
fn objects_are_found_in_lists() {
    let text = "\
apiVersion: v1
kind: List
items:
- apiVersion: apps/v1
  kind: DeploymentList
  items:
  - metadata: {name: web, namespace: shop}
    spec: {template: {spec: {containers: [{name: web, image: nginx}, {name: none}], volumes: [{name: v, image: {reference: vol}}]}}}
- {kind: Other}
---
apiVersion: v1
kind: Pod
metadata: {generateName: run-}
spec: {containers: [{image: 1.5}, {image: ~}], initContainers: [{name: init, image: busybox}]}
---
apiVersion: v1
kind: ConfigMap
data: {image: nginx}
---
apiVersion: v1
kind: AllowList
spec: {}
---
just a text
";
    let manifest = parse(text).expect("YAML");
    let mut told = Vec::new();
    for item in manifest.items() {
        let object = match item {
            Item::Object(object) => object,
            Item::Other(place) => {
                told.push(format!("other at {place}"));
                continue;
            }
        };
        let name = object.name().unwrap_or_default();
        told.push(format!("{} {}/{name} at {}", object.kind(), object.namespace().unwrap_or_default(), object.place()));
        for image in object.images(Kinds::default()).into_iter().flatten() {
            told.push(match image {
                Ok(image) => format!("  {} {} {} at {}", image.slot, image.pointer, image.image, image.text.place),
                Err(bad) => format!("  {} at {}: {}", bad.slot, bad.place, bad.problem),
            });
        }
    }
    let expected = [
        "Deployment shop/web at line 7, column 5",
        "  containers/web /items/0/items/0/spec/template/spec/containers/0/image nginx at line 8, column 62",
        "  containers/none at line 8, column 70: expected an image, found none",
        "  volumes/v /items/0/items/0/spec/template/spec/volumes/0/image/reference vol at line 8, column 124",
        "other at line 9, column 3",
        "Pod /run-* at line 11, column 1",
        "  containers[0] at line 14, column 21: expected a text as image, found something else: put it in quotes",
        "  containers[1] at line 14, column 35: expected an image, found none",
        "  initContainers/init /spec/initContainers/0/image busybox at line 14, column 85",
        "ConfigMap / at line 16, column 1",
        "AllowList / at line 20, column 1",
        "other at line 24, column 1",
    ];
    assert_eq!(told, expected);
}
