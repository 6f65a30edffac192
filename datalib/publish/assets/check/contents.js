/** Data files by their digests, and that nothing else lies in the library (trust specification §2, §10 step 10). */
const EVIDENCE_NAME = /^evidence\/([0-9a-f]{64})(?:\.[A-Za-z0-9_-]{1,16}){0,3}$/;
const MANIFEST_NAME = /^manifests\/([0-9a-f]{64})\.json$/;
const PROOF_NAME = /^proofs\/([0-9a-f]{64})\.(tlog-proof|tsr)$/;
const UPSTREAM_NAME = /^upstream\/([0-9a-f]{64})\/([^]+)$/;

/** Compare every data file with its listing, in order; give how many bytes were read. */
const checkData = async (files, listed, content, progress) => {
  let bytes = 0;
  for (const [number, { path, line }] of listed.entries()) {
    const size = files.sizeOf(path);
    if (size === null) refuse("E-FILE-MISSING", path);
    progress(number, bytes);
    const digest = await files.digest(path);
    if (digest !== digestOf(line)) refuse("E-FILE-DIGEST", path, `computed ${digest}, listed ${digestOf(line)}`);
    bytes += size;
  }
  if (bytes !== content.bytes) refuse("E-LIST-BYTES", "", `the files have ${bytes} bytes, signed ${content.bytes}`);
  return bytes;
};

/** The names that events of a library and of its upstream libraries give a place in the reserved folders. */
const allowedNames = (own, taken, policy) => {
  const upstream = new Map(taken.map(({ history }) => [history.lib, history]));
  const events = [own, ...upstream.values()].flatMap((history) => history.links.map((link) => link.event));
  return Object.freeze({
    events: new Set(own.ids),
    manifests: new Set(events.map((event) => event.manifest)),
    evidence: evidenceOf(events),
    stamps: policy.hasTimeStamps,
    upstream: new Map([...upstream].map(([lib, history]) => [lib, new Set(history.ids)])),
  });
};

/** Whether a path below a library is a proof of one of these events. */
const isProof = (path, events, stamps) => {
  if (path === HEAD) return true;
  const found = PROOF_NAME.exec(path);
  return found !== null && events.has(found[1]) && (stamps || found[2] === "tlog-proof");
};

/** Whether a path in a reserved folder is given a place there. */
const hasPlace = (path, allowed) => {
  const evidence = EVIDENCE_NAME.exec(path);
  if (evidence !== null) return allowed.evidence.has(evidence[1]);
  const manifest = MANIFEST_NAME.exec(path);
  if (manifest !== null) return allowed.manifests.has(manifest[1]);
  const below = UPSTREAM_NAME.exec(path);
  if (below === null) return isProof(path, allowed.events, allowed.stamps);
  const events = allowed.upstream.get(below[1]);
  if (events === undefined) return false;
  return below[2] === CHAIN || below[2] === LISTING || isProof(below[2], events, allowed.stamps);
};

/** Check a file that is not listed; give the digest of an evidence file, else `null`. */
const checkPlace = async (files, path, allowed) => {
  const top = path.split("/", 1)[0];
  if (top === path || !RESERVED_FOLDERS.has(top)) refuse("E-FILE-UNLISTED", path);
  if (!hasPlace(path, allowed)) refuse("E-FILE-STRAY", path);
  const evidence = EVIDENCE_NAME.exec(path);
  const named = evidence ?? MANIFEST_NAME.exec(path);
  if (named !== null && (await files.digest(path)) !== named[1]) {
    refuse(evidence ? "E-EVIDENCE-DIGEST" : "E-MANIFEST-DIGEST", path);
  }
  return evidence && evidence[1];
};

/** Check every entry in byte order, the reserved folders alone if no data is read; give the evidence that is there. */
const checkEntries = async (files, listed, allowed, reservedOnly) => {
  const known = new Set(listed.map((item) => item.path));
  const evidence = new Set();
  for (const path of files.paths()) {
    if (reservedOnly ? !RESERVED_FOLDERS.has(path.split("/", 1)[0]) : known.has(path)) continue;
    if (RESERVED_FILES.has(path)) continue;
    const digest = await checkPlace(files, path, allowed);
    if (digest !== null) evidence.add(digest);
  }
  return evidence;
};
