/** Names of files: which are allowed, and which are too alike (trust specification §4). */
const MAX_SEGMENT = 255;
const MAX_PATH = 1024;
const RESERVED_FILES = new Set(["datapackage.json", "files.sha256", "chain.jsonl"]);
const RESERVED_FOLDERS = new Set(["proofs", "manifests", "upstream", "evidence"]);
const ASCII = /^[\u0000-\u007f]*$/;
const DEVICE = /^(?:con|prn|aux|nul|com[1-9]|lpt[1-9])(?:\.|$)/i;
const FORBIDDEN = new RegExp(`[${UNICODE.forbidden}\\\\:*?"<>|]`, "u");
const CASE_FOLDS = Object.freeze(new Map(UNICODE.folds));

/** Full case folding of a text, by the same version of Unicode as the program that made this page. */
const caseFold = (text) => {
  let folded = "";
  for (const char of text) folded += CASE_FOLDS.get(char) ?? char;
  return folded;
};

/** The form under which two paths count as the same name: NFKC(casefold(NFKC(path))). */
const foldPath = (path) =>
  ASCII.test(path) ? path.toLowerCase() : caseFold(path.normalize("NFKC")).normalize("NFKC");

/** How often a text holds a solidus. */
const countSolidus = (text) => text.split("/").length;

/** Which of P1 to P3 a path breaks, as a code, or `null`. */
const characterFault = (path) => {
  if (!path.isWellFormed()) return "E-PATH-NFC";
  // What this version of Unicode does not know may be composed by a newer one: refused, whichever of both it is.
  if (path.normalize("NFC") !== path) return "E-PATH-NFC";
  if (countSolidus(path.normalize("NFKC")) !== countSolidus(path)) return "E-PATH-CHAR";
  return FORBIDDEN.test(path) ? "E-PATH-CHAR" : null;
};

/** Which of P4 to P6 one segment breaks, as a code, or `null`. */
const segmentFault = (segment) => {
  if (segment === "" || segment === "." || segment === "..") return "E-PATH-TRAVERSAL";
  if (utf8(segment).length > MAX_SEGMENT) return "E-PATH-LENGTH";
  if (segment.startsWith(" ") || /[. ]$/.test(segment) || DEVICE.test(segment)) return "E-PATH-PORTABLE";
  return null;
};

/** The code of the first rule among P1 to P7 that a path breaks, or `null`. */
const pathFault = (path) => {
  const size = utf8(path).length;
  if (size === 0 || size > MAX_PATH) return "E-PATH-LENGTH";
  const fault = characterFault(path);
  if (fault !== null) return fault;
  if (path.startsWith("/")) return "E-PATH-ABSOLUTE";
  const segments = path.split("/");
  for (const segment of segments) {
    const code = segmentFault(segment);
    if (code !== null) return code;
  }
  const folded = foldPath(segments[0]);
  const reserved = RESERVED_FOLDERS.has(folded) || (segments.length === 1 && RESERVED_FILES.has(folded));
  return reserved ? "E-PATH-RESERVED" : null;
};

/** Check one path by P1 to P7. */
const checkPath = (path) => {
  const code = pathFault(path);
  if (code !== null) refuse(code, path);
};

/** P8 over paths, given one after another: `E-PATH-COLLISION` for one that is too like an earlier one. */
class Collisions {
  #names = new Map();
  #parent = "";

  /** Take the next path. */
  add(path) {
    const parent = path.slice(0, Math.max(0, path.lastIndexOf("/")));
    if (parent !== this.#parent) this.#addFolders(parent);
    this.#parent = parent;
    this.#take(path, true);
  }

  #addFolders(parent) {
    for (let end = parent.indexOf("/"); end >= 0; end = parent.indexOf("/", end + 1)) {
      this.#take(parent.slice(0, end), false);
    }
    if (parent !== "") this.#take(parent, false);
  }

  #take(name, isFile) {
    const folded = foldPath(name);
    const before = this.#names.get(folded);
    if (before !== undefined && (isFile || before.isFile || before.name !== name)) {
      refuse("E-PATH-COLLISION", name, `too like ${before.name}`);
    }
    this.#names.set(folded, { name, isFile });
  }
}
