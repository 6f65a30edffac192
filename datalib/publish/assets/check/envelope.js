/** DSSE envelopes with one spelling, and the events in them (trust specification §7, §10 step 2). */
const EVENT_TYPE = "application/vnd.in-toto+json";
const POLICY_TYPE = "application/vnd.datalib.policy+json";
const STATEMENT_TYPE = "https://in-toto.io/Statement/v1";
const PREDICATE_TYPE = "https://w3id.org/datalib/event/v1";
const KINDS = Object.freeze(["genesis", "transfer", "amend", "attest", "withdraw"]);
const MAX_LINE = 1024 * 1024;
const MAX_POLICY = 64 * 1024 * 1024;

/** What signatures are over: the pre-authentication encoding of DSSE. */
const pae = (type, payload) => concat(utf8(`DSSEv1 ${utf8(type).length} ${type} ${payload.length} `), payload);

/** Read an envelope; signatures are not verified here. `id` is the SHA-256 of the line. */
const parseEnvelope = (line, type, limit, where) => {
  const value = parseCanonical(line, limit, where);
  checkSchema("envelope", value, where);
  if (value.payloadType !== type) refuse("E-ENV-TYPE", where, `${value.payloadType.slice(0, 80)} instead of ${type}`);
  const keyids = value.signatures.map((signature) => checkDigest(signature.keyid, where));
  if (keyids.length === 0) refuse("E-ENV-UNSIGNED", where, "no signatures");
  if (new Set(keyids).size !== keyids.length) refuse("E-SIG-DUPLICATE", where, "a key signs twice");
  if (keyids.some((keyid, place) => place > 0 && keyids[place - 1] > keyid)) {
    refuse("E-ENV-ORDER", where, "signatures are not sorted by key");
  }
  const payload = decodeBase64(value.payload, "E-ENV-BASE64", where);
  const signatures = value.signatures.map(({ keyid, sig }) =>
    Object.freeze({ keyid, sig: decodeBase64(sig, "E-ENV-BASE64", where) }));
  return Object.freeze({ id: sha256Hex(line), line, payload, signatures, signed: pae(type, payload) });
};

/** Verify every signature; none may be by a key that the policy does not hold (step 2b). */
const verifyEnvelope = async (envelope, keys, where) => {
  for (const { keyid, sig } of envelope.signatures) {
    const key = keys.get(keyid);
    if (key === undefined) refuse("E-KEY-UNKNOWN", where, `key ${keyid.slice(0, 16)}… is not in the policy`);
    await verifySignature(key.public, sig, envelope.signed, where);
  }
};

/** Whether a subject is one `datapackage.json` with one `sha256`. */
const isSubject = (value) => {
  if (!Array.isArray(value) || value.length !== 1 || !isObject(value[0])) return false;
  const [{ name, digest }] = value;
  return name === "datapackage.json" && isObject(digest) && Object.keys(digest).join() === "sha256";
};

/** Check the forms of an event in the order digests, times, party ids; give its times in seconds since 1970. */
const checkEventForms = (kind, value, where) => {
  if (kind !== "genesis") {
    checkDigest(value.lib, `${where}/lib`);
    checkDigest(value.prev, `${where}/prev`);
  }
  for (const [number, item] of (value.claim?.evidence ?? []).entries()) {
    checkDigest(item.digest.sha256, `${where}/claim/evidence/${number}/digest/sha256`);
  }
  const time = parseTime(value.time, `${where}/time`);
  const until = value.claim?.until === undefined ? null : parseTime(value.claim.until, `${where}/claim/until`);
  for (const member of ["producer", "from", "to", "by"]) {
    if (value[member] !== undefined) checkParty(value[member].id, `${where}/${member}/id`);
  }
  return [time, until];
};

/** Read the statement of an event. `value` is its predicate, `time` and `until` are seconds since 1970. */
const parseEvent = (payload, where) => {
  const statement = parseCanonical(payload, MAX_LINE, where);
  if (statement._type !== STATEMENT_TYPE || statement.predicateType !== PREDICATE_TYPE) {
    refuse("E-EVENT-TYPE", where, "neither an in-toto statement nor a datalib event");
  }
  if (!isSubject(statement.subject)) refuse("E-SUBJECT", where);
  checkSchema("statement", statement, where);
  const value = statement.predicate;
  const { kind } = value;
  if (!KINDS.includes(kind)) refuse("E-EVENT-KIND", where);
  checkSchema(kind, value, `${where}#/predicate`);
  const manifest = checkDigest(statement.subject[0].digest.sha256, `${where}#/subject`);
  const [time, until] = checkEventForms(kind, value, `${where}#/predicate`);
  return Object.freeze({ kind, seq: value.seq, time, until, manifest, value });
};

/** Digests of the evidence that attestations among events refer to. */
const evidenceOf = (events) => new Set(
  events.flatMap((event) => (event.value.claim?.evidence ?? []).map((item) => item.digest.sha256)),
);
