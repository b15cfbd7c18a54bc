//! How small can a trusted root be written?

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};
use clap::Args as ClapArgs;
use serde_json::{Map, Value, json};

/// Writes a trusted root without what the policy does not read, and with each certificate once
///
/// The generations of an instance have the same CAs above them. Those stand in an entry of their own, which is trusted from the first generation on.
#[derive(ClapArgs)]
pub struct Args {
    /// A trusted_root.json
    file: PathBuf,
}

pub fn run(args: &Args) -> Result<()> {
    let text = fs::read_to_string(&args.file).with_context(|| format!("cannot read {}", args.file.display()))?;
    let root: Value = serde_json::from_str(&text).with_context(|| format!("{} is not JSON", args.file.display()))?;
    println!("{}", compact(&root));
    Ok(())
}

fn compact(root: &Value) -> Value {
    let mut kept = Map::new();
    kept.insert("mediaType".to_owned(), root["mediaType"].clone());
    kept.insert("certificateAuthorities".to_owned(), authorities(&root["certificateAuthorities"], true));
    kept.insert("timestampAuthorities".to_owned(), authorities(&root["timestampAuthorities"], false));
    Value::Object(kept)
}

/// One entry for each generation, with its own certificate, and one for those above where they are read.
fn authorities(list: &Value, is_above_read: bool) -> Value {
    let empty = Vec::new();
    let list = list.as_array().unwrap_or(&empty);
    let mut above: Vec<Value> = Vec::new();
    let mut entries: Vec<Value> = Vec::new();
    for entry in list {
        let chain = entry["certChain"]["certificates"].as_array().unwrap_or(&empty);
        if let Some((own, rest)) = chain.split_first() {
            entries.push(json!({"certChain": {"certificates": [own]}, "validFor": entry["validFor"]}));
            above.extend(rest.iter().cloned());
        }
    }
    let mut once: Vec<Value> = Vec::new();
    for certificate in above {
        if !once.contains(&certificate) {
            once.push(certificate);
        }
    }
    let starts = list.iter().filter_map(|entry| entry["validFor"]["start"].as_str());
    if let (true, Some(start)) = (is_above_read && !once.is_empty(), starts.min()) {
        entries.push(json!({"certChain": {"certificates": once}, "validFor": {"start": start}}));
    }
    entries.into()
}
