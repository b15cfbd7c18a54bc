/**
 * Which rules were considered for an image? The policy itself is asked about one rule after the other, so that nothing is matched here.
 */

/** Most images and rules that are asked about. Each rule is an evaluation of its own, of some milliseconds. */
const MOST_IMAGES = 100;
const MOST_RULES = 1000;

/** @typedef {{place: string, pattern: string, validator: string, fit: "decides" | "matches" | "does not match"}} Row */
/** The rules for one image, and how many more there are. @typedef {{image: string, rows: Row[], more: number}} Considered */
/** What is read of an audit record. @typedef {{image: string, slots?: string[], rule?: string, reason?: string}} AuditRecord */

/**
 * @param {any} settings
 * @param {string[]} images the images of the object, as they are written
 * @param {{[name: string]: string}} annotations the audit records of the evaluation
 * @param {(request: import("./request.js").AdmissionRequest, settings: any) => {[name: string]: string}} decide the audit records of another evaluation
 * @returns {Considered[]}
 */
export function considered(settings, images, annotations, decide) {
  // An image of which no rule was asked has a name that cannot be used, and its record says so.
  const records = recordsOf(annotations).filter(({ rule, reason }) => rule !== undefined || reason === "no-rule");
  const asked = records.flatMap(({ image, rule }) => {
    const written = images.find((text) => isText(image, text));
    return written === undefined ? [] : [{ image: written, deciding: rule }];
  });
  const rules = Array.isArray(settings?.policy) ? settings.policy : [];
  const shown = asked.slice(0, MOST_IMAGES);
  if (shown.length === 0) return [];
  const request = pod(shown.map(({ image }) => image));
  const matched = rules.slice(0, MOST_RULES).map((/** @type {any} */ rule) => {
    const answers = recordsOf(decide(request, only(rule, settings.validators)));
    return new Set(answers.filter(({ rule }) => rule !== undefined).flatMap(({ slots }) => slots ?? []));
  });
  return shown.map(({ image, deciding }, number) => ({
    image,
    more: rules.length - matched.length,
    rows: matched.map((/** @type {Set<string>} */ slots, /** @type {number} */ at) => {
      const { pattern, validator = "default" } = rules[at];
      const fit = !slots.has(`containers/${name(number)}`) ? "does not match" : isText(deciding, String(pattern)) ? "decides" : "matches";
      return { place: `policy[${at}]`, pattern: String(pattern), validator: String(validator), fit };
    }),
  }));
}

/**
 * Is this the text that a record has? Records cut long texts, and tell their length.
 * @param {string | undefined} recorded
 * @param {string} text
 */
function isText(recorded, text) {
  if (recorded === text) return true;
  const [, begin, length] = /^(.*)… \((\d+) characters\)$/s.exec(recorded ?? "") ?? [];
  return begin !== undefined && text.startsWith(begin) && [...text].length === Number(length);
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

/** The name of a container. @param {number} number */
const name = (number) => `c${number}`;

/**
 * A request for a Pod with these images.
 * @param {string[]} images
 * @returns {import("./request.js").AdmissionRequest}
 */
function pod(images) {
  const containers = images.map((image, number) => ({ name: name(number), image }));
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
 * @returns {AuditRecord[]}
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
