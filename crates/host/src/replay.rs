//! What was said between policy and host? kwctl's session files: replayed in strict order, or written down.

use std::collections::VecDeque;
use std::fs;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result, anyhow};
use serde::{Deserialize, Serialize};

use crate::capabilities::Answers;
use crate::host_request::HostRequest;

/// One question and its answer, as kwctl writes them: the request is YAML inside a YAML string.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type")]
struct Exchange {
    request: String,
    response: Response,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type")]
enum Response {
    Success { payload: String },
    Error { message: String },
}

/// A recorded session. Each request takes the next exchange, whether it fits or not.
#[derive(Debug, Default)]
pub struct Replay(Mutex<Session>);

#[derive(Clone, Debug, Default)]
struct Session {
    left: VecDeque<(HostRequest, Response)>,
    misfit: Option<String>,
}

impl Replay {
    /// Reads the session file at `path`.
    pub fn from_file(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path)
            .with_context(|| format!("cannot open host capabilities interactions file {}", path.display()))?;
        Self::from_yaml(&text).with_context(|| format!("cannot replay {}", path.display()))
    }

    /// Reads a session from its text. Every request is decoded now: kwctl panics in the middle of the run instead.
    pub fn from_yaml(text: &str) -> Result<Self> {
        let exchanges: Vec<Exchange> = serde_yaml::from_str(text).context("not a list of exchanges")?;
        let decoded = exchanges.into_iter().enumerate().map(|(index, exchange)| {
            let request = serde_yaml::from_str(&exchange.request)
                .with_context(|| format!("exchange {} holds no request of a policy", index + 1))?;
            Ok((request, exchange.response))
        });
        let session = Session { left: decoded.collect::<Result<_>>()?, misfit: None };
        Ok(Self(Mutex::new(session)))
    }

    /// The requests nobody made. kwctl only warns of them; a test should insist that there are none.
    pub fn leftovers(&self) -> Vec<HostRequest> {
        self.session().left.iter().map(|(request, _)| request.clone()).collect()
    }

    /// The first request that was not the next one in the session, and what was. The guest got an error, and may have taken it for the
    /// registry's.
    pub fn misfit(&self) -> Option<String> {
        self.session().misfit.clone()
    }

    fn session(&self) -> MutexGuard<'_, Session> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clone for Replay {
    /// A session of its own with what is left of this one: to run the same session many times, clone it before each run.
    fn clone(&self) -> Self {
        Self(Mutex::new(self.session().clone()))
    }
}

impl Answers for Replay {
    fn answer(&self, request: &HostRequest) -> Result<Vec<u8>> {
        let mut session = self.session();
        let (said, misfit) = match session.left.pop_front() {
            Some((expected, response)) if expected == *request => {
                return match response {
                    Response::Success { payload } => Ok(payload.into_bytes()),
                    Response::Error { message } => Err(anyhow!("{message}")),
                };
            }
            Some((expected, _)) => {
                let problem = format!("unexpected request. Was expecting {expected:?}, got {request:?} instead");
                (format!("Replay error: {problem}"), problem)
            }
            None => {
                let said = "the list of recorded responses is empty".to_owned();
                let misfit = format!("{said}, got {request:?}");
                (said, misfit)
            }
        };
        session.misfit.get_or_insert(misfit);
        Err(anyhow!("{said}"))
    }
}

/// Passes every request on and writes the exchange down.
pub struct Recorder<A> {
    inner: A,
    exchanges: Mutex<Vec<Result<Exchange>>>,
}

impl<A: Answers> Recorder<A> {
    /// A recorder of what `inner` answers.
    pub fn new(inner: A) -> Self {
        Self { inner, exchanges: Mutex::new(Vec::new()) }
    }

    /// The session so far, in kwctl's format.
    pub fn to_yaml(&self) -> Result<String> {
        let exchanges = self.exchanges.lock().unwrap_or_else(PoisonError::into_inner);
        let recorded: Vec<&Exchange> = exchanges
            .iter()
            .map(|exchange| exchange.as_ref().map_err(|e| anyhow!("an exchange can't be written down: {e:#}")))
            .collect::<Result<_>>()?;
        Ok(serde_yaml::to_string(&recorded)?)
    }
}

impl<A: Answers> Answers for Recorder<A> {
    fn answer(&self, request: &HostRequest) -> Result<Vec<u8>> {
        let answer = self.inner.answer(request);
        let exchange = exchange(request, &answer);
        self.exchanges.lock().unwrap_or_else(PoisonError::into_inner).push(exchange);
        answer
    }
}

