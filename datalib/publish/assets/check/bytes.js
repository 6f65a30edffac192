/** The answer is no, by a code with one meaning; `where` names a file, line or party. Same as the command line. */
class Refused extends Error {
  constructor(code, where = "", detail = "") {
    super(`${code}: ${where}: ${detail}`);
    Object.assign(this, { code, where, detail });
  }
}

/** No answer: something cannot be read, or this page does not check it. `reason` is the key of a sentence. */
class Undecided extends Error {
  constructor(reason, where = "", detail = "") {
    super(`${reason}: ${where}: ${detail}`);
    Object.assign(this, { reason, where, detail });
  }
}

/** Stop with a code. */
const refuse = (code, where = "", detail = "") => {
  throw new Refused(code, where, detail);
};

const ENCODER = new TextEncoder();
const STRICT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const LENIENT = new TextDecoder("utf-8", { ignoreBOM: true });

/** UTF-8 of a text. */
const utf8 = (text) => ENCODER.encode(text);

/** Text of UTF-8 bytes, `null` if they are none. */
const strictText = (data) => {
  try {
    return STRICT.decode(data);
  } catch {
    return null;
  }
};

/** Text of bytes, U+FFFD for what is not UTF-8. */
const lenientText = (data) => LENIENT.decode(data);

/** Bytes one after another. */
const concat = (...parts) => {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
};

/** Order of two byte strings: negative, 0, positive. */
const compareBytes = (one, other) => {
  const size = Math.min(one.length, other.length);
  for (let at = 0; at < size; at += 1) {
    if (one[at] !== other[at]) return one[at] - other[at];
  }
  return one.length - other.length;
};

/** Whether two byte strings are the same. */
const sameBytes = (one, other) => one.length === other.length && compareBytes(one, other) === 0;

/** Whether bytes begin with others, from a place on. */
const startsWith = (data, start, at = 0) => {
  if (data.length < at + start.length) return false;
  return start.every((byte, place) => data[at + place] === byte);
};

const HEX = Object.freeze(Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0")));

/** Bytes in lower-case hexadecimal digits. */
const toHex = (data) => {
  let text = "";
  for (const byte of data) text += HEX[byte];
  return text;
};

/** Bytes of hexadecimal digits. */
const fromHex = (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

/** A whole number of bytes, most significant first. */
const toBigInt = (data) => BigInt(`0x${toHex(data) || "0"}`);

/** Lines between line feeds, without them; as many as there are line feeds, and one more. */
const splitLines = (data) => {
  const lines = [];
  let start = 0;
  for (let end = data.indexOf(10); end >= 0; end = data.indexOf(10, start)) {
    lines.push(data.subarray(start, end));
    start = end + 1;
  }
  lines.push(data.subarray(start));
  return lines;
};
