//! What would Fulcio, Rekor 1, Rekor 2 and a time-stamping authority answer?
//!
//! [`SigstoreServices`] serves a minted [`Instance`] over HTTP on loopback, so that real cosign signs without the Internet. It knows as much of the four APIs as
//! cosign 2 and 3 use, and refuses everything else with a sentence, which cosign then prints.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use base64ct::{Base64, Base64UrlUnpadded, Encoding as _};
use p256::{
    ecdsa::{DerSignature, VerifyingKey, signature::Verifier as _},
    pkcs8::DecodePublicKey as _,
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::mint::{
    Extension, Instance, Leaf, Name, Stamp,
    bundle::{self, Log},
    der, hex,
    leaf::{ISSUER_V1, ISSUER_V2, REFERENCE_V2, REPOSITORY_V2},
    timestamp,
};
use crate::server::Server;

const FULCIO: &str = "/fulcio/api/v2/signingCert";
/// The older API of Fulcio, which cosign 2 uses.
const FULCIO_1: &str = "/fulcio/api/v1/signingCert";
const REKOR_1: &str = "/rekor-1/api/v1/log/entries";
const REKOR_2: &str = "/rekor-2/api/v2/log/entries";
const TSA: &str = "/tsa/api/v1/timestamp";
/// The same authority with the status that RFC 3161 and notation expect. Sigstore's own server answers with another one.
const PLAIN_TSA: &str = "/tsa";
/// How long Fulcio's certificates are valid, in seconds.
const VALIDITY: u64 = 600;
/// The issuer of the tokens of GitHub's workflows.
const GITHUB: &str = "https://token.actions.githubusercontent.com";

/// The services of a Sigstore instance, on a free port of 127.0.0.1. They serve until this value is dropped.
pub struct SigstoreServices {
    server: Server,
    shared: Arc<Shared>,
}

struct Shared {
    instance: Instance,
    /// The time at which everything here happens, as a Unix time.
    time: u64,
    /// The paths that were asked for.
    asked: Mutex<Vec<String>>,
}

impl SigstoreServices {
    /// Serves this instance, for which it is always this time.
    ///
    /// # Errors
    /// When this machine gives us no port on loopback, or no thread.
    pub fn start(instance: Instance, time: u64) -> io::Result<Self> {
        let shared = Arc::new(Shared { instance, time, asked: Mutex::default() });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        Ok(Self { server: Server::start("sigstore-services", router)?, shared })
    }

    /// The file that tells cosign to ask these services for a certificate, for an entry in this log, and perhaps for a timestamp.
    pub fn signing_config(&self, log: Log, has_timestamp: bool) -> Value {
        let service = |path: &str, version: u8| {
            json!({
                "url": format!("http://{}{path}", self.server.host()),
                "majorApiVersion": version,
                "validFor": {"start": der::timestamp(self.shared.time)},
                "operator": "image-trust tests",
            })
        };
        let mut config = json!({
            "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
            "caUrls": [service("/fulcio", 1)],
        });
        let rekor = match log {
            Log::None => None,
            Log::Rekor1 => Some(service("/rekor-1", 1)),
            Log::Rekor2 => Some(service("/rekor-2", 2)),
        };
        if let Some(rekor) = rekor {
            config["rekorTlogUrls"] = json!([rekor]);
            config["rekorTlogConfig"] = json!({"selector": "ANY"});
        }
        if has_timestamp {
            config["tsaUrls"] = json!([service(TSA, 1)]);
            config["tsaConfig"] = json!({"selector": "ANY"});
        }
        config
    }

    /// The instance that is served.
    pub fn instance(&self) -> &Instance {
        &self.shared.instance
    }

    /// The address of one of these services, as cosign 2 takes it: `fulcio` or `rekor-1`.
    pub fn url(&self, service: &str) -> String {
        format!("http://{}/{service}", self.server.host())
    }

    /// The address of the time-stamping authority, as cosign 2 takes it.
    pub fn tsa_url(&self) -> String {
        format!("http://{}{TSA}", self.server.host())
    }

    /// The address of the time-stamping authority, as notation takes it.
    pub fn plain_tsa_url(&self) -> String {
        format!("http://{}{PLAIN_TSA}", self.server.host())
    }

    /// The first parts of the paths that were asked for since the last call, in order: `fulcio`, `tsa`, `rekor-1`, `rekor-2`.
    pub fn asked(&self) -> Vec<String> {
        let asked = std::mem::take(&mut *self.shared.asked.lock().unwrap_or_else(PoisonError::into_inner));
        asked.iter().map(|path| path.split('/').nth(1).unwrap_or_default().to_owned()).collect()
    }
}

/// The identity token of an OpenID Connect issuer for whoever has this address. Nobody here checks its signature.
pub fn identity_token(issuer: &str, email: &str, time: u64) -> String {
    token(&json!({
        "iss": issuer, "aud": "sigstore", "sub": email, "email": email, "email_verified": true,
        "iat": time, "exp": time + VALIDITY,
    }))
}

/// A run of a workflow of GitHub.
#[derive(Clone, Copy)]
pub struct WorkflowRun<'a> {
    /// The repository that it runs for, such as `acme/app`.
    pub repository: &'a str,
    /// The git reference that it runs for, such as `refs/heads/main`.
    pub reference: &'a str,
    /// The file with its own reference, such as `acme/app/.github/workflows/release.yml@refs/heads/main`.
    pub workflow: &'a str,
    /// Whose machine it runs on, such as `github-hosted`.
    pub runner: &'a str,
}

