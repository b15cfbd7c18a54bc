/**
 * Which functions of WASI does a policy need? Clock, random bytes, an empty environment, output, and the end of the program.
 *
 * The module gets no files and no arguments. What it prints goes to the log.
 */

const OK = 0;
const BAD_DESCRIPTOR = 8;
const NOT_SUPPORTED = 58;

/** The end that the module asked for with `proc_exit`. */
export class Exit extends Error {
  /** @param {number} code */
  constructor(code) {
    super(`the module ended itself with exit code ${code}`);
  }
}

/**
 * @param {() => WebAssembly.Memory} memory
 * @param {(text: string) => void} print
 */
export function wasi(memory, print) {
  const view = () => new DataView(memory().buffer);
  const nothing = (/** @type {number} */ count, /** @type {number} */ size) => {
    view().setUint32(count, 0, true);
    view().setUint32(size, 0, true);
    return OK;
  };
  return {
    environ_get: () => OK,
    environ_sizes_get: nothing,
    args_get: () => OK,
    args_sizes_get: nothing,
    /** @param {number} clock @param {bigint} _precision @param {number} into */
    clock_time_get(clock, _precision, into) {
      const milliseconds = clock === 0 ? Date.now() : performance.now();
      view().setBigUint64(into, BigInt(Math.round(milliseconds * 1e6)), true);
      return OK;
    },
    /** @param {number} into @param {number} length */
    random_get(into, length) {
      // A browser gives at most 64 KiB at once.
      for (let done = 0; done < length; done += 65536) {
        crypto.getRandomValues(new Uint8Array(memory().buffer, into + done, Math.min(65536, length - done)));
      }
      return OK;
    },
    /** @param {number} descriptor @param {number} parts @param {number} count @param {number} written */
    fd_write(descriptor, parts, count, written) {
      if (descriptor !== 1 && descriptor !== 2) return BAD_DESCRIPTOR;
      let total = 0;
      for (let part = 0; part < count; part += 1) {
        const from = view().getUint32(parts + 8 * part, true);
        const length = view().getUint32(parts + 8 * part + 4, true);
        print(new TextDecoder().decode(new Uint8Array(memory().buffer, from, length)));
        total += length;
      }
      view().setUint32(written, total, true);
      return OK;
    },
    /** @param {number} code */
    proc_exit(code) {
      throw new Exit(code);
    },
    sched_yield: () => OK,
    fd_close: () => BAD_DESCRIPTOR,
    fd_seek: () => BAD_DESCRIPTOR,
    fd_read: () => BAD_DESCRIPTOR,
    fd_fdstat_get: () => BAD_DESCRIPTOR,
    fd_prestat_get: () => BAD_DESCRIPTOR,
    fd_prestat_dir_name: () => BAD_DESCRIPTOR,
    poll_oneoff: () => NOT_SUPPORTED,
  };
}
