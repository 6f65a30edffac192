/** The chain: each event names the line before it, and is signed by those who must sign (§10, steps 2 and 3). */
const CHAIN = "chain.jsonl";
const MAX_CHAIN = 256 * 1024 * 1024;
const HOLDS = Object.freeze(["holder", "producer"]);
const EXAMINES = Object.freeze(["attester", "authority"]);

/** Split the file into lines: `E-CHAIN-EMPTY`, `E-CHAIN-FORMAT`. */
const splitChain = (data, where) => {
  if (data.length === 0) refuse("E-CHAIN-EMPTY", where);
  if (data.at(-1) !== 10) refuse("E-CHAIN-FORMAT", where, "the last line does not end");
  const lines = splitLines(data.subarray(0, -1));
  const blank = lines.findIndex((line) => line.every((byte) => byte === 32 || (byte >= 9 && byte <= 13)));
  if (blank >= 0) refuse("E-CHAIN-FORMAT", `${where}:${blank + 1}`, "blank line");
  return lines;
};

/** Read a chain: each line's envelope, then its signatures, then what it says (step 2). */
const readChain = async (data, policy, name) => {
  const links = [];
  for (const [number, line] of splitChain(data, name).entries()) {
    const where = `${name}:${number + 1}`;
    const envelope = parseEnvelope(line, EVENT_TYPE, MAX_LINE, where);
    await verifyEnvelope(envelope, policy.keys, where);
    const event = parseEvent(envelope.payload, where);
    const signers = envelope.signatures.map(({ keyid }) => policy.keys.get(keyid));
    links.push(Object.freeze({ id: envelope.id, where, event, signers }));
  }
  return links;
};

/** Who must sign an event, in order: party, code if the signature is absent, roles of which one is needed. */
const requiredSigners = ({ kind, value }) => {
  switch (kind) {
    case "genesis":
      return [[value.producer.id, "E-SIG-PRODUCER", ["producer"]]];
    case "transfer":
      return [[value.from.id, "E-SIG-TRANSFEROR", HOLDS], [value.to.id, "E-SIG-RECIPIENT", HOLDS]];
    case "amend":
      return [[value.by.id, "E-SIG-ACTOR", HOLDS]];
    case "attest":
      return [[value.by.id, "E-SIG-ACTOR", EXAMINES]];
    default:
      return [[value.by.id, "E-SIG-ACTOR", []]];
  }
};

/** Check that those who must have signed, have, in a role that lets them, and nobody else. */
const checkSigners = (link, policy, producer) => {
  const { event, where } = link;
  if (event.kind === "transfer" && event.value.from.id === event.value.to.id) refuse("E-TRANSFER-SELF", where);
  const signed = link.signers.map((key) => key.party);
  const allowed = new Set();
  for (const [party, absent, roles] of requiredSigners(event)) {
    if (!signed.includes(party)) refuse(absent, where, `${party} did not sign`);
    const has = policy.rolesOf(party);
    if (roles.length > 0 && !roles.some((role) => has.has(role))) refuse("E-ROLE", where, party);
    allowed.add(party);
  }
  if (event.kind === "amend") allowed.add(producer);
  for (const party of signed) {
    if (!allowed.delete(party)) refuse("E-SIG-EXTRA", where, `${party} has no part in this event`);
  }
};

/** Check that each line follows the one before, and its signers (step 3). */
const checkLinks = (links, policy) => {
  const [first] = links;
  if (first.event.kind !== "genesis") refuse("E-CHAIN-GENESIS", first.where);
  for (const [position, link] of links.entries()) {
    const { event, where } = link;
    if (event.seq !== position) refuse("E-CHAIN-SEQ", where, `seq ${event.seq} at position ${position}`);
    if (position > 0) {
      if (event.kind === "genesis") refuse("E-CHAIN-GENESIS", where, "a second genesis");
      if (event.value.lib !== first.id) refuse("E-CHAIN-LIB", where);
      if (event.value.prev !== links[position - 1].id) refuse("E-CHAIN-LINK", where);
    }
    checkSigners(link, policy, first.event.value.producer.id);
  }
};
