/**
 * How does a registry answer that has only what a table says? The page cannot sign, so no image of the table has a signature.
 *
 * Errors are worded as policy-server words those of real registries.
 */

/** @typedef {import("./host-request.js").HostRequest} HostRequest */
/** What a registry does about an image. @typedef {"unsigned" | "missing" | "down" | "denied" | "limited"} State */
/** @typedef {{image: string, state: State, digest: string}} Row */

/** The digest of a row that names none. */
export const DIGEST = `sha256:${"1".repeat(64)}`;

/** What the states are called on the page. @type {{[state in State]: string}} */
export const STATES = {
  unsigned: "has the image, and no signature of it",
  missing: "does not have the image",
  down: "cannot be reached",
  denied: "wants other credentials (401)",
  limited: "wants fewer requests (429)",
};

/** An image manifest without layers. Nobody compares it with a digest. */
const MANIFEST = JSON.stringify({
  config: { digest: `sha256:${"c".repeat(64)}`, mediaType: "application/vnd.oci.image.config.v1+json", size: 2 },
  layers: [],
  mediaType: "application/vnd.oci.image.manifest.v1+json",
  schemaVersion: 2,
});

/** The parts of an image's name, completed as a container runtime does. @param {string} image */
export function partsOf(image) {
  const [name = "", digest] = image.trim().split("@");
  const colon = name.lastIndexOf(":");
  const hasTag = colon > name.lastIndexOf("/");
  let repository = hasTag ? name.slice(0, colon) : name;
  const first = repository.split("/")[0] ?? "";
  if (!repository.includes("/")) repository = `docker.io/library/${repository}`;
  else if (!/[.:]|^localhost$/.test(first)) repository = `docker.io/${repository}`;
  repository = repository.replace(/^index\.docker\.io\//, "docker.io/");
  const tag = hasTag ? name.slice(colon + 1) : undefined;
  return { repository, tag: tag ?? (digest ? undefined : "latest"), digest };
}

/** The answers of a table. */
export class Table {
  /** @param {Row[]} rows */
  constructor(rows) {
    this.rows = rows
      .filter(({ image }) => image.trim() !== "")
      .map((row) => ({ ...row, digest: row.digest.trim() || DIGEST, parts: partsOf(row.image) }));
  }

  /**
   * @param {HostRequest} request
   * @returns {import("./host.js").Answer}
   */
  answer({ variant, fields }) {
    if (variant === "KubernetesCanI") return { error: "the playground's table has no users", known: false };
    if (variant === "KubernetesGetResource") {
      const { kind, name, namespace } = fields;
      return { error: `Cannot find ${kind} named '${name}' inside of namespace '${some(namespace)}'`, known: false };
    }
    const asked = partsOf(fields.image);
    const reference = asked.digest ?? asked.tag ?? "";
    const slash = asked.repository.indexOf("/");
    const url = `https://${asked.repository.slice(0, slash)}/v2/${asked.repository.slice(slash + 1)}/manifests/${reference}`;
    const beside = /^sha256-([0-9a-f]{64})/.exec(asked.tag ?? "")?.[1];
    const row = this.rows.find(({ parts, digest }) => {
      if (parts.repository !== asked.repository) return false;
      return beside ? digest === `sha256:${beside}` : asked.digest ? digest === asked.digest || parts.digest === asked.digest : parts.tag === asked.tag;
    });
    if (row && row.state !== "unsigned") return { error: fault(row.state, url), known: true };
    if (!row || beside) return { error: fault("missing", url), known: row !== undefined };
    if (variant === "OciManifestDigest") return { payload: JSON.stringify({ digest: row.digest }), known: true };
    if (variant === "OciManifest") return { payload: MANIFEST, known: true };
    return { error: fault("missing", url), known: false };
  }

  /** A table asks for nothing. @returns {string[]} */
  leftovers() {
    return [];
  }
}

/** @param {string | null} text */
function some(text) {
  return text === null ? "None" : `Some("${text}")`;
}

/**
 * @param {State} state
 * @param {string} url
 */
function fault(state, url) {
  const envelope = (/** @type {string} */ message) => `Registry error: url ${url}, envelope: OCI API errors: [OCI API error: ${message}]`;
  const [what, ...causes] = {
    unsigned: [""],
    missing: [envelope("manifest unknown")],
    down: [`error sending request for url (${url})`, "client error (Connect)", "tcp connect error", "Connection refused (os error 111)"],
    denied: [`Not authorized: url ${url}`],
    limited: [`Server error: url ${url}, code: 429, message: {"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}`],
  }[state];
  const lines = causes.length === 0 ? [`    ${what}`] : [what, ...causes].map((cause, index) => `    ${index}: ${cause}`);
  return `Fail to interact with OCI registry: ${what}\n\nCaused by:\n${lines.join("\n")}`;
}