impl WorkflowRun<'_> {
    /// The identity token that GitHub gives this run.
    pub fn token(&self, time: u64) -> String {
        let Self { repository, reference, workflow, runner } = self;
        token(&json!({
            "iss": GITHUB, "aud": "sigstore", "sub": format!("repo:{repository}:ref:{reference}"),
            "repository": repository, "ref": reference, "event_name": "push",
            "job_workflow_ref": workflow, "workflow_ref": workflow, "runner_environment": runner,
            "iat": time, "exp": time + VALIDITY,
        }))
    }
}

fn token(claims: &Value) -> String {
    let encoded = |part: &str| Base64UrlUnpadded::encode_string(part.as_bytes());
    format!("{}.{}.{}", encoded(r#"{"alg":"RS256"}"#), encoded(&claims.to_string()), encoded("not checked"))
}

async fn answer(State(shared): State<Arc<Shared>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    shared.asked.lock().unwrap_or_else(PoisonError::into_inner).push(uri.path().to_owned());
    let answer = match uri.path() {
        FULCIO => shared.certificate(&headers, &body),
        FULCIO_1 => shared.certificate_1(&headers, &body),
        REKOR_1 => shared.entry_1(&body),
        REKOR_2 => shared.entry_2(&body),
        TSA => shared.timestamp(StatusCode::CREATED, &body),
        PLAIN_TSA => shared.timestamp(StatusCode::OK, &body),
        path => Err(format!("expected one of the four services, found {path}")),
    };
    answer.unwrap_or_else(|why| (StatusCode::BAD_REQUEST, why).into_response())
}

impl Shared {
    /// Fulcio's certificate for whom the token names, after the key has signed the name.
    fn certificate(&self, headers: &HeaderMap, body: &[u8]) -> Result<Response, String> {
        let request = parsed(body)?;
        let pem = text(&request, "/publicKeyRequest/publicKey/content")?;
        let proof = bytes(&request, "/publicKeyRequest/proofOfPossession")?;
        let chain = self.chain(headers, der::unpem(pem), &proof)?;
        Ok(json_body(StatusCode::OK, &json!({"signedCertificateEmbeddedSct": {"chain": {"certificates": chain}}})))
    }

    /// The same in the older API: the key is in base64 once more, and the answer is in PEM.
    fn certificate_1(&self, headers: &HeaderMap, body: &[u8]) -> Result<Response, String> {
        let request = parsed(body)?;
        let pem = String::from_utf8(bytes(&request, "/publicKey/content")?).map_err(|error| error.to_string())?;
        let chain = self.chain(headers, der::unpem(&pem), &bytes(&request, "/signedEmailAddress")?)?;
        let header = [(header::CONTENT_TYPE, "application/pem-certificate-chain")];
        Ok((StatusCode::CREATED, header, chain.concat()).into_response())
    }

    /// The certificate for this key and for whom the token names, and those above it, in PEM.
    fn chain(&self, headers: &HeaderMap, key: Vec<u8>, proof: &[u8]) -> Result<Vec<String>, String> {
        let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        let claims = token.and_then(|token| token.split('.').nth(1)).ok_or("expected a token")?;
        let claims = Base64UrlUnpadded::decode_vec(claims).map_err(|error| error.to_string())?;
        let claims = parsed(&claims)?;
        let issuer = text(&claims, "/iss")?;
        let (subject, name, said) = match issuer {
            GITHUB => (text(&claims, "/sub")?, workflow(&claims)?, said_of_workflow(&claims)?),
            _ => {
                let email = text(&claims, "/email")?;
                (email, Name::Raw(der::tlv(0x81, email.as_bytes())), Vec::new())
            }
        };
        let public = p256::PublicKey::from_public_key_der(&key);
        let public = public.map_err(|error| format!("expected a key on P-256: {error}"))?;
        let proof = DerSignature::try_from(proof).map_err(|error| error.to_string())?;
        VerifyingKey::from(public)
            .verify(subject.as_bytes(), &proof)
            .map_err(|_| "the key did not sign the subject of the token".to_owned())?;
        let mut extensions = vec![
            Extension::new(ISSUER_V1, issuer.as_bytes().to_vec()),
            Extension::new(ISSUER_V2, der::tlv(der::UTF8, issuer.as_bytes())),
        ];
        extensions.extend(said);
        let leaf = Leaf {
            names: vec![name],
            issuer_v1: None,
            issuer_v2: None,
            extensions,
            not_before: self.time,
            not_after: self.time + VALIDITY,
            ..Leaf::default()
        };
        let certificate = self.instance.certify(&leaf, key);
        let above = &self.instance.intermediate;
        let chain = [&certificate, &above.der].into_iter().chain(&above.above);
        Ok(chain.map(|der| der::pem("CERTIFICATE", der)).collect())
    }

    /// The answer of Rekor 1 to a `dsse` or `intoto` entry. The client finds the entry by the name in the header.
    fn entry_1(&self, body: &[u8]) -> Result<Response, String> {
        let request = parsed(body)?;
        let (kind, spec) = match text(&request, "/kind")? {
            "dsse" => {
                let envelope = text(&request, "/spec/proposedContent/envelope")?;
                let verifier = text(&request, "/spec/proposedContent/verifiers/0")?;
                let parts = parsed(envelope.as_bytes())?;
                let (payload, signature) = (bytes(&parts, "/payload")?, text(&parts, "/signatures/0/sig")?);
                ("dsse", bundle::dsse(envelope.as_bytes(), &payload, signature, verifier))
            }
            "intoto" => {
                let envelope = text(&request, "/spec/content/envelope")?;
                let payload = bytes(&parsed(envelope.as_bytes())?, "/payload")?;
                ("intoto", bundle::intoto(envelope.as_bytes(), &payload, text(&request, "/spec/publicKey")?))
            }
            other => return Err(format!("expected an entry of kind dsse or intoto, found {other}")),
        };
        let entry = bundle::rekor_1(&self.instance, kind, &spec, self.time);
        let name = hex(&Sha256::digest([&[0], &bytes(&entry, "/canonicalizedBody")?[..]].concat()));
        let proof = &entry["inclusionProof"];
        let hashes = proof["hashes"].as_array().into_iter().flatten();
        let answer = json!({
            "body": entry["canonicalizedBody"],
            "integratedTime": self.time,
            "logID": in_hex(&entry["logId"]["keyId"]),
            "logIndex": number(&entry["logIndex"]),
            "verification": {
                "signedEntryTimestamp": entry["inclusionPromise"]["signedEntryTimestamp"],
                "inclusionProof": {
                    "checkpoint": proof["checkpoint"]["envelope"],
                    "hashes": hashes.map(in_hex).collect::<Vec<String>>(),
                    "logIndex": number(&proof["logIndex"]),
                    "rootHash": in_hex(&proof["rootHash"]),
                    "treeSize": number(&proof["treeSize"]),
                },
            },
        });
        let mut response = json_body(StatusCode::CREATED, &json!({name.as_str(): answer}));
        let name = name.parse().map_err(|_| "a name in hexadecimal digits is a header".to_owned())?;
        response.headers_mut().insert(header::ETAG, name);
        Ok(response)
    }

    /// The answer of Rekor 2, which is the entry as bundles have it.
    fn entry_2(&self, body: &[u8]) -> Result<Response, String> {
        let request = parsed(body)?;
        let request = request.get("hashedRekordRequestV002").ok_or("expected a request for a hashedrekord 0.0.2")?;
        let entry = bundle::rekor_2(&self.instance, text(request, "/digest")?, &request["signature"]);
        Ok(json_body(StatusCode::CREATED, &entry))
    }

    /// The answer of the time-stamping authority to a request for the timestamp of a SHA-256. Cosign 2 also sends a nonce, which it does not look for in the answer,
    /// and asks for the certificate.
    fn timestamp(&self, status: StatusCode, body: &[u8]) -> Result<Response, String> {
        const HEADER: usize = 2;
        let plain = timestamp::request(&[0; 32]);
        let begin = &plain[HEADER..plain.len() - 32];
        let rest = body.get(HEADER..).and_then(|body| body.strip_prefix(begin));
        let (imprint, options) = rest.and_then(<[u8]>::split_first_chunk::<32>).ok_or(NO_REQUEST)?;
        if body[0] != plain[0] || usize::from(body[1]) != body.len() - HEADER {
            return Err(NO_REQUEST.to_owned());
        }
        let certificates = if options.is_empty() { Vec::new() } else { vec![self.instance.tsa.der.clone()] };
        let time = der::generalized(self.time);
        // Whoever asks for a plain one compares it with the request, whose options are a nonce and the wish for certificates.
        let nonce = options.strip_suffix(&[1, 1, 0xff]).unwrap_or(options).to_vec();
        let echoed = (status == StatusCode::OK).then_some(nonce);
        let stamp = Stamp { imprint: Some(imprint.to_vec()), time, certificates, echoed, ..Stamp::of(&[]) };
        let answer = self.instance.tsa.answer(&stamp);
        Ok((status, [(header::CONTENT_TYPE, "application/timestamp-reply")], answer).into_response())
    }
}

const NO_REQUEST: &str = "expected a request for the timestamp of a SHA-256";

/// The name of a workflow in a certificate.
fn workflow(claims: &Value) -> Result<Name, String> {
    Ok(Name::Raw(der::tlv(0x86, on_github(text(claims, "/job_workflow_ref")?).as_bytes())))
}

/// What a certificate says of a workflow (Fulcio, "OID Information").
fn said_of_workflow(claims: &Value) -> Result<Vec<Extension>, String> {
    let said = [
        ("1.3.6.1.4.1.57264.1.9", on_github(text(claims, "/job_workflow_ref")?)),
        ("1.3.6.1.4.1.57264.1.11", text(claims, "/runner_environment")?.to_owned()),
        (REPOSITORY_V2, on_github(text(claims, "/repository")?)),
        (REFERENCE_V2, text(claims, "/ref")?.to_owned()),
        ("1.3.6.1.4.1.57264.1.18", on_github(text(claims, "/workflow_ref")?)),
        ("1.3.6.1.4.1.57264.1.20", text(claims, "/event_name")?.to_owned()),
    ];
    Ok(said.map(|(oid, text)| Extension::new(oid, der::tlv(der::UTF8, text.as_bytes()))).into())
}

fn on_github(path: &str) -> String {
    format!("https://github.com/{path}")
}

fn json_body(status: StatusCode, value: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}

fn parsed(json: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(json).map_err(|error| format!("expected JSON: {error}"))
}

fn text<'v>(value: &'v Value, at: &str) -> Result<&'v str, String> {
    value.pointer(at).and_then(Value::as_str).ok_or_else(|| format!("expected a text at {at}, found {value}"))
}

