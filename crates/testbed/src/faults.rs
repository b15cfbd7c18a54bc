//! What may a policy answer when a question to its host goes wrong?
//!
//! A [`Faulty`] host answers as recorded, by what it is asked and not in strict order, but for one question, or for all from one on. [`judge`] is the law:
//! the policy says what it said without the fault, or denies with a code that fits; and whatever it pins or calls proven was proven.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use image_trust::{
    Digest, ImageRef,
    host::{read_digest, read_verification},
};
use serde_json::{Value, json};

use crate::{
    corpus::Case,
    registry::{payload, repository, signature_manifest},
    session::{Exchange, Request, Words},
};

/// A way in which a host fails.
pub struct Fault {
    pub name: &'static str,
    does: Does,
    /// What a denial may have for a code that the same request without the fault has not.
    codes: &'static [u16],
}

enum Does {
    /// The host call fails with this text.
    Fails(&'static str),
    /// The host call succeeds with this text as its answer.
    Answers(&'static str),
    /// The answer to a question about another image, or another object.
    OfAnother,
    /// The right answer, after so much time.
    Takes(Duration),
}
use Does::{Answers, Fails, OfAnother, Takes};

/// In what the host says, and nowhere in what a policy may tell users.
const MARK: &str = "zq7";

/// The default time budget is 900 ms.
const TOO_LONG: Duration = Duration::from_secs(3600);
const LONG: Duration = Duration::from_millis(600);

const COULD_NOT_TELL: &[u16] = &[503];
/// Where the answer is about what it was asked, it is a no.
const NO: &[u16] = &[403, 503];

pub const FAULTS: [Fault; 16] = [
    Fault {
        name: "out of reach",
        does: Fails("error sending request for url (https://zq7/v2/)"),
        codes: COULD_NOT_TELL,
    },
    Fault { name: "an error without words", does: Fails(""), codes: COULD_NOT_TELL },
    Fault {
        name: "not granted",
        does: Fails(
            "Policy has not been granted access to the 'zq7' host capability. The violation has been reported.",
        ),
        codes: COULD_NOT_TELL,
    },
    Fault { name: "too many requests", does: Fails("[OCI API error: too many requests] zq7"), codes: COULD_NOT_TELL },
    Fault { name: "refused", does: Fails("Not authorized: url https://zq7/v2/"), codes: COULD_NOT_TELL },
    Fault { name: "not there", does: Fails("[OCI API error: manifest unknown] zq7"), codes: NO },
    Fault { name: "not signed", does: Fails("Image verification failed: missing signatures zq7"), codes: NO },
    Fault { name: "empty", does: Answers(""), codes: COULD_NOT_TELL },
    Fault { name: "no JSON", does: Answers("zq7 <html>it works!</html>"), codes: COULD_NOT_TELL },
    Fault { name: "null", does: Answers("null"), codes: COULD_NOT_TELL },
    Fault { name: "a list", does: Answers("[{}]"), codes: COULD_NOT_TELL },
    Fault { name: "an empty object", does: Answers("{}"), codes: COULD_NOT_TELL },
    Fault {
        name: "a digest that is none",
        does: Answers(r#"{"is_trusted":true,"digest":"sha256:zq7"}"#),
        codes: COULD_NOT_TELL,
    },
    Fault { name: "of another", does: OfAnother, codes: NO },
    Fault { name: "late", does: Takes(TOO_LONG), codes: &[503, 504] },
    // Once is inside of the time budget, twice is not.
    Fault { name: "slow", does: Takes(LONG), codes: &[503, 504] },
];

impl Fault {
    /// Whether the fault changes only the time that answers take.
    pub fn is_about_time(&self) -> bool {
        matches!(self.does, Takes(_))
    }
}

/// The host calls that go wrong.
#[derive(Clone, Copy, Debug)]
pub enum At {
    /// Only the host call with this number goes wrong.
    Only(usize),
    /// The host call with this number goes wrong, and all after it.
    From(usize),
}

impl At {
    /// Every way to go wrong in a session of so many questions.
    pub fn all(questions: usize) -> impl Iterator<Item = At> {
        (0..questions).flat_map(|question| [At::Only(question), At::From(question)])
    }

    fn covers(self, question: usize) -> bool {
        match self {
            At::Only(at) => question == at,
            At::From(at) => question >= at,
        }
    }
}

type Answer = Result<String, String>;

/// A host that answers as recorded, until it fails.
pub struct Faulty {
    fault: &'static Fault,
    at: At,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    recorded: BTreeMap<String, Vec<Answer>>,
    said: Vec<(Value, Answer)>,
    elapsed: Duration,
}

/// The number of host calls in a session.
pub fn questions(session: &str) -> usize {
    exchanges(session).len()
}

fn exchanges(session: &str) -> Vec<Exchange> {
    serde_yaml::from_str(session).unwrap()
}

impl Faulty {
    pub fn new(session: &str, fault: &'static Fault, at: At) -> Self {
        let mut recorded: BTreeMap<String, Vec<Answer>> = BTreeMap::new();
        for Exchange { request, response } in exchanges(session).into_iter().rev() {
            let request: Request = serde_yaml::from_str(&request).unwrap();
            recorded.entry(json!(request).to_string()).or_default().push(response.into());
        }
        Self { fault, at, inner: Mutex::new(Inner { recorded, ..Inner::default() }) }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers a question, in the form of a [`Request`].
    pub fn ask(&self, question: Value) -> Answer {
        let mut inner = self.inner();
        let is_wrong = self.at.covers(inner.said.len());
        // What was recorded twice is said in this order; the last one as often as it is asked.
        let honest = match inner.recorded.get_mut(&question.to_string()) {
            Some(answers) if answers.len() > 1 => answers.pop().unwrap(),
            Some(answers) => answers[0].clone(),
            None => Err("connection refused".to_owned()),
        };
        let answer = match &self.fault.does {
            _ if !is_wrong => honest,
            Fails(text) => Err((*text).to_owned()),
            Answers(text) => Ok((*text).to_owned()),
            OfAnother => Ok(of_another(&question)),
            Takes(time) => {
                inner.elapsed += *time;
                honest
            }
        };
        inner.said.push((question, answer.clone()));
        answer
    }

    /// What a denial may have for a code. Where a manifest belongs, what is none is a no.
    fn codes(&self) -> &'static [u16] {
        let inner = self.inner();
        let mut spoilt = inner.said.iter().enumerate().filter(|(number, _)| self.at.covers(*number));
        match self.fault.does {
            Answers(_) if spoilt.any(|(_, (question, _))| question.get("OciManifest").is_some()) => NO,
            _ => self.fault.codes,
        }
    }

    /// Whether any answer was late so far.
    pub fn is_late(&self) -> bool {
        self.inner().elapsed > Duration::ZERO
    }

    /// Whether the answers are about another image, from the first question about it on.
    fn is_about_another(&self) -> bool {
        matches!((&self.fault.does, self.at), (OfAnother, At::From(_)))
    }

    /// Digests that the host, whose word is a proof, calls signed, and of which it says nothing else in this session.
    fn vouched(&self) -> BTreeSet<(String, Digest)> {
        let inner = self.inner();
        let answers: Vec<(String, Digest, bool)> = inner
            .said
            .iter()
            .filter_map(|(question, answer)| {
                let answer = answer.as_ref().ok()?.as_bytes();
                let verified = question["SigstorePubKeyVerify"]["image"].as_str();
                let resolved = question["OciManifestDigest"]["image"].as_str();
                let digest = if verified.is_some() { read_verification(answer) } else { read_digest(answer) };
                Some((verified.or(resolved)?.to_owned(), digest.ok()?, verified.is_some()))
            })
            .collect();
        let agreed = |image: &str, digest: Digest| answers.iter().all(|(of, said, _)| of != image || *said == digest);
        let vouched = answers.iter().filter(|(image, digest, trusted)| *trusted && agreed(image, *digest));
        vouched.map(|(image, digest, _)| (repository(&ImageRef::parse(image).unwrap()), *digest)).collect()
    }
}

impl Words for Faulty {
    fn answer(&self, request: Request) -> Answer {
        self.ask(json!(request))
    }

    fn elapsed(&self) -> Duration {
        self.inner().elapsed
    }
}

/// Where the other image is. Of its repository it is as good as any.
const ANOTHER: &str = "ghcr.io/acme/app";

fn another() -> Digest {
    Digest::of(b"another image")
}

/// What is right for another image, which alice, bob and carol signed, and for another owner.
fn of_another(question: &Value) -> String {
    let (kind, _) = question.as_object().unwrap().iter().next().unwrap();
    match kind.as_str() {
        "OciManifestDigest" => json!({"digest": another().to_string()}).to_string(),
        "OciManifest" => {
            let manifest = signature_manifest(&["alice", "bob", "carol"], &payload(ANOTHER, another()));
            String::from_utf8(manifest).unwrap()
        }
        "SigstorePubKeyVerify" => json!({"is_trusted": true, "digest": another().to_string()}).to_string(),
        _ => json!({
            "apiVersion": "apps/v1", "kind": "ReplicaSet",
            "metadata": {"name": "another", "namespace": "another", "uid": "another"},
            "spec": {"template": {"spec": {"containers": [{"name": "another", "image": "evil.io/another:1"}]}}},
        })
        .to_string(),
    }
}

/// Every image of an answer with the digest that it was proven to have, and with that of the index that proves it.
fn proven(answer: &Value) -> BTreeSet<(String, Digest)> {
    let records = records(answer).into_iter().filter(|record| record["verdict"] != "denied");
    let of_record = |record: Value| {
        let repository = record["image"].as_str().map(|image| repository(&ImageRef::parse(image).unwrap()));
        ["digest", "index"].map(|key| Some((repository.clone()?, Digest::parse(record[key].as_str()?).unwrap())))
    };
    records.flat_map(of_record).flatten().collect()
}

fn records(answer: &Value) -> Vec<Value> {
    let records = answer["audit_annotations"].as_object().into_iter().flatten();
    records.map(|(_, record)| serde_json::from_str(record.as_str().unwrap()).unwrap()).collect()
}

/// Every image with a digest that is in this JSON.
fn pinned(value: &Value, found: &mut BTreeSet<(String, Digest)>) {
    match value {
        Value::String(text) => {
            if let Ok(image) = ImageRef::parse(text)
                && let Some(digest) = image.digest()
            {
                found.insert((repository(&image), digest));
            }
        }
        Value::Array(list) => list.iter().for_each(|value| pinned(value, found)),
        Value::Object(object) => object.values().for_each(|value| pinned(value, found)),
        _ => {}
    }
}

/// Is `answer`, of a policy with this host, as good as `before`, the answer without the fault?
pub fn judge(case: &Case, before: &str, answer: &str, host: &Faulty) -> Result<(), String> {
    let read = |text: &str| serde_json::from_str::<Value>(text).map_err(|error| format!("{error}: {text}"));
    let (before, after) = (read(before)?, read(answer)?);
    let wrong = |what: &str| {
        let Faulty { fault, at, .. } = host;
        Err(format!("{}, {} at {at:?}: {what}\n  {after}\n  before: {before}", case.name, fault.name))
    };
    if answer.contains(MARK) {
        return wrong("the host's words are told");
    }

    let mut allowed = proven(&before);
    allowed.extend(host.vouched());
    allowed.insert((ANOTHER.to_owned(), another()));
    if let Some(unproven) = proven(&after).difference(&allowed).next() {
        return wrong(&format!("{unproven:?} was not proven"));
    }
    let request = case.request.as_ref();
    pinned(request.map_or(&Value::Null, |request| &request["object"]), &mut allowed);
    let mut pins = BTreeSet::new();
    pinned(&after["mutated_object"], &mut pins);
    if let Some(unproven) = pins.difference(&allowed).next() {
        return wrong(&format!("{unproven:?} was pinned, and not proven"));
    }

    let features = &case.settings["features"];
    let is_soft = features["detectionMode"] == true || features["resourceValidationMode"] == "podsOnly";
    match (after["accepted"].as_bool(), after["code"].as_u64()) {
        // But the other image may be one that is right, as far as anybody can tell, and the host's own word is a proof.
        (Some(true), None) if before["accepted"] == false && !host.is_about_another() && host.vouched().is_empty() => {
            wrong("was denied before")
        }
        (Some(true), None) => match !is_soft && records(&after).iter().any(|record| record["verdict"] == "denied") {
            true => wrong("is admitted although an image is denied"),
            false => Ok(()),
        },
        (Some(false), Some(code)) => {
            // Without the permission to break the glass, an image is denied for its own reason.
            let is_waived = records(&before).iter().any(|record| record["verdict"] == "break-glass");
            let is_right = before["code"] == code
                || (is_waived && code == 403)
                || host.codes().iter().any(|right| u64::from(*right) == code);
            match (is_right, after["message"].as_str()) {
                (true, Some(message)) if message.len() > 20 => Ok(()),
                (true, _) => wrong("is not explained"),
                (false, _) => wrong("has the wrong code"),
            }
        }
        _ => wrong("is no verdict"),
    }
}
