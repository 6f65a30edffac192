/** Small texts with a form and a code of their own: times, digests, base64 (C10 to C12), ids of parties. */
const TIME = /^([0-9]{4})-([0-9]{2})-([0-9]{2})T([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])Z$/;
const DIGEST = /^[0-9a-f]{64}$/;
const MONTHS = Object.freeze([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]);

/** Whether a year has 29 February. */
const isLeap = (year) => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);

/** Days from 1970-01-01 to a day of the Gregorian calendar, or `null` if there is none such. */
const dayNumber = (year, month, day) => {
  if (year < 1 || month < 1 || month > 12 || day < 1) return null;
  if (day > MONTHS[month - 1] + (month === 2 && isLeap(year) ? 1 : 0)) return null;
  const before = year - 1;
  const years = before * 365 + Math.floor(before / 4) - Math.floor(before / 100) + Math.floor(before / 400);
  const months = MONTHS.slice(0, month - 1).reduce((sum, days) => sum + days, 0);
  return years + months + (month > 2 && isLeap(year) ? 1 : 0) + day - 1 - 719162;
};

/** Read `YYYY-MM-DDThh:mm:ssZ` as seconds since 1970; else `E-TIME-FORMAT`. */
const parseTime = (text, where = "") => {
  const found = TIME.exec(text);
  if (found !== null) {
    const [year, month, day, hour, minute, second] = found.slice(1).map(Number);
    const days = dayNumber(year, month, day);
    if (days !== null) return days * 86400 + hour * 3600 + minute * 60 + second;
  }
  return refuse("E-TIME-FORMAT", where, text.slice(0, 40));
};

/** Give back a SHA-256 digest of 64 characters `0-9a-f`; else `E-DIGEST-FORMAT`. */
const checkDigest = (text, where = "") =>
  DIGEST.test(text) ? text : refuse("E-DIGEST-FORMAT", where, text.slice(0, 80));

const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const SEXTETS = Object.freeze(new Map([...BASE64].map((letter, value) => [letter.charCodeAt(0), value])));

/** Decode RFC 4648 §4 base64, padded and canonical; else the code given. */
const decodeBase64 = (text, code, where = "") => {
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const letters = text.length - padding;
  if (text.length % 4 !== 0) refuse(code, where, "not base64: its length");
  const data = new Uint8Array((text.length / 4) * 3 - padding);
  let bits = 0;
  let held = 0;
  let size = 0;
  for (let at = 0; at < letters; at += 1) {
    const value = SEXTETS.get(text.charCodeAt(at));
    if (value === undefined) refuse(code, where, "not base64: a foreign character");
    held = ((held << 6) | value) & 0xfff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      data[size] = held >> bits;
      size += 1;
    }
  }
  if ((held & ((1 << bits) - 1)) !== 0) refuse(code, where, "base64 with bits behind the end of the content");
  return data;
};

const OTHER_REGISTER = /^x-[a-z0-9-]{1,32}:[A-Za-z0-9._-]{1,64}$/;
const CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz";

/** Whether 12 digits are a BIN or an IIN of Kazakhstan. */
const isKzNumber = (number) => {
  if (!/^[0-9]{12}$/.test(number) || number === "0".repeat(12)) return false;
  const digits = [...number].map(Number);
  for (const weights of [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], [3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2]]) {
    const check = weights.reduce((sum, weight, place) => sum + weight * digits[place], 0) % 11;
    if (check !== 10) return check === digits[11];
  }
  return false;
};

/** Whether a text is an LEI (ISO 17442, ISO 7064 MOD 97-10). */
const isLei = (number) => {
  if (!/^[0-9A-Z]{18}[0-9]{2}$/.test(number)) return false;
  const digits = [...number].map((letter) => Number.parseInt(letter, 36)).join("");
  return BigInt(digits) % 97n === 1n;
};

/** Whether a text is an ISNI or ORCID (ISO 7064 MOD 11-2). */
const isIsni = (number) => {
  if (!/^[0-9]{15}[0-9X]$/.test(number)) return false;
  let total = 0;
  for (const digit of number.slice(0, 15)) total = (total + Number(digit)) * 2;
  return number[15] === "0123456789X"[(12 - (total % 11)) % 11];
};

/** Whether a text is a ROR id (Crockford base 32, MOD 97). */
const isRor = (number) => {
  if (!/^0[a-hj-km-np-tv-z0-9]{6}[0-9]{2}$/.test(number)) return false;
  let value = 0;
  for (const letter of number.slice(0, 7)) value = value * 32 + CROCKFORD.indexOf(letter);
  return Number(number.slice(7)) === 98 - ((value * 100) % 97);
};

const REGISTERS = Object.freeze({
  "kz-bin": isKzNumber, "kz-iin": isKzNumber, lei: isLei, orcid: isIsni, isni: isIsni, ror: isRor,
});

/** Give back the id of a party whose form and check digits are right; else `E-PARTY-ID`. */
const checkParty = (text, where = "") => {
  if (OTHER_REGISTER.test(text)) return text;
  const at = text.indexOf(":");
  const scheme = at < 0 ? text : text.slice(0, at);
  const known = Object.hasOwn(REGISTERS, scheme) && REGISTERS[scheme](at < 0 ? "" : text.slice(at + 1));
  return known ? text : refuse("E-PARTY-ID", where, text.slice(0, 80));
};
