/** Transparency logs: notes, keys of logs and witnesses, which of them we believe (trust specification §8.1, §9). */
const LOG_KEY = 1;
const WITNESS_KEY = 4;
const MAX_NOTE_SIGNATURES = 100;
const CLOCK_SKEW = 300;
/** What is no space, for all of Unicode's spaces; `\S` of JavaScript knows a slightly different set. */
const NO_SPACE = "[^\\t-\\r\\u001c- \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";
const NO_SPACE_OR_PLUS = NO_SPACE.replace("[^", "[^+");
const VKEY = new RegExp(`^(${NO_SPACE_OR_PLUS}+)\\+([0-9a-f]{8})\\+(${NO_SPACE}+)$`, "u");
const NOTE_SIGNATURE = new RegExp(`^— (${NO_SPACE}+) (${NO_SPACE}+)$`, "u");
const NOTE_CONTROL = /[\u0000-\u0009\u000b-\u001f]/;
const POLICY_CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/;

/** Read `NAME+ID+KEY`; `E-LOG-POLICY` if form, type or id is not right. */
const parseVkey = (text, type, where) => {
  const code = "E-LOG-POLICY";
  const found = VKEY.exec(text);
  if (found === null) refuse(code, where, `${text.slice(0, 80)} is not NAME+ID+KEY`);
  const [, name, said, encoded] = found;
  const data = decodeBase64(encoded, code, where);
  if (data.length !== 1 + HASH_SIZE || data[0] !== type) refuse(code, where, "a key of another type");
  const id = toHex(sha256(utf8(`${name}\n`), data).subarray(0, 4));
  if (id !== said) refuse(code, where, "the id of a key does not match");
  try {
    return Object.freeze({ name, id, type, public: keyFromEd25519(data.subarray(1), where) });
  } catch (error) {
    return error instanceof Refused ? refuse(code, where, error.detail) : refuse(code, where);
  }
};

/** Reads the lines of a log policy (C2SP tlog-policy); any breach is `E-LOG-POLICY`. */
class LogPolicyReader {
  #where;
  #logs = [];
  #witnesses = new Map();
  #groups = new Map();
  #grouped = new Set();
  #quorums = [];

  constructor(where) {
    this.#where = where;
  }

  /** Take the words of one line. */
  item(words) {
    const [kind, name, third, ...rest] = words;
    if (kind === "log" && name !== undefined && rest.length === 0) {
      this.#logs.push(this.#key(name, LOG_KEY, this.#logs));
    } else if (kind === "witness" && third !== undefined && rest.length <= 1) {
      this.#newName(name);
      this.#witnesses.set(name, this.#key(third, WITNESS_KEY, [...this.#witnesses.values()]));
    } else if (kind === "group" && third !== undefined) {
      this.#newName(name);
      this.#groups.set(name, this.#group(third, rest));
    } else if (kind === "quorum" && name !== undefined && third === undefined) {
      if (name !== "none") this.#defined(name);
      this.#quorums.push(name);
    } else {
      this.#refuse(`unknown item ${words.join(" ").slice(0, 80)}`);
    }
  }

  /** Give the policy when all lines were taken. */
  result() {
    if (this.#quorums.length !== 1) this.#refuse(`${this.#quorums.length} quorums instead of one`);
    const [quorum] = this.#quorums;
    return Object.freeze({
      logs: this.#logs, witnesses: this.#witnesses, groups: this.#groups, quorum: quorum === "none" ? null : quorum,
    });
  }

  #key(text, type, others) {
    const key = parseVkey(text, type, this.#where);
    if (others.some((other) => other.public.keyid === key.public.keyid)) this.#refuse("the same key twice");
    return key;
  }

  #group(threshold, members) {
    for (const member of members) {
      this.#defined(member);
      if (this.#grouped.has(member)) this.#refuse(`${member.slice(0, 80)} is a member already`);
      this.#grouped.add(member);
    }
    const named = { any: 1, all: members.length };
    const written = /^[1-9][0-9]{0,8}$/.test(threshold) ? Number(threshold) : 0;
    const needed = Object.hasOwn(named, threshold) ? named[threshold] : written;
    if (needed < 1 || needed > members.length) this.#refuse(`${threshold.slice(0, 80)} of ${members.length} members`);
    return Object.freeze({ threshold: needed, members });
  }

  #newName(name) {
    if (name === "none" || this.#witnesses.has(name) || this.#groups.has(name)) {
      this.#refuse(`the name ${name.slice(0, 80)} is taken`);
    }
  }

