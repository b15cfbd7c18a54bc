/**
 * Which rules were considered for an image? The policy itself is asked about one rule after the other, so that nothing is matched here.
 */

/** Most rules and images that are asked about: each rule is an evaluation of its own. */
const MOST = 100;

/** @typedef {{place: string, pattern: string, validator: string, fit: "decides" | "matches" | "does not match"}} Row */
/** The rules for one image, and how many more there are. @typedef {{image: string, rows: Row[], more: number}} Considered */

/**
 * @param {any} settings
 * @param {{[name: string]: string}} annotations the audit records of the evaluation
 * @param {(request: import("./request.js").AdmissionRequest, settings: any) => {[name: string]: string}} decide the audit records of another evaluation
 * @returns {Considered[]}
 */
export function considered(settings, annotations, decide) {
  // An image of which no rule was asked has a name that cannot be used, and its record says so.
  const records = recordsOf(annotations).filter(({ rule, reason }) => rule !== undefined || reason === "no-rule");
  const rules = Array.isArray(settings?.policy) ? settings.policy : [];
  const images = records.slice(0, MOST).map(({ image }) => image);
  if (images.length === 0) return [];
  const request = pod(images);
  const matched = rules.slice(0, MOST).map((/** @type {any} */ rule) => {
    const asked = recordsOf(decide(request, only(rule, settings.validators)));
    return new Set(asked.filter(({ rule }) => rule !== undefined).map(({ image }) => image));
  });
  return records.slice(0, MOST).map(({ image, rule: deciding }) => ({
    image,
    more: rules.length - matched.length,
    rows: matched.map((/** @type {Set<string>} */ matches, /** @type {number} */ at) => {
      const { pattern, validator = "default" } = rules[at];
      const fit = !matches.has(image) ? "does not match" : pattern === deciding ? "decides" : "matches";
      return { place: `policy[${at}]`, pattern: String(pattern), validator: String(validator), fit };
    }),
  }));
}

/**
 * Settings with this rule alone. A rule that allows by name does not match every image that another rule with its pattern matches, so it stays one.
 * @param {any} rule
 * @param {any} validators
 */
function only({ pattern, validator = "default" }, validators) {
  const own = Array.isArray(validators) ? validators.find((/** @type {any} */ one) => one?.name === validator) : undefined;
  const approve = own?.type === "static" && own.approve === true;
  return { validators: [{ name: "asked", type: "static", approve }], policy: [{ pattern, validator: "asked" }] };
}

/**
 * A request for a Pod with these images.
 * @param {string[]} images
 * @returns {import("./request.js").AdmissionRequest}
 */
function pod(images) {
  const containers = images.map((image, at) => ({ name: `c${at}`, image }));
  return {
    uid: "rules",
    kind: { group: "", version: "v1", kind: "Pod" },
    resource: { group: "", version: "v1", resource: "pods" },
    operation: "CREATE",
    userInfo: {},
    object: { apiVersion: "v1", kind: "Pod", metadata: { name: "rules" }, spec: { containers } },
  };
}

/**
 * The audit records of image-trust; another policy has annotations of another kind.
 * @param {{[name: string]: string}} annotations
 * @returns {{image: string, rule?: string, reason?: string}[]}
 */
function recordsOf(annotations) {
  return Object.values(annotations).flatMap((text) => {
    try {
      const record = JSON.parse(text);
      return typeof record?.image === "string" && typeof record.verdict === "string" ? [record] : [];
    } catch {
      return [];
    }
  });
}
