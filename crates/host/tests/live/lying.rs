//! What a registry that lies comes to. Whatever it says, only what was signed is pinned; and who is told a lie learns why nothing was admitted, and what to do.
//!
//! Registries are trusted with nothing but answering. Some of what they say is only words (a tag's digest), some is checked by whoever fetched it (bytes against
//! their digest), and the rest by us (signatures). Nodes check what they pull against the digest that is pinned, so a lie about a tag costs the liar only the lie.

use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use image_trust_host::{Deadline, Evaluation, Gate, Live, Policy};
use image_trust_testbed::loopback::{
    Fault, ImageKind, Registry, Scope, Signer, digest_of, signature_tag, signed_payload,
};
use serde_json::{Value, json};

use crate::policy::{self, ASK, Expect, GUEST, HOST, LOOK, LOOK_AROUND, LOOK_ON, asking, host, pod, settings};
use crate::told::{INTERRUPTED, ended_with};
use image_trust_testbed::http::{Answer, try_ask};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONTENT_DIGEST: &str = "docker-content-digest";

fn alice() -> [(&'static str, String); 1] {
    [("alice", Signer::named("alice").public_pem())]
}

/// The host's words for a task that panicked.
const BROKEN: &str = "Error obtaining response over callback channel";

/// What becomes of a Pod with this image, where alice has to have signed everything in `registry`.
fn evaluate(deadline: Deadline, image: &str, registry: &str, host: &Arc<Live>) -> Evaluation {
    static MODULE: OnceLock<Policy> = OnceLock::new();
    let module = MODULE.get_or_init(|| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policy.wasm");
        Policy::load(&path).expect("`make policy.wasm` builds the module")
    });
    let host = Arc::new(Gate::new(Arc::clone(host)));
    module.evaluate(&pod(image), &settings(registry, &alice(), &asking(policy::by("alice"))), host, deadline).unwrap()
}

/// A repository of a registry that lies, and what is true there:
/// - `good` is signed by alice, `bad` by nobody; `other` is another image that alice signed;
/// - `index` is signed by alice and lists `child`; `nested` is signed by her and lists `index`; `fake` lists `bad` and nobody signed it;
/// - `alice`, `mallory`, `annotated`: what could lie where the signatures of `good` belong. By alice (and it does), by mallory, and by alice with an annotation that
///   nobody asks for, so that only the host can read what she signed.
struct Liar<'r> {
    registry: &'r Registry,
    /// Another registry, which has the same repository.
    elsewhere: &'r Registry,
    repository: String,
}

impl<'r> Liar<'r> {
    fn new(registry: &'r Registry, elsewhere: &'r Registry, repository: String) -> Self {
        let it = Self { registry, elsewhere, repository };
        for (tag, kind) in [("good", ImageKind::Oci), ("bad", ImageKind::Oci), ("other", ImageKind::Oci)] {
            registry.push_image(&it.repository, tag, kind, tag);
        }
        registry.push_image(&it.repository, "index", ImageKind::Index, "index");
        it.list("nested", "index");
        it.list("fake", "bad");
        for (tag, signer, annotations) in [
            ("mallory", "mallory", &[][..]),
            ("annotated", "alice", &[("env".to_owned(), "prod".to_owned())]),
            ("alice", "alice", &[]),
        ] {
            // Each begins with none: a second signature would be added to the first.
            it.put(&it.signatures_of("good"), &manifest(vec![]));
            it.sign(signer, "good", annotations);
            it.put(tag, &it.json(&it.signatures_of("good")));
        }
        for tag in ["other", "index", "nested"] {
            it.sign("alice", tag, &[]);
        }
        it
    }

