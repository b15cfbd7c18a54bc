/**
 * Which modules behave badly? Small ones, byte by byte.
 */

const section = (id, ...content) => [id, content.length, ...content];
const name = (text) => [text.length, ...Buffer.from(text)];
const MAGIC = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const I32 = 0x7f;

/** A module with `memory`, and a `__guest_call` with this body. */
const guest = (...body) =>
  Buffer.from([
    ...MAGIC,
    ...section(1, 1, 0x60, 2, I32, I32, 1, I32),
    ...section(3, 1, 0),
    ...section(5, 1, 0, 1),
    ...section(7, 2, ...name("memory"), 2, 0, ...name("__guest_call"), 0, 0),
    ...section(10, 1, body.length + 2, 0, ...body, 0x0b),
  ]);

/** `loop: br loop`, and a number that is never returned. */
export const endless = guest(0x03, 0x40, 0x0c, 0, 0x0b, 0x41, 0);
/** `unreachable`. */
export const trapping = guest(0x00, 0x41, 0);
/** Imports a function that no waPC host has. */
export const importing = Buffer.from([...MAGIC, ...section(1, 1, 0x60, 0, 0), ...section(2, 1, ...name("env"), ...name("fopen"), 0, 0)]);
/** A text. */
export const text = Buffer.from("no module at all");