fn exchange(request: &HostRequest, answer: &Result<Vec<u8>>) -> Result<Exchange> {
    let response = match answer {
        Ok(payload) => Response::Success { payload: String::from_utf8(payload.clone())? },
        // Only the outermost message, as kwctl does: causes are lost in a recording.
        Err(e) => Response::Error { message: e.to_string() },
    };
    Ok(Exchange { request: serde_yaml::to_string(request)?, response })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A session file as kwctl 1.36 writes it.
    const SESSION: &str = r#"- type: Exchange
  request: |
    !OciManifestDigest
    image: ghcr.io/acme/app:1
  response:
    type: Success
    payload: '{"digest":"sha256:aa"}'
- type: Exchange
  request: |
    !OciManifest
    image: ghcr.io/acme/app:sha256-aa.sig
  response:
    type: Error
    message: 'Fail to interact with OCI registry: Image manifest not found'
- type: Exchange
  request: |
    !OciManifestAndConfig
    image: ghcr.io/acme/app:1
  response:
    type: Success
    payload: '{"manifest":{},"digest":"sha256:aa","config":{}}'
- type: Exchange
  request: |
    !SigstorePubKeyVerify
    image: ghcr.io/acme/app:1
    pub_keys:
    - |
      -----BEGIN PUBLIC KEY-----
      AA==
      -----END PUBLIC KEY-----
    annotations:
      stage: prod
  response:
    type: Success
    payload: '{"is_trusted":true,"digest":"sha256:aa"}'
- type: Exchange
  request: |
    !KubernetesGetResource
    api_version: apps/v1
    kind: ReplicaSet
    name: app-1
    namespace: prod
    disable_cache: true
    field_masks: null
  response:
    type: Success
    payload: '{"kind":"ReplicaSet"}'
"#;

    fn requests() -> Vec<HostRequest> {
        let image = || "ghcr.io/acme/app:1".to_owned();
        vec![
            HostRequest::OciManifestDigest { image: image() },
            HostRequest::OciManifest { image: "ghcr.io/acme/app:sha256-aa.sig".into() },
            HostRequest::OciManifestAndConfig { image: image() },
            HostRequest::SigstorePubKeyVerify {
                image: image(),
                pub_keys: vec!["-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----\n".into()],
                annotations: Some([("stage".to_owned(), "prod".to_owned())].into()),
            },
            HostRequest::KubernetesGetResource {
                api_version: "apps/v1".into(),
                kind: "ReplicaSet".into(),
                name: "app-1".into(),
                namespace: Some("prod".into()),
                disable_cache: true,
                field_masks: None,
            },
        ]
    }

    #[test]
    fn a_recording_of_a_replay_is_the_same_file() {
        let recorder = Recorder::new(Replay::from_yaml(SESSION).expect("a session"));
        let answers: Vec<_> = requests().iter().map(|r| recorder.answer(r).map_err(|e| e.to_string())).collect();
        assert_eq!(answers[0].as_deref(), Ok(br#"{"digest":"sha256:aa"}"#.as_slice()));
        assert_eq!(answers[1], Err("Fail to interact with OCI registry: Image manifest not found".to_owned()));
        assert!(answers[2..].iter().all(Result::is_ok), "{answers:?}");
        assert_eq!((recorder.inner.leftovers(), recorder.inner.misfit()), (vec![], None));
        assert_eq!(recorder.to_yaml().ok().as_deref(), Some(SESSION));
    }

    #[test]
    fn a_hand_written_session_may_leave_optionals_out() {
        let text = "- type: Exchange\n  request: |\n    !KubernetesGetResource\n    api_version: v1\n    kind: Pod\n    name: a\n    namespace: null\n    disable_cache: false\n  response: {type: Success, payload: '{}'}\n- type: Exchange\n  request: \"!SigstorePubKeyVerify {image: a, pub_keys: []}\"\n  response: {type: Error, message: no}\n";
        assert_eq!(Replay::from_yaml(text).map(|r| r.leftovers().len()).ok(), Some(2));
    }

    #[test]
    fn replay_is_strict() {
        let replay = Replay::from_yaml(SESSION).expect("a session");
        let wrong = HostRequest::OciManifestDigest { image: "other".into() };
        let answer = |request: &HostRequest| replay.answer(request).map_err(|e| e.to_string());
        assert_eq!(replay.misfit(), None);
        let misfit = "unexpected request. Was expecting OciManifestDigest { image: \"ghcr.io/acme/app:1\" }, got OciManifestDigest { image: \"other\" } instead";
        assert_eq!(answer(&wrong), Err(format!("Replay error: {misfit}")));
        // the mismatch used the exchange up
        assert_eq!(replay.leftovers(), requests()[1..]);
        let again = replay.clone();
        for request in &requests()[1..] {
            let _ = answer(request);
        }
        assert_eq!(answer(&wrong), Err("the list of recorded responses is empty".to_owned()));
        assert_eq!(replay.misfit().as_deref(), Some(misfit), "the first one");
        assert_eq!(Replay::default().answer(&wrong).map_err(|e| e.to_string()), answer(&wrong));
        assert_eq!(again.leftovers(), requests()[1..], "a clone is a session of its own");
    }

    #[test]
    fn a_broken_session_says_where() {
        // text, a part of the message
        let table = [
            ("{}", "not a list of exchanges"),
            ("- type: Exchange\n  request: '!Unknown {}'\n  response: {type: Success, payload: ''}", "exchange 1"),
            (
                "- type: Exchange\n  request: '!OciManifest {image: a}'\n  response: {type: Maybe}",
                "unknown variant `Maybe`",
            ),
        ];
        for (text, part) in table {
            let message = Replay::from_yaml(text).map(|_| ()).map_err(|e| format!("{e:#}"));
            assert!(matches!(&message, Err(m) if m.contains(part)), "{text}: {message:?}");
        }
    }
}