    /// Puts an index under `tag` that lists what is under `listed`.
    fn list(&self, tag: &str, listed: &str) {
        let media_type = &self.registry.manifest(&self.repository, listed).unwrap().media_type;
        let size = self.bytes(listed).len();
        let entry = json!({"mediaType": media_type, "size": size, "digest": self.digest(listed)});
        self.put(tag, &json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]}));
    }

    fn sign(&self, signer: &str, tag: &str, annotations: &[(String, String)]) {
        let annotations = annotations.iter().cloned().collect();
        Signer::named(signer).sign(self.registry, &self.repository, &self.digest(tag), &annotations).unwrap();
    }

    fn put(&self, tag: &str, document: &Value) {
        let media_type = document["mediaType"].as_str().unwrap();
        self.registry.put_manifest(&self.repository, Some(tag), media_type, document.to_string().as_bytes());
    }

    fn bytes(&self, tag: &str) -> Vec<u8> {
        self.registry.manifest(&self.repository, tag).unwrap().bytes.to_vec()
    }

    fn json(&self, tag: &str) -> Value {
        serde_json::from_slice(&self.bytes(tag)).unwrap()
    }

    /// The digest of what is under this tag; `child` is what is first in the index.
    fn digest(&self, tag: &str) -> String {
        match tag {
            "child" => self.json("index")["manifests"][0]["digest"].as_str().unwrap().to_owned(),
            tag => digest_of(&self.bytes(tag)),
        }
    }

    fn signatures_of(&self, tag: &str) -> String {
        signature_tag(&self.digest(tag))
    }

    /// Tells a lie to whoever asks for this tag or digest.
    fn of(&self, reference: &str, fault: Fault) -> (Scope, Fault) {
        (Scope::Manifest { repository: self.repository.clone(), reference: reference.to_owned() }, fault)
    }

    fn of_signatures(&self, fault: Fault) -> Lies {
        vec![self.of(&self.signatures_of("good"), fault)]
    }

    /// The host is told to read what alice signed with an annotation, and of those bytes it is told that.
    fn of_payload(&self, fault: Fault) -> Lies {
        let digest = self.json("annotated")["layers"][0]["digest"].as_str().unwrap().to_owned();
        let blob = Scope::Blob { repository: self.repository.clone(), digest };
        vec![self.of(&self.signatures_of("good"), instead("annotated")), (blob, fault)]
    }

    /// The payload that alice signed with an annotation.
    fn payload(&self) -> String {
        let annotations = [("env".to_owned(), "prod".to_owned())].into();
        signed_payload(&format!("{}/{}", self.registry.host(), self.repository), &self.digest("good"), &annotations)
    }

    /// What is under `annotated`, with the address in the other registry that its payload is at.
    fn annotated_elsewhere(&self) -> Value {
        let mut signed = self.json("annotated");
        let digest = digest_of(self.payload().as_bytes());
        let at = format!("http://{}/v2/{}/blobs/{digest}", self.elsewhere.host(), self.repository);
        signed["layers"][0]["urls"] = json!([at]);
        signed
    }

    /// `TAG` or `TAG@TAG`, of which the second stands for its digest, as an image.
    fn image(&self, asked: &str) -> String {
        let digest = asked.split_once('@').map_or_else(String::new, |(_, tag)| format!("@{}", self.digest(tag)));
        let tag = asked.split('@').next().unwrap();
        format!("{}/{}:{tag}{digest}", self.registry.host(), self.repository)
    }

    fn here(&self) -> String {
        format!("http://{}", self.registry.host())
    }

    /// Sends whoever asks to the other registry, for the same path.
    fn sent_elsewhere(&self) -> Fault {
        Fault::Redirect(format!("http://{}", self.elsewhere.host()))
    }
}

/// Limits a lie to requests with this method, `HEAD` or `GET`.
fn to(method: &'static str, (scope, fault): (Scope, Fault)) -> (Scope, Fault) {
    (Scope::Method(method, Box::new(scope)), fault)
}

fn instead(tag: &str) -> Fault {
    Fault::As(tag.to_owned())
}

fn undigested(fault: Fault) -> Fault {
    Fault::Undigested(Box::new(fault))
}

fn digested(digest: &str) -> Fault {
    Fault::Header(CONTENT_DIGEST, digest.to_owned())
}

/// An answer with these bytes and without their digest.
fn bytes(bytes: impl Into<Vec<u8>>) -> Fault {
    undigested(Fault::OtherBytes(bytes.into()))
}

fn manifest(layers: Vec<Value>) -> Value {
    let config =
        json!({"mediaType": "application/vnd.oci.image.config.v1+json", "size": 2, "digest": digest_of(b"{}")});
    json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers})
}

