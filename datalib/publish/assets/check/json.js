/** Strict JSON in, RFC 8785 out: rules C1 to C9 of the trust specification, with the codes of `datalib.canonical`. */
const MAX_INTEGER_CHARACTERS = 17;
const MAX_DEPTH = 32;
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?/y;
const BLANK = /[ \t\n\r]*/y;
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const CONSTANTS = Object.freeze([["null", null], ["true", true], ["false", false]]);
const NO_NUMBERS = Object.freeze(["NaN", "Infinity", "-Infinity"]);
const ESCAPES = Object.freeze({
  '"': '"', "\\": "\\", "/": "/", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t",
});

/** Reads one value; the first fault in the order of the text decides. */
class JsonReader {
  #text;
  #where;
  #at = 0;
  #lone = false;

  constructor(text, where) {
    this.#text = text;
    this.#where = where;
  }

  /** Read the one value of the text. */
  whole() {
    this.#blank();
    const value = this.#value();
    this.#blank();
    if (this.#at !== this.#text.length) this.#fail();
    if (this.#lone) refuse("E-JSON-SURROGATE", this.#where, "a text holds a lone surrogate");
    return value;
  }

  #fail(detail = "") {
    refuse("E-JSON-SYNTAX", this.#where, `character ${this.#at}: ${detail || "not JSON"}`);
  }

  #match(pattern) {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found !== null) this.#at = pattern.lastIndex;
    return found;
  }

  #blank() {
    this.#match(BLANK);
  }

  #take(literal) {
    if (!this.#text.startsWith(literal, this.#at)) return false;
    this.#at += literal.length;
    return true;
  }

  #value() {
    if (this.#take("{")) return this.#object();
    if (this.#take("[")) return this.#array();
    if (this.#take('"')) return this.#string();
    for (const [literal, value] of CONSTANTS) if (this.#take(literal)) return value;
    for (const literal of NO_NUMBERS) {
      if (this.#take(literal)) refuse("E-JSON-NAN", this.#where, `${literal} is no JSON number`);
    }
    return this.#number();
  }

  #number() {
    const found = this.#match(NUMBER);
    if (found === null) this.#fail();
    const [literal, fraction, exponent] = found;
    const value = Number(literal);
    if (fraction === undefined && exponent === undefined) {
      if (literal.length > MAX_INTEGER_CHARACTERS || !Number.isSafeInteger(value)) {
        refuse("E-JSON-INT", this.#where, `integer of ${literal.length} characters is beyond 2^53-1`);
      }
    } else if (!Number.isFinite(value)) {
      refuse("E-JSON-NAN", this.#where, "a number overflows");
    }
    return value;
  }

  #string() {
    let text = "";
    for (;;) {
      text += this.#match(PLAIN)[0];
      if (this.#take('"')) break;
      if (!this.#take("\\")) this.#fail("a text does not end, or holds a control character");
      text += this.#escape();
    }
    if (!text.isWellFormed()) this.#lone = true;
    return text;
  }

  #escape() {
    const letter = this.#text[this.#at];
    this.#at += 1;
    if (letter === "u") {
      const digits = this.#text.slice(this.#at, this.#at + 4);
      if (!/^[0-9a-fA-F]{4}$/.test(digits)) this.#fail("an escape is none");
      this.#at += 4;
      return String.fromCharCode(Number.parseInt(digits, 16));
    }
    if (letter === undefined || !Object.hasOwn(ESCAPES, letter)) this.#fail("an escape is none");
    return ESCAPES[letter];
  }

  #array() {
    const items = [];
    this.#blank();
    if (this.#take("]")) return items;
    for (;;) {
      this.#blank();
      items.push(this.#value());
      this.#blank();
      if (this.#take("]")) return items;
      if (!this.#take(",")) this.#fail();
    }
  }

  #object() {
    const members = Object.create(null);
    let twice = null;
    this.#blank();
    if (this.#take("}")) return members;
    for (;;) {
      this.#blank();
      if (!this.#take('"')) this.#fail();
      const name = this.#string();
      this.#blank();
      if (!this.#take(":")) this.#fail();
      this.#blank();
      const value = this.#value();
      if (Object.hasOwn(members, name)) twice ??= name;
      members[name] = value;
      this.#blank();
      if (this.#take("}")) break;
      if (!this.#take(",")) this.#fail();
    }
    if (twice !== null) refuse("E-JSON-DUPKEY", this.#where, "a member occurs more than once");
    return members;
  }
}

/** Whether brackets outside of texts are nested deeper than allowed; looked at before a parser follows them. */
const isTooDeep = (data) => {
  let depth = 0;
  let inText = false;
  for (let at = 0; at < data.length; at += 1) {
    const byte = data[at];
    if (inText) {
      if (byte === 0x5c) at += 1;
      else if (byte === 0x22) inText = false;
    } else if (byte === 0x22) inText = true;
    else if (byte === 0x5b || byte === 0x7b) depth += 1;
    else if (byte === 0x5d || byte === 0x7d) depth -= 1;
    if (depth > MAX_DEPTH) return true;
  }
  return false;
};

/** Whether a value is a JSON object. */
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** Read one JSON object of at most `limit` bytes. */
const parseJson = (data, limit, where = "") => {
  if (data.length > limit) refuse("E-JSON-SIZE", where, `${data.length} bytes, at most ${limit}`);
  if (startsWith(data, [0xef, 0xbb, 0xbf])) refuse("E-JSON-BOM", where);
  const text = strictText(data);
  if (text === null) refuse("E-JSON-UTF8", where);
  if (isTooDeep(data)) refuse("E-JSON-DEPTH", where, `nested deeper than ${MAX_DEPTH}`);
  const value = new JsonReader(text, where).whole();
  if (!isObject(value)) refuse("E-SCHEMA", where, "the outermost value is not an object");
  return value;
};

/** The RFC 8785 form of a value that `parseJson` gave, as text. */
const canonical = (value) => {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (isObject(value)) {
    const names = Object.keys(value).sort();
    return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(",")}}`;
  }
  return JSON.stringify(value);
};

/** Read one JSON object whose bytes are its RFC 8785 form (C8). */
const parseCanonical = (data, limit, where = "") => {
  const value = parseJson(data, limit, where);
  if (canonical(value) !== strictText(data)) refuse("E-JSON-NONCANONICAL", where);
  return value;
};