  #defined(name) {
    if (!this.#witnesses.has(name) && !this.#groups.has(name)) {
      this.#refuse(`the name ${name.slice(0, 80)} is not defined`);
    }
  }

  #refuse(detail) {
    refuse("E-LOG-POLICY", this.#where, detail);
  }
}

/** Read the text of a log policy. */
const parseLogPolicy = (text, where) => {
  if (POLICY_CONTROL.test(text)) refuse("E-LOG-POLICY", where, "control character");
  const reader = new LogPolicyReader(where);
  for (const line of text.split("\n")) {
    const words = line.replace(/^[ \t]+|[ \t]+$/g, "").split(/[ \t]+/);
    if (words[0] !== "" && !words[0].startsWith("#")) reader.item(words);
  }
  return reader.result();
};

/** The time by which the quorum had signed, `null` if it did not: a group counts as the k-th of its members. */
const quorumTime = (policy, signers) => {
  const times = new Map();
  for (const [name, key] of policy.witnesses) times.set(name, signers.get(key) ?? null);
  for (const [name, group] of policy.groups) {
    const reached = group.members.map((member) => times.get(member)).filter((time) => time !== null);
    reached.sort((one, other) => one - other);
    times.set(name, reached[group.threshold - 1] ?? null);
  }
  return times.get(policy.quorum);
};

/** Read one signature line of a note. */
const parseNoteSignature = (line, where) => {
  const code = "E-LOG-CHECKPOINT";
  const found = NOTE_SIGNATURE.exec(line);
  if (found === null || found[1].includes("+")) refuse(code, where, "not a signature line");
  const data = decodeBase64(found[2], code, where);
  if (data.length <= 4) refuse(code, where, "an empty signature");
  return Object.freeze({ name: found[1], id: toHex(data.subarray(0, 4)), sig: data.subarray(4) });
};

/** Read a signed note: what is signed, which ends in a line feed, and its signatures. */
const parseNote = (data, where) => {
  const code = "E-LOG-CHECKPOINT";
  const whole = strictText(data);
  if (whole === null) refuse(code, where, "the note is not UTF-8");
  const gap = whole.lastIndexOf("\n\n");
  if (gap < 0 || gap + 2 > whole.length - 1 || !whole.endsWith("\n") || NOTE_CONTROL.test(whole)) {
    refuse(code, where, "not a signed note");
  }
  const lines = whole.slice(gap + 2, -1).split("\n");
  if (lines.length > MAX_NOTE_SIGNATURES) refuse(code, where, `more than ${MAX_NOTE_SIGNATURES} signatures`);
  const signatures = lines.map((line) => parseNoteSignature(line, where));
  return Object.freeze({ text: whole.slice(0, gap + 1), signatures });
};

/** Verify one signature of a note; give the time of a cosignature, `null` for a log's signature. */
const verifyNoteSignature = async (key, text, signature, where) => {
  if (key.type === LOG_KEY) {
    await verifySignature(key.public, signature, utf8(text), where);
    return null;
  }
  const time = toBigInt(signature.subarray(0, 8));
  await verifySignature(key.public, signature.subarray(8), utf8(`cosignature/v1\ntime ${time}\n${text}`), where);
  return Number(time);
};

/** Give the keys that signed a note, with the times of cosignatures. Signatures by unknown keys are ignored. */
const verifyNote = async (note, keys, where) => {
  const code = "E-LOG-CHECKPOINT";
  const known = new Map(keys.map((key) => [`${key.name} ${key.id}`, key]));
  const signers = new Map();
  for (const { name, id, sig } of note.signatures) {
    const key = known.get(`${name} ${id}`);
    if (key === undefined) continue;
    if (signers.has(key)) refuse(code, where, `${key.name} signs twice`);
    try {
      signers.set(key, await verifyNoteSignature(key, note.text, sig, where));
    } catch (error) {
      if (error instanceof Refused) refuse(code, where, `the signature of ${key.name} does not hold`);
      throw error;
    }
  }
  return signers;
};