/// A manifest of so many layers, all the same, without the cost of a value each.
fn many(layer: &Value, n: usize) -> Fault {
    let layers = vec![layer.to_string(); n].join(",");
    bytes(manifest(vec![]).to_string().replace(r#""layers":[]"#, &format!(r#""layers":[{layers}]"#)))
}

/// An answer with this document, changed in one member, and without its digest.
fn changed(document: &Value, member: &str, value: Value) -> Fault {
    let mut document = document.clone();
    document[member] = value;
    bytes(document.to_string())
}

/// A digest by another algorithm, of so many hex digits.
fn other(algorithm: &str, digits: usize) -> String {
    format!("{algorithm}:{}", "a".repeat(digits))
}

fn upper(digest: &str) -> String {
    digest.to_uppercase().replace("SHA256", "sha256")
}

const UNUSABLE: &str = "evidence-unavailable: unusable-answer; undecided alice";
const UNKNOWN: &str = "evidence-unavailable: unknown-error; undecided alice";
const REFUSED: &str = "evidence-unavailable: connection-refused; undecided alice";
const NO_TLS: &str = "evidence-unavailable: no-tls; undecided alice; tells insecureSources";
const WORDLESS: &str = "evidence-unavailable: error-without-message; undecided alice";
const UNAVAILABLE: &str = "evidence-unavailable: unavailable; undecided alice";
const OVERSIZED: &str = "evidence-unavailable: oversized; undecided alice; tells 4 MiB, cosign clean";
const ELSEWHERE: &str = "evidence-unavailable: signatures-stored-elsewhere; undecided alice; tells urls, cosign clean";
const UNSIGNED: &str = "not-signed: unsigned; missing alice; tells cosign sign --key";
const NOT_HERS: &str = "not-signed: other-keys; missing alice; tells 1 signature, cosign sign --key";
const FOR_ANOTHER: &str = "not-signed: other-payload; missing alice; tells identities";
const UNPINNABLE: &str = "evidence-unavailable: unusable-digest; undecided alice; tells SHA-256";
const IS_INDEX: &str =
    "not-signed: unusable-signature-manifest; missing alice; tells index, sha256-….sig, cosign clean";
const HOUR: Duration = Duration::from_secs(3_600);

/// A lie: the requests to which it is told, and the wrong answer.
type Lies = Vec<(Scope, Fault)>;

#[test]
fn lies_are_found_out_or_do_no_harm() {
    const BY_GUEST: Expect<'_> = Expect::Pinned("", GUEST);
    const BY_HOST: Expect<'_> = Expect::Pinned("", HOST);
    const DIGEST: &str = "manifest_digest";
    // A digest that nobody signed, and then the index behind the tag: proven, not signed, not listing it.
    const INDEX_PROVEN: &str = "oci_manifest evidence manifest_digest oci_manifest oci_manifest";
    const INDEX_UNSIGNED: &str =
        "oci_manifest evidence manifest_digest oci_manifest evidence oci_manifest oci_manifest";
    const INDEX_OF_OTHERS: &str =
        "oci_manifest evidence manifest_digest oci_manifest oci_manifest oci_manifest oci_manifest";
    let useless = |host_words| Expect::Denied(503, UNUSABLE, host_words);
    let unknown = |host_words| Expect::Denied(503, UNKNOWN, host_words);
    let unpinnable = Expect::Denied(503, UNPINNABLE, "");
    let oversized = Expect::Denied(503, OVERSIZED, "");
    let stored_elsewhere = Expect::Denied(503, ELSEWHERE, "");
    let unsigned = Expect::Denied(403, UNSIGNED, "[OCI API error: manifest unknown]");
    let not_hers = Expect::Denied(403, NOT_HERS, "");
    let for_another = |host_words| Expect::Denied(403, FOR_ANOTHER, host_words);
    const NONE_PASSED: &str = "No Signature Layer passed verification";
    // what is asked for, the lies, the host calls, what comes out, the reason
    type Row<'a> = (&'a str, fn(&Liar<'_>) -> Lies, &'a str, Expect<'a>, &'a str);
    #[rustfmt::skip]
    let table: &[Row<'_>] = &[
        // Which digest a tag has is the registry's word, and it is asked once. What was signed is what is pinned.
        ("bad", |it| vec![to("HEAD", it.of("bad", instead("good")))], LOOK, BY_GUEST, "the digest of what was signed, for a tag that is something else: what was signed is what runs"),
        ("good", |it| vec![to("HEAD", it.of("good", instead("bad")))], LOOK_AROUND, unsigned, "the digest of what nobody signed"),
        ("good", |it| vec![it.of("good", Fault::InTurn(vec![Fault::Honest, instead("bad")]))], LOOK, BY_GUEST, "the tag moves once it was asked for: nobody asks again"),
        ("good", |it| vec![it.of("good", Fault::InTurn(vec![instead("bad"), Fault::Honest]))], LOOK_AROUND, unsigned, "and before: nobody asks again either"),
        ("good", |it| vec![to("HEAD", it.of("good", undigested(Fault::Honest)))], LOOK, BY_GUEST, "HEAD tells no digest, GET does"),
        ("good", |it| vec![it.of("good", undigested(Fault::Honest))], LOOK, BY_GUEST, "neither does: the host computes it"),
        ("good", |it| vec![to("HEAD", it.of("good", undigested(Fault::Honest))), to("GET", it.of("good", instead("bad")))], LOOK_AROUND, unsigned, "HEAD tells no digest, and GET another image's"),
        ("good", |it| vec![to("HEAD", it.of("good", undigested(Fault::Honest))), to("GET", it.of("good", Fault::OtherBytes(it.bytes("bad"))))], DIGEST, useless("Invalid digest"), "HEAD tells no digest, and GET one that its body does not have"),
        ("good", |it| vec![to("HEAD", it.of("good", Fault::Header("content-length", "1000000000000".to_owned())))], LOOK, BY_GUEST, "HEAD promises a terabyte, and nobody fetches it"),
        ("good", |it| vec![to("HEAD", it.of("good", Fault::Header("content-type", INDEX.to_owned())))], LOOK, BY_GUEST, "an image is called an index: a digest is of bytes, whatever they are called"),
        ("good", |it| vec![it.of("good", Fault::All(vec![Fault::Says(404, ""), digested(&it.digest("good"))]))], DIGEST, Expect::Denied(503, WORDLESS, "code: 404"), "404, with the digest"),
        ("good", |it| vec![it.of("good", Fault::Says(404, "Image verification failed: missing signatures"))], DIGEST, unknown("code: 404"), "404 in the host's own words"),
        ("good", |it| vec![it.of("good", Fault::All(vec![Fault::Says(206, ""), digested(&it.digest("good"))]))], DIGEST, useless("got 206 Partial Content"), "206, with the digest"),
        // Digests that nobody can pin. The host would make a tag of whatever it is told, and break where that is none: so it is not asked.
        ("good", |it| vec![to("HEAD", it.of("good", digested(&other("sha384", 96))))], DIGEST, unpinnable, "by another algorithm"),
        ("good", |it| vec![to("HEAD", it.of("good", digested(&other("sha512", 128))))], DIGEST, unpinnable, "by one that is too long for a tag"),
        ("good", |it| vec![to("HEAD", it.of("good", digested(&upper(&it.digest("good")))))], DIGEST, unpinnable, "in upper case"),
        ("good", |it| vec![to("HEAD", it.of("good", digested(&format!("{}, {}", it.digest("bad"), it.digest("good")))))], DIGEST, unpinnable, "two of them"),
        ("good", |it| vec![to("HEAD", it.of("good", digested("sha256:<script>alert(1)</script>")))], DIGEST, unpinnable, "none"),
        ("good", |it| vec![to("HEAD", it.of("good", digested(&"sha256:".repeat(1_000))))], DIGEST, unpinnable, "none, at length"),
        // What the host is told about a payload that only it can read. Its yes is a yes only for the digest that we asked about.
        ("good", |it| [it.of_signatures(instead("annotated")), vec![to("HEAD", it.of(&it.digest("good"), instead("bad")))]].concat(), ASK, useless("Invalid digest"), "the host asks about a digest, and is told another"),
        ("good", |it| [it.of_signatures(instead("annotated")), vec![to("HEAD", it.of(&it.digest("good"), digested(&other("sha512", 128))))]].concat(), ASK, Expect::Denied(503, UNAVAILABLE, BROKEN), "the host asks about a digest, and is told one by another algorithm, which it does not compare"),
        // Signatures: whoever sends them, under whatever name, they are of one digest or they are not.
        ("good", |it| it.of_signatures(Fault::OtherBytes(it.bytes("mallory"))), LOOK, useless("Invalid digest"), "other bytes under their digest"),
        ("good", |it| it.of_signatures(digested(&it.digest("mallory"))), LOOK, useless("Invalid digest"), "another digest over their bytes"),
        ("good", |it| it.of_signatures(digested(&other("sha512", 128))), LOOK, useless("Invalid digest"), "a digest by another algorithm, and not theirs"),
        ("good", |it| it.of_signatures(digested(&other("md5", 32))), LOOK, useless("Unsupported digest algorithm"), "a digest by an algorithm that nobody takes"),
        ("good", |it| it.of_signatures(digested(&upper(&it.digest("alice")))), LOOK, useless("Invalid digest"), "their digest in upper case"),
        ("bad", |it| vec![it.of(&it.signatures_of("bad"), instead("alice"))], ASK, for_another(NONE_PASSED), "those of another image"),
        ("bad", |it| vec![it.of(&it.signatures_of("bad"), instead(&it.signatures_of("other")))], ASK, for_another(NONE_PASSED), "those of a third"),
        ("good", |it| it.of_signatures(instead("mallory")), LOOK_ON, not_hers, "mallory's"),
        ("good", |it| it.of_signatures(Fault::InTurn(vec![Fault::Honest, instead("mallory")])), LOOK, BY_GUEST, "first alice's, then mallory's: one look is enough"),
        ("good", |it| it.of_signatures(Fault::InTurn(vec![instead("mallory"), Fault::Honest])), LOOK_ON, not_hers, "first mallory's, then alice's"),
        ("good", |it| it.of_signatures(Fault::InTurn(vec![Fault::Honest, Fault::NotFound])), LOOK, BY_GUEST, "first alice's, then none"),
        ("good", |it| it.of_signatures(Fault::InTurn(vec![Fault::NotFound, Fault::Honest])), LOOK_AROUND, unsigned, "first none, then alice's"),
        ("good", |it| it.of_signatures(Fault::InTurn(vec![instead("annotated"), Fault::Honest])), ASK, BY_HOST, "others to the host than to us, and alice's both"),
        ("good", |it| it.of_signatures(Fault::InTurn(vec![instead("annotated"), instead("mallory")])), ASK, for_another("missing signatures"), "alice's to us, mallory's to the host, and only the host could read alice's"),
        ("good", |it| it.of_signatures(Fault::InTurn(vec![instead("annotated"), instead("annotated"), instead("mallory")])), ASK, for_another(NONE_PASSED), "the host itself asks twice, and gets alice's signature with mallory's payload"),
        // Forms.
        ("good", |it| it.of_signatures(Fault::Header("content-type", INDEX.to_owned())), LOOK, BY_GUEST, "they are called an index: the host reads what is there"),
        ("good", |it| it.of_signatures(changed(&it.json("alice"), "mediaType", json!(INDEX))), LOOK, BY_GUEST, "they call themselves an index"),
        ("good", |it| it.of_signatures(changed(&it.json("alice"), "manifests", json!([]))), LOOK, BY_GUEST, "they are an index too, of which the host hands on the half that it knows"),
        ("good", |it| { it.list("listed", "alice"); it.of_signatures(instead("listed")) }, LOOK_ON, Expect::Denied(403, IS_INDEX, ""), "an index that lists them"),
        ("good", |it| it.of_signatures(Fault::Header("content-encoding", "gzip".to_owned())), LOOK, BY_GUEST, "they are called compressed: this host unpacks nothing"),
        ("good", |it| it.of_signatures(Fault::Header("content-length", "1000000000000".to_owned())), LOOK, useless("end of file before message length reached"), "more bytes are announced than come"),
        ("good", |it| it.of_signatures(undigested(Fault::Header("content-length", "100".to_owned()))), LOOK, useless("EOF while parsing"), "fewer bytes are announced than there are"),
        ("good", |it| it.of_signatures(many(&json!({"mediaType": "", "digest": "", "size": 0}), 1_000_000)), LOOK, oversized, "a million layers"),
        ("good", |it| it.of_signatures(many(&it.json("alice")["layers"][0], 100_000)), LOOK, oversized, "a hundred thousand signatures"),
        ("good", |it| it.of_signatures(bytes([vec![b' '; 32 << 20], it.bytes("alice")].concat())), LOOK, BY_GUEST, "behind 32 MiB of blanks: the host reads all that comes"),
        ("good", |it| it.of_signatures(bytes(format!(r#"{{"schemaVersion":2,"layers":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000)))), LOOK, useless("recursion limit exceeded"), "a hundred thousand lists in each other"),
        ("good", |it| it.of_signatures(bytes(String::from_utf8(it.bytes("alice")).unwrap().replace(r#""layers":"#, r#""layers":[],"layers":"#))), LOOK, useless("did not match any variant"), "layers twice"),
        ("good", |it| it.of_signatures(bytes(b"\xff\xfe{}")), LOOK, useless("expected value"), "no text"),
        ("good", |it| it.of_signatures(Fault::Drip(Duration::ZERO)), LOOK, BY_GUEST, "a byte at a time, to the end"),
        // Payloads, which only the host fetches.
        ("good", |it| it.of_payload(Fault::Honest), ASK, BY_HOST, "no lie: the host reads what we can't"),
        ("good", |it| it.of_payload(Fault::OtherBytes(it.payload().replace("prod", "test").into_bytes())), ASK, useless("Invalid digest"), "other bytes under its digest"),
        ("good", |it| it.of_payload(bytes(it.payload().replace("prod", "test"))), ASK, useless("Invalid digest"), "other bytes, and no word on their digest"),
        ("good", |it| it.of_payload(Fault::NotFound), ASK, unknown("404 Not Found"), "none"),
        // Elsewhere. The host follows wherever it is sent; what is found there counts for what it is.
        ("good", |it| { it.elsewhere.push_image(&it.repository, "good", ImageKind::Oci, "good"); vec![to("HEAD", it.of("good", it.sent_elsewhere()))] }, LOOK, BY_GUEST, "another registry is asked for the digest, and tells the same"),
        ("good", |it| { it.elsewhere.push_image(&it.repository, "good", ImageKind::Oci, "bad"); vec![to("HEAD", it.of("good", it.sent_elsewhere()))] }, LOOK_AROUND, unsigned, "and tells another"),
        ("good", |it| { it.elsewhere.put_manifest(&it.repository, Some(&it.signatures_of("good")), MANIFEST, &it.bytes("alice")); it.of_signatures(it.sent_elsewhere()) }, LOOK, BY_GUEST, "the signatures are elsewhere, and alice's"),
        ("good", |it| { it.elsewhere.put_manifest(&it.repository, Some(&it.signatures_of("good")), MANIFEST, &it.bytes("mallory")); it.of_signatures(it.sent_elsewhere()) }, LOOK_ON, not_hers, "and mallory's"),
        ("good", |it| it.of_signatures(it.sent_elsewhere()), LOOK_AROUND, unsigned, "and not there either"),
        ("good", |it| it.of_signatures(Fault::Redirect(it.here())), LOOK, useless("error following redirect"), "round in a circle"),
        ("good", |it| { let lies = it.of_signatures(it.sent_elsewhere()); it.elsewhere.fail(lies[0].0.clone(), Fault::Redirect(it.here())); lies }, LOOK, useless("error following redirect"), "there and back"),
        ("good", |it| it.of_signatures(Fault::Redirect(format!("https://{}", it.elsewhere.host()))), LOOK, Expect::Denied(503, NO_TLS, "error sending request"), "to TLS, where there is none"),
        ("good", |it| it.of_signatures(Fault::Redirect("file://".to_owned())), LOOK, unknown("code: 307"), "to a file: nobody follows"),
        ("good", |it| it.of_signatures(Fault::Redirect("http://127.0.0.1:9".to_owned())), LOOK, Expect::Denied(503, REFUSED, "error sending request"), "to where nobody listens"),
        ("good", |it| it.of_signatures(Fault::Says(307, "")), LOOK, unknown("code: 307"), "to nowhere"),
        ("good", |it| { it.elsewhere.put_blob(&it.repository, it.payload().as_bytes()); it.of_payload(it.sent_elsewhere()) }, ASK, BY_HOST, "the payload is elsewhere"),
        ("good", |it| { it.elsewhere.put_blob(&it.repository, it.payload().as_bytes()); it.put("annotated", &it.annotated_elsewhere()); vec![it.of(&it.signatures_of("good"), instead("annotated"))] }, LOOK_ON, stored_elsewhere, "the payload is at an address that its layer names: the host would ask it"),
        // An index behind a tag is fetched by the digest that was proven.
        ("index@child", |it| vec![it.of("index", Fault::InTurn(vec![Fault::Honest, instead("fake")]))], INDEX_PROVEN, BY_GUEST, "the tag moves once it was asked for"),
        ("index@child", |it| vec![it.of("index", instead("fake"))], INDEX_UNSIGNED, unsigned, "an index that nobody signed"),
        ("index@bad", |it| vec![it.of(&it.digest("index"), Fault::OtherBytes(it.bytes("fake")))], INDEX_PROVEN, useless("Invalid digest"), "another one under the digest of what was signed"),
        ("index@bad", |it| vec![it.of(&it.digest("index"), bytes(it.bytes("fake")))], INDEX_PROVEN, useless("Invalid digest"), "and no word on its digest"),
        ("index@bad", |it| vec![it.of(&it.digest("index"), instead("fake"))], INDEX_PROVEN, useless("Invalid digest"), "and its own digest"),
        ("fake@bad", |it| vec![it.of("fake", instead("index"))], INDEX_OF_OTHERS, unsigned, "one that was signed, and lists others"),
        ("fake@child", |it| vec![it.of("fake", instead("nested"))], INDEX_OF_OTHERS, unsigned, "one that was signed, and lists it only in an index in it"),
    ];
    let (registry, elsewhere) = (Registry::start().unwrap(), Registry::start().unwrap());
    let live = host(&[&registry.host(), &elsewhere.host()]);
    let mut failures = Vec::new();
    for (n, (asked, lies, calls, expect, why)) in table.iter().enumerate() {
        // A repository of its own: hosts remember by name.
        let liar = Liar::new(&registry, &elsewhere, format!("r{n}"));
        for (scope, fault) in lies(&liar) {
            registry.fail(scope, fault);
        }
        let runs = liar.digest(asked.split_once('@').map_or("good", |(_, tag)| tag));
        let expect = match *expect {
            Expect::Pinned(_, evidence) => Expect::Pinned(&runs, evidence),
            denied => denied,
        };
        let row = policy::Row { image: liar.image(asked), rule: asking(policy::by("alice")), calls, expect, why };
        let mut came = evaluate(Deadline::Off, &row.image, &registry.host(), &live);
        if came.response.allowed {
            // What the host complained of did no harm.
            came.calls.iter_mut().for_each(|call| call.answer = Ok(Vec::new()));
        }
        failures.extend(row.judge(&came, &alice()));
        for registry in [&registry, &elsewhere] {
            failures.extend(
                (!registry.unmet().is_empty()).then(|| format!("{why}: nobody was told {:?}", registry.unmet())),
            );
            registry.heal();
        }
    }
    assert!(failures.is_empty(), "{} wrong in {} rows:\n{}", failures.len(), table.len(), failures.join("\n"));
}

/// An evaluation under way in a thread of its own, of a registry that tells without an end.
struct Hanging {
    registries: [Registry; 2],
    came: Receiver<Evaluation>,
}

impl Hanging {
    fn start(lies: fn(&Liar<'_>) -> Lies, deadline: Deadline) -> Self {
        let registries = [(); 2].map(|()| Registry::start().unwrap());
        let [registry, elsewhere] = &registries;
        let liar = Liar::new(registry, elsewhere, "r".to_owned());
        for (scope, fault) in lies(&liar) {
            registry.fail(scope, fault);
        }
        let (image, host_name) = (liar.image("good"), registry.host());
        let host = host(&[&registry.host(), &elsewhere.host()]);
        let (sender, came) = channel();
        // Nobody waits any more where the test has failed already.
        std::thread::spawn(move || sender.send(evaluate(deadline, &image, &host_name, &host)).ok());
        Self { registries, came }
    }

    /// Waits until every lie was asked for. Nothing may have come out by then, nor within so much time after it.
    fn wait(&self, patience: Duration) {
        let silent = |time| matches!(self.came.recv_timeout(time), Err(RecvTimeoutError::Timeout));
        let is_told = || self.registries.iter().all(|registry| registry.unmet().is_empty());
        let told = (0..1_200).any(|_| is_told() || !silent(Duration::from_millis(25)));
        assert!(told && is_told() && silent(patience), "not told, or told in vain: {:?}", self.registries[0].unmet());
    }
}

/// The host reads on for as long as anything comes, and nobody can interrupt it. Once it ends, the verdict is the platform's where its deadline is over, and
/// else ours.
#[test]
fn what_never_ends_is_ended_by_the_platform() {
    // what never ends, the deadline, the code and the words of the verdict that comes in the end, the reason
    type Row<'a> = (fn(&Liar<'_>) -> Lies, Deadline, (u16, &'a str), &'a str);
    #[rustfmt::skip]
    let table: &[Row<'_>] = &[
        // One of these, and it ends first: all verifications of a process wait for the one that fetches.
        (|it| it.of_payload(Fault::Endless), Deadline::default(), (500, INTERRUPTED), "a payload without an end"),
        (|it| it.of_signatures(Fault::Endless), Deadline::default(), (500, INTERRUPTED), "signatures without an end"),
        (|it| it.of_signatures(Fault::Drip(HOUR)), Deadline::default(), (500, INTERRUPTED), "signatures, a byte an hour"),
        (|it| it.of_signatures(Fault::Endless), Deadline::Off, (503, UNUSABLE), "kwctl has no deadline"),
        (|it| it.of_signatures(Fault::Drip(HOUR)), Deadline::Off, (503, UNUSABLE), "nor for what drips"),
        (|it| it.of_signatures(Fault::All(vec![Fault::ServerError, Fault::Endless])), Deadline::Off, (503, UNUSABLE), "an error that is told without an end"),
        (|it| vec![to("HEAD", it.of("good", undigested(Fault::Honest))), to("GET", it.of("good", Fault::Endless))], Deadline::Off, (503, UNUSABLE), "an image without an end, and without a digest"),
        (|it| { it.elsewhere.fail(Scope::Everywhere, Fault::Endless); it.of_signatures(it.sent_elsewhere()) }, Deadline::Off, (503, UNUSABLE), "signatures without an end in another registry"),
        (|it| { it.elsewhere.fail(Scope::Everywhere, Fault::All(vec![Fault::Says(200, r#"{"token":"t"}"#), Fault::Endless]));
            vec![(Scope::Everywhere, Fault::WantsToken(format!("http://{}/token", it.elsewhere.host())))] }, Deadline::Off, (503, REFUSED), "a token without an end"),
    ];
    let hanging: Vec<Hanging> = table.iter().map(|(lies, deadline, ..)| Hanging::start(*lies, *deadline)).collect();
    for one in &hanging {
        one.wait(Duration::ZERO);
    }
    // All of them hang by now, so the two seconds of the deadline, which began before, are over when the first wait is.
    for (one, patience) in hanging.iter().zip([3_000].into_iter().chain(std::iter::repeat(0))) {
        one.wait(Duration::from_millis(patience));
    }
    for (Hanging { registries, came }, (_, deadline, (code, words), why)) in hanging.into_iter().zip(table) {
        drop(registries);
        let came = came.recv_timeout(Duration::from_secs(60)).expect("an end, now that the call has one");
        let wrong = ended_with(&came, *code, words, &alice());
        assert_eq!(wrong, None, "{deadline:?}: {why}: {:?}", came.response.status);
    }
}

/// The registry lies as it is told to, and only to those whom it is told to lie to.
#[test]
fn lies_are_told_as_they_are_ordered() {
    let [registry, elsewhere] = [(); 2].map(|()| Registry::start().unwrap());
    let it = Liar::new(&registry, &elsewhere, "r".to_owned());
    let ask = |method: &str| try_ask(&registry.host(), method, "/v2/r/manifests/good", &[], b"").unwrap();
    let said = |answer: &Answer| (answer.status, answer.header(CONTENT_DIGEST).to_owned(), answer.body.clone());
    let truth = |tag: &str| (200, it.digest(tag), it.bytes(tag));
    let called = |digest: &str, tag: &str| (200, digest.to_owned(), it.bytes(tag));
    let drops: Vec<u8> = it.bytes("good").iter().flat_map(|byte| [b"1\r\n", &[*byte][..], b"\r\n"].concat()).collect();
    let drip = (200, it.digest("good"), [&drops[..], b"0\r\n\r\n"].concat());
    let short = (200, it.digest("good"), it.bytes("good")[..5].to_vec());
    let (good, bad, renamed) = (truth("good"), truth("bad"), called("x", "good"));
    // the lie, what GET is told first, and what from then on
    let table = [
        (Fault::Honest, &good, &good),
        (instead("bad"), &bad, &bad),
        (digested("x"), &renamed, &renamed),
        (Fault::All(vec![digested("x"), instead("bad")]), &called("x", "bad"), &called("x", "bad")),
        (undigested(instead("bad")), &called("", "bad"), &called("", "bad")),
        (Fault::InTurn(vec![instead("bad"), Fault::Honest]), &bad, &good),
        (Fault::All(vec![Fault::InTurn(vec![Fault::Honest, digested("x")])]), &good, &renamed),
        (Fault::Header("content-length", "5".to_owned()), &short, &short),
        (Fault::Drip(Duration::ZERO), &drip, &drip),
    ]
    .map(|(fault, first, then)| (fault, [first.clone(), then.clone(), then.clone()]));
    for (fault, expected) in table {
        registry.heal();
        let (scope, fault) = to("GET", it.of("good", fault));
        registry.fail(scope.clone(), fault.clone());
        let head = said(&ask("HEAD"));
        assert_eq!(head, (200, it.digest("good"), vec![]), "{fault:?}: HEAD is not meant");
        assert_eq!(registry.unmet(), [scope], "{fault:?}: nobody was told yet");
        for (n, expected) in expected.into_iter().enumerate() {
            assert_eq!(said(&ask("GET")), expected, "{fault:?}: request {n}");
        }
        assert_eq!(registry.unmet(), [], "{fault:?}: told");
    }
    registry.heal();
    registry.fail(Scope::Everywhere, it.sent_elsewhere());
    let sent = ask("GET");
    let there = format!("http://{}/v2/r/manifests/good", elsewhere.host());
    assert_eq!((sent.status, sent.header("location")), (307, there.as_str()), "the same elsewhere");
}
