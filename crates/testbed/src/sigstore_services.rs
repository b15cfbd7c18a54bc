//! What would Fulcio, Rekor 1, Rekor 2 and a time-stamping authority answer?
//!
//! [`SigstoreServices`] serves a minted [`Instance`] over HTTP on loopback, so that real cosign signs without the Internet. It knows as much of the four APIs as
//! cosign 3 uses, and refuses everything else with a sentence, which cosign then prints.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use base64ct::{Base64, Base64UrlUnpadded, Encoding as _};
use p256::ecdsa::{DerSignature, VerifyingKey, signature::Verifier as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::mint::{
    Extension, Instance, Leaf, Name, Stamp,
    bundle::{self, Log},
    der, hex,
    leaf::{ISSUER_V1, ISSUER_V2},
    timestamp,
};
use crate::server::Server;

const FULCIO: &str = "/fulcio/api/v2/signingCert";
const REKOR_1: &str = "/rekor-1/api/v1/log/entries";
const REKOR_2: &str = "/rekor-2/api/v2/log/entries";
const TSA: &str = "/tsa/api/v1/timestamp";
/// How long Fulcio's certificates are valid, in seconds.
const VALIDITY: u64 = 600;

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

    /// The first parts of the paths that were asked for since the last call, in order: `fulcio`, `tsa`, `rekor-1`, `rekor-2`.
    pub fn asked(&self) -> Vec<String> {
        let asked = std::mem::take(&mut *self.shared.asked.lock().unwrap_or_else(PoisonError::into_inner));
        asked.iter().map(|path| path.split('/').nth(1).unwrap_or_default().to_owned()).collect()
    }
}

/// The identity token of an OpenID Connect issuer for whoever has this address. Nobody here checks its signature.
pub fn identity_token(issuer: &str, email: &str, time: u64) -> String {
    let claims = json!({
        "iss": issuer, "aud": "sigstore", "sub": email, "email": email, "email_verified": true,
        "iat": time, "exp": time + VALIDITY,
    });
    let encoded = |part: &str| Base64UrlUnpadded::encode_string(part.as_bytes());
    format!("{}.{}.{}", encoded(r#"{"alg":"RS256"}"#), encoded(&claims.to_string()), encoded("not checked"))
}

async fn answer(State(shared): State<Arc<Shared>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    shared.asked.lock().unwrap_or_else(PoisonError::into_inner).push(uri.path().to_owned());
    let answer = match uri.path() {
        FULCIO => shared.certificate(&headers, &body),
        REKOR_1 => shared.entry_1(&body),
        REKOR_2 => shared.entry_2(&body),
        TSA => shared.timestamp(&body),
        path => Err(format!("expected one of the four services, found {path}")),
    };
    answer.unwrap_or_else(|why| (StatusCode::BAD_REQUEST, why).into_response())
}

impl Shared {
    /// Fulcio's certificate for the address in the token, after the key has signed the address.
    fn certificate(&self, headers: &HeaderMap, body: &[u8]) -> Result<Response, String> {
        let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        let claims = token.and_then(|token| token.split('.').nth(1)).ok_or("expected a token")?;
        let claims = Base64UrlUnpadded::decode_vec(claims).map_err(|error| error.to_string())?;
        let (claims, request) = (parsed(&claims)?, parsed(body)?);
        let (issuer, email) = (text(&claims, "/iss")?, text(&claims, "/email")?);
        let pem = text(&request, "/publicKeyRequest/publicKey/content")?;
        let key: p256::PublicKey = pem.parse().map_err(|error| format!("expected a key on P-256: {error}"))?;
        let proof = bytes(&request, "/publicKeyRequest/proofOfPossession")?;
        let proof = DerSignature::try_from(&proof[..]).map_err(|error| error.to_string())?;
        VerifyingKey::from(key)
            .verify(email.as_bytes(), &proof)
            .map_err(|_| "the key did not sign the address".to_owned())?;
        let leaf = Leaf {
            names: vec![Name::Raw(der::tlv(0x81, email.as_bytes()))],
            issuer_v1: None,
            issuer_v2: None,
            extensions: vec![
                Extension::new(ISSUER_V1, issuer.as_bytes().to_vec()),
                Extension::new(ISSUER_V2, der::tlv(der::UTF8, issuer.as_bytes())),
            ],
            not_before: self.time,
            not_after: self.time + VALIDITY,
            ..Leaf::default()
        };
        let certificate = self.instance.certify(&leaf, der::unpem(pem));
        let above = &self.instance.intermediate;
        let chain = [&certificate, &above.der].into_iter().chain(&above.above);
        let chain: Vec<String> = chain.map(|der| der::pem("CERTIFICATE", der)).collect();
        Ok(json_body(StatusCode::OK, &json!({"signedCertificateEmbeddedSct": {"chain": {"certificates": chain}}})))
    }

    /// The answer of Rekor 1 to a `dsse` entry. The client finds the entry by the name in the header.
    fn entry_1(&self, body: &[u8]) -> Result<Response, String> {
        let request = parsed(body)?;
        let envelope = text(&request, "/spec/proposedContent/envelope")?;
        let verifier = text(&request, "/spec/proposedContent/verifiers/0")?;
        let parts = parsed(envelope.as_bytes())?;
        let payload = bytes(&parts, "/payload")?;
        let spec = bundle::dsse(envelope.as_bytes(), &payload, text(&parts, "/signatures/0/sig")?, verifier);
        let entry = bundle::rekor_1(&self.instance, "dsse", &spec, self.time);
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

    /// The answer of the time-stamping authority to a request in the one form that cosign writes.
    fn timestamp(&self, body: &[u8]) -> Result<Response, String> {
        let imprint = body.last_chunk::<32>().ok_or("expected a request with a SHA-256")?;
        if timestamp::request(imprint) != body {
            return Err("expected a request for the timestamp of a SHA-256, without any option".to_owned());
        }
        let stamp = Stamp { imprint: Some(imprint.to_vec()), time: der::generalized(self.time), ..Stamp::of(&[]) };
        let answer = self.instance.tsa.answer(&stamp);
        Ok((StatusCode::CREATED, [(header::CONTENT_TYPE, "application/timestamp-reply")], answer).into_response())
    }
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
        let rows: [(&str, Vec<u8>, u16, &str, &str); 7] = [
            (FULCIO, proof("alice", "alice@example.com"), 200, "BEGIN CERTIFICATE", "alice has the key"),
            (FULCIO, proof("bob", "alice@example.com"), 400, "did not sign", "bob has another"),
            (FULCIO, proof("alice", "bob@example.com"), 400, "did not sign", "a proof for somebody else"),
            (TSA, stamp.clone(), 201, "", "a request as cosign writes it"),
            (TSA, stamp[1..].to_vec(), 400, "without any option", "a request that is cut"),
            (REKOR_2, b"{}".to_vec(), 400, "hashedrekord 0.0.2", "an entry of no kind"),
            ("/rekor-1/api/v1/log", Vec::new(), 400, "one of the four", "a path of no service"),
        ];
        for (path, body, status, part, why) in rows {
            let answer = try_ask(&services.server.host(), "POST", path, &[("Authorization", &token)], &body).unwrap();
            let text = String::from_utf8_lossy(&answer.body);
            assert_eq!((answer.status, text.contains(part)), (status, true), "{why}: {text}");
        }
        assert_eq!(services.asked(), ["fulcio", "fulcio", "fulcio", "tsa", "tsa", "rekor-2", "rekor-1"]);
        assert!(services.asked().is_empty(), "each is told once");
    }
}
