/** Proofs that a log holds an entry, and that an event was the newest (trust specification §9, §10 steps 4 and 6). */
const MAX_PROOF = 1024 * 1024;
const MAX_HEAD = 1024 * 1024;
const PROOF_FORMAT = "c2sp.org/tlog-proof@v1";
const TREE_SIZE = /^(?:0|[1-9][0-9]{0,15})$/;

/** Read the text of a checkpoint: origin, number of entries, their root. */
const parseCheckpoint = (text, where) => {
  const code = "E-LOG-CHECKPOINT";
  const lines = text.split("\n");
  if (lines.length < 4 || lines.pop() !== "" || lines.includes("")) refuse(code, where, "not a checkpoint");
  const [origin, size, encoded] = lines;
  if (!TREE_SIZE.test(size) || !Number.isSafeInteger(Number(size))) refuse(code, where, "tree size");
  const root = decodeBase64(encoded, code, where);
  if (root.length !== HASH_SIZE) refuse(code, where, `a root of ${root.length} bytes`);
  return Object.freeze({ origin, size: Number(size), root });
};

/** Read a tlog-proof; the checkpoint is not looked into. Bytes beyond ASCII are in no place of it. */
const parseProof = (data, where) => {
  const code = "E-LOG-PROOF";
  if (data.length > MAX_PROOF) refuse(code, where, `${data.length} bytes, at most ${MAX_PROOF}`);
  const gap = data.findIndex((byte, at) => byte === 10 && data[at + 1] === 10);
  const lines = gap < 0 ? [] : lenientText(data.subarray(0, gap)).split("\n");
  if (lines[0] !== PROOF_FORMAT) refuse(code, where, `not a proof of format ${PROOF_FORMAT}`);
  let at = 1;
  const extra = /^extra ([^ \t\n\r\f\v]*)$/.exec(lines[at] ?? "");
  if (extra !== null) {
    decodeBase64(extra[1], code, where);
    at += 1;
  }
  const index = /^index (0|[1-9][0-9]{0,15})$/.exec(lines[at] ?? "");
  if (index === null || !Number.isSafeInteger(Number(index[1]))) refuse(code, where, "no index");
  const path = lines.slice(at + 1).map((line) => decodeBase64(line, code, where));
  if (path.some((item) => item.length !== HASH_SIZE)) refuse(code, where, "a hash is not 32 bytes");
  return Object.freeze({ index: Number(index[1]), path, checkpoint: data.subarray(gap + 2) });
};

/** Read a checkpoint of a log of the policy; give it with those who signed it. */
const readCheckpoint = async (data, policy, where) => {
  const note = parseNote(data, where);
  const checkpoint = parseCheckpoint(note.text, where);
  const ours = policy.logs.filter((key) => key.name === checkpoint.origin);
  if (ours.length === 0) refuse("E-LOG-ORIGIN", where, `unknown log ${checkpoint.origin.slice(0, 80)}`);
  const signers = await verifyNote(note, [...policy.logs, ...policy.witnesses.values()], where);
  if (!ours.some((key) => signers.has(key))) refuse("E-LOG-CHECKPOINT", where, "the log did not sign its checkpoint");
  return [checkpoint, signers];
};

/** Check that the log holds `leaf` where the proof says; `time` is T, `null` if the policy asks for no witnesses. */
const checkLogged = async (proof, leaf, policy, now, where) => {
  const [checkpoint, signers] = await readCheckpoint(proof.checkpoint, policy, where);
  const root = rootFromPath(leafHash(utf8(leaf)), proof.index, checkpoint.size, proof.path);
  if (root === null || !sameBytes(root, checkpoint.root)) refuse("E-LOG-INCLUSION", where);
  const time = policy.quorum === null ? null : quorumTime(policy, signers);
  if (policy.quorum !== null && time === null) refuse("E-LOG-QUORUM", where, "too few witnesses signed");
  if (time !== null && time > now + CLOCK_SKEW) refuse("E-LOG-FUTURE", where, "witnesses signed in the future");
  return Object.freeze({ index: proof.index, checkpoint, time });
};

/** Read the head proof of a library. */
const parseHead = (data, lib, where) => {
  const code = "E-HEAD-PROOF";
  const value = parseCanonical(data, MAX_HEAD, where);
  checkSchema("head", value, where);
  const head = value.line.slice(0, 64);
  if (value.line !== `${head}  ${lib}` || !DIGEST.test(head)) refuse(code, where, "a line of another library");
  const path = value.path.map((item) => decodeBase64(item, code, where));
  const root = rootFromPath(leafHash(utf8(value.line)), value.index, value.size, path);
  if (root === null) refuse(code, where, "index, size and path do not fit");
  const proof = parseProof(utf8(value.tlog), where);
  return Object.freeze({ head, proof, leaf: canonical({ at: proof.index, heads: toHex(root), size: value.size }) });
};

/** Check that the last of `events` was the newest, at most `max_age` seconds before `reference`. */
const checkHeadProof = async (head, events, policy, now, reference, where) => {
  const logged = await checkLogged(head.proof, head.leaf, policy.log, now, where);
  if (logged.checkpoint.size !== logged.index + 1) refuse("E-HEAD-PROOF", where, "not the last entry of the log");
  const { maxAge } = policy;
  if (maxAge !== null && (logged.time === null || logged.time < reference - maxAge)) {
    refuse("E-HEAD-STALE", where, `older than ${maxAge} s`);
  }
  if (head.head !== events.at(-1)) {
    refuse(events.includes(head.head) ? "E-HEAD-OLD" : "E-CHAIN-TRUNCATED", where, `the newest event was ${head.head}`);
  }
  return logged;
};