fn bytes(value: &Value, at: &str) -> Result<Vec<u8>, String> {
    Base64::decode_vec(text(value, at)?).map_err(|error| format!("expected base64 at {at}: {error}"))
}

/// What bundles write in base64, as Rekor 1 writes it.
fn in_hex(base64: &Value) -> String {
    hex(&der::unbase64(base64.as_str().unwrap_or_default()))
}

/// What bundles write as a text, as Rekor 1 writes it.
fn number(text: &Value) -> u64 {
    text.as_str().and_then(|text| text.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{http::try_ask, mint::Key};

    const TIME: u64 = 1_800_000_000;

    /// A request to Fulcio for alice's certificate, with this signature of her address.
    fn of_alice(proof: &[u8]) -> Vec<u8> {
        let content = Key::p256("alice").public_pem();
        let key = json!({"publicKey": {"content": content}, "proofOfPossession": der::base64(proof)});
        json!({"publicKeyRequest": key}).to_string().into_bytes()
    }

    #[test]
    fn what_no_service_would_do_is_refused() {
        let services = SigstoreServices::start(Instance::since("ours", TIME), TIME).unwrap();
        let token = format!("Bearer {}", identity_token("https://issuer.example.com", "alice@example.com", TIME));
        let proof = |name: &str, of: &str| of_alice(&Key::p256(name).sign(of.as_bytes()));
        let stamp = timestamp::request(&[7; 32]);
        // the path, the body, the status and a part of the answer, why
        let rows: [(&str, Vec<u8>, u16, &str, &str); 8] = [
            (FULCIO, proof("alice", "alice@example.com"), 200, "BEGIN CERTIFICATE", "alice has the key"),
            (FULCIO, proof("bob", "alice@example.com"), 400, "did not sign", "bob has another"),
            (FULCIO, proof("alice", "bob@example.com"), 400, "did not sign", "a proof for somebody else"),
            (TSA, stamp.clone(), 201, "", "a request as cosign writes it"),
            (TSA, stamp[1..].to_vec(), 400, "of a SHA-256", "a request that is cut"),
            (TSA, [&stamp[..], &[0]].concat(), 400, "of a SHA-256", "a request with something behind it"),
            (REKOR_2, b"{}".to_vec(), 400, "hashedrekord 0.0.2", "an entry of no kind"),
            ("/rekor-1/api/v1/log", Vec::new(), 400, "one of the four", "a path of no service"),
        ];
        for (path, body, status, part, why) in rows {
            let answer = try_ask(&services.server.host(), "POST", path, &[("Authorization", &token)], &body).unwrap();
            let text = String::from_utf8_lossy(&answer.body);
            assert_eq!((answer.status, text.contains(part)), (status, true), "{why}: {text}");
        }
        assert_eq!(services.asked(), ["fulcio", "fulcio", "fulcio", "tsa", "tsa", "tsa", "rekor-2", "rekor-1"]);
        assert!(services.asked().is_empty(), "each is told once");
    }
}
