/** Whom we believe: roots, parties, their keys with windows and roles (trust specification §8, §10 step 1). */
const MAX_ROOTS = 1024 * 1024;

/** Read a file of pinned roots. */
const parseRoots = (data, where = "roots") => {
  const value = parseJson(data, MAX_ROOTS, where);
  checkSchema("roots", value, where);
  return value;
};

/** The root keys by their ids, if they are sound: `E-POLICY-DUPKEY`, `E-POLICY-THRESHOLD`. */
const soundRoots = (roots, where) => {
  const keys = new Map();
  for (const entry of roots.keys) {
    const key = keyFromMembers(entry, where);
    if (keys.has(key.keyid)) refuse("E-POLICY-DUPKEY", where, "a key twice among the roots");
    keys.set(key.keyid, key);
  }
  if (roots.threshold < 1 || roots.threshold > keys.size) {
    refuse("E-POLICY-THRESHOLD", where, `${roots.threshold} of ${keys.size} roots`);
  }
  return keys;
};

/** Count the roots that signed; signatures by others are ignored, by these they must hold. */
const checkRootsSigned = async (envelope, roots, tooFew, where) => {
  const keys = soundRoots(roots, where);
  const ours = envelope.signatures.filter((signature) => keys.has(signature.keyid));
  for (const { keyid, sig } of ours) await verifySignature(keys.get(keyid), sig, envelope.signed, where);
  if (ours.length < roots.threshold) refuse(tooFew, where, `signed by ${ours.length} of ${roots.threshold} needed`);
};

/** Read an enrolled key; `owners` tells whose keys were read before. */
const parseEnrolled = (value, party, owners, where) => {
  const key = keyFromMembers(value, where);
  if (owners.has(key.keyid)) refuse("E-POLICY-DUPKEY", where, `the key stands at ${owners.get(key.keyid)}`);
  owners.set(key.keyid, party);
  const start = parseTime(value.from, `${where}/from`);
  const until = parseTime(value.until, `${where}/until`);
  if (start >= until) refuse("E-SCHEMA", where, "the window ends before it begins");
  return { party, public: key, start, until, revoked: null };
};

/** Read the parties; revocations are times, whose form is checked later. */
const parseParties = (parties, where) => {
  const members = new Map();
  const owners = new Map();
  for (const [number, value] of parties.entries()) {
    const place = `${where}#/parties/${number}`;
    const id = checkParty(value.id, `${place}/id`);
    if (members.has(id)) refuse("E-POLICY-DUPPARTY", place, `${id} twice`);
    const keys = value.keys.map((item, n) => parseEnrolled(item, id, owners, `${place}/keys/${n}`));
    members.set(id, { roles: new Set(value.roles), name: value.name, keys });
  }
  return members;
};

/** Check digests and times that nothing else reads. */
const checkPolicyForms = (value, where) => {
  const keys = value.parties.flatMap((party) => party.keys);
  for (const key of keys) {
    for (const evidence of key.evidence ?? []) checkDigest(evidence.digest.sha256, where);
  }
  for (const blocked of value.blocked) checkDigest(blocked, `${where}#/blocked`);
  for (const key of keys) if (key.revoked !== undefined) parseTime(key.revoked.at, where);
  for (const authority of value.tsa ?? []) {
    parseTime(authority.from, where);
    parseTime(authority.until, where);
  }
};

/** Make the policy that later steps ask. */
const typedPolicy = (value, sha256, where) => {
  const members = parseParties(value.parties, where);
  checkPolicyForms(value, where);
  const keys = new Map();
  for (const [number, member] of [...members.values()].entries()) {
    for (const [n, key] of member.keys.entries()) {
      const { revoked } = value.parties[number].keys[n];
      if (revoked !== undefined) key.revoked = parseTime(revoked.at);
      keys.set(key.public.keyid, Object.freeze(key));
    }
  }
  return Object.freeze({
    version: value.version,
    sha256,
    keys,
    rolesOf: (party) => members.get(party)?.roles ?? new Set(),
    log: parseLogPolicy(value.log.policy, `${where}#/log/policy`),
    logRequired: value.log.require,
    maxAge: value.log.max_age ?? null,
    hasTimeStamps: (value.tsa ?? []).length > 0,
    blocked: new Set(value.blocked),
  });
};

/** Refuse a policy older than a remembered one, or another of its version. */
const checkPolicyNotOlder = (version, sha256, remembered, where) => {
  if (remembered === null) return;
  if (version < remembered.version) refuse("E-POLICY-ROLLBACK", where, `seen before: ${remembered.version}`);
  if (version === remembered.version && sha256 !== remembered.sha256) refuse("E-POLICY-FORK", where);
};

/** Read a policy file and check all that makes it believable; `now` in seconds since 1970. */
const loadPolicy = async (data, roots, now, memory, where = "policy") => {
  const sealed = parseEnvelope(data, POLICY_TYPE, MAX_POLICY, where);
  await checkRootsSigned(sealed, roots, "E-POLICY-SIG", `${where}: pinned roots`);
  const value = parseCanonical(sealed.payload, MAX_POLICY, where);
  if (value.spec !== "1") refuse("E-SPEC-VERSION", where);
  checkSchema("policy", value, where);
  await checkRootsSigned(sealed, value.roots, "E-POLICY-ROTATION", `${where}#/roots`);
  const sha256 = sha256Hex(sealed.payload);
  checkPolicyNotOlder(value.version, sha256, memory?.policy ?? null, where);
  if (parseTime(value.issued, `${where}#/issued`) > now + CLOCK_SKEW) refuse("E-POLICY-FUTURE", where, value.issued);
  if (parseTime(value.expires, `${where}#/expires`) <= now) refuse("E-POLICY-EXPIRED", where, value.expires);
  return typedPolicy(value, sha256, where);
};

/** Refuse a signature made outside the window of its key: `E-KEY-NOTYET`, `E-KEY-EXPIRED`, `E-KEY-REVOKED`. */
const checkWindow = (key, time, where) => {
  const name = `key ${key.public.keyid.slice(0, 16)}… of ${key.party}`;
  if (time < key.start) refuse("E-KEY-NOTYET", where, name);
  if (time >= key.until) refuse("E-KEY-EXPIRED", where, name);
  if (key.revoked !== null && time >= key.revoked) refuse("E-KEY-REVOKED", where, name);
};
