/** The words of the page in one language, and elements made of them. Texts of others only ever become text nodes. */
const MAX_SHOWN = 600;
const LANGUAGE_ORDER = Object.freeze({ en: ["en", "ru", "kk"], kk: ["kk", "ru", "en"], ru: ["ru", "kk", "en"] });
const INVISIBLE = /[\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\u{e0000}-\u{e007f}]/gu;
const UNWRITABLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\ud800-\udfff\ufffe\uffff]/gu;

/** Make an element; children are elements or texts, attributes that are `null` are left out. */
const make = (name, attributes, ...children) => {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) if (value !== null) element.setAttribute(key, value);
  element.append(...children.flat().filter((child) => child !== null));
  return element;
};

/** A text as it is shown: cut, nothing invisible in it. */
const shown = (text) => {
  const letters = [...text];
  const rest = letters.length - MAX_SHOWN;
  const cut = letters.slice(0, MAX_SHOWN).join("") + (rest > 0 ? `… (+${rest})` : "");
  const code = (char) => `[U+${char.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}]`;
  return cut.replace(UNWRITABLE, "\ufffd").replace(INVISIBLE, code);
};

/** What somebody else said, which keeps its direction to itself. */
const said = (text, lang = null) => make("bdi", { lang }, shown(text));

/** A time in UTC, to the minute; what no calendar holds is written as it is. */
const moment = (seconds) => {
  const time = new Date(seconds * 1000);
  if (Number.isNaN(time.getTime())) return String(seconds);
  const iso = time.toISOString();
  return make("time", { datetime: iso }, `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`);
};

/** A digest in groups, to be compared by eye. */
const digestText = (digest) =>
  make("code", { class: "digest" }, digest.match(/.{8}/g).map((group) => make("span", {}, group)));

/** The words of one language. */
class Wording {
  constructor(lang) {
    this.lang = lang;
    Object.freeze(this);
  }

  /** A sentence as it stands. */
  text(key) {
    return TEXTS[key][this.lang];
  }

  /** A sentence, its places filled with elements, numbers or texts of others: a list of nodes. */
  say(key, values = {}) {
    const pieces = this.text(key).split(/\{(\w+)\}/);
    return pieces.flatMap((piece, n) => (n % 2 === 0 ? piece : this.#value(values[piece])));
  }

  #value(value) {
    if (typeof value === "number") return this.number(value);
    return typeof value === "string" ? said(value) : value;
  }

  /** A number with its thousands apart. */
  number(number) {
    return String(number).replace(/\B(?=(?:\d{3})+$)/g, this.lang === "en" ? "," : "\u00a0");
  }

  /** A purpose by its name, the code behind it. */
  purpose(code) {
    const written = make("code", {}, said(code));
    return Object.hasOwn(PURPOSES, code) ? [`${PURPOSES[code][this.lang]} (`, written, ")"] : [written];
  }

  /** A text of a language map: in the language of the page, else in another, which is then marked. */
  pick(names) {
    const order = [...LANGUAGE_ORDER[this.lang], ...Object.keys(names).sort()];
    const lang = order.find((one) => typeof names[one] === "string" && names[one].trim() !== "");
    return lang === undefined ? "" : said(names[lang], lang === this.lang ? null : lang);
  }

  /** A person: the name, and the id that counts. */
  party(party) {
    return [this.pick(party.name), " ", make("code", {}, said(party.id))];
  }
}
