/** Read one chain of a library, its own or an upstream one, with all that proves it (steps 2 to 7). */
const HEAD = "proofs/head.json";

/** Manifest versions by digest. */
class Versions {
  #files;
  #current = null;
  #known = new Map();

  constructor(files) {
    this.#files = files;
  }

  /** Read `datapackage.json`; give its digest. */
  async readCurrent() {
    const data = await this.#files.read(MANIFEST, MAX_MANIFEST, "E-MANIFEST-MISSING", "E-JSON-SIZE");
    this.#current = { digest: sha256Hex(data), data };
    return this.#current.digest;
  }

  /** Read a version: `E-MANIFEST-MISSING`, `E-MANIFEST-DIGEST`, and the codes of manifests. */
  async read(digest, where) {
    if (!this.#known.has(digest)) this.#known.set(digest, await this.#parse(digest, where));
    return this.#known.get(digest);
  }

  async #parse(digest, where) {
    const name = `manifests/${digest}.json`;
    const kept = await this.#files.readOptional(name, MAX_MANIFEST, "E-JSON-SIZE");
    if (kept !== null && sha256Hex(kept) !== digest) refuse("E-MANIFEST-DIGEST", name);
    if (this.#current?.digest === digest) return parseManifest(this.#current.data);
    return kept === null ? refuse("E-MANIFEST-MISSING", name, `named by ${where}`) : parseManifest(kept, name);
  }
}

/** A chain that passed steps 2 to 5. `below` is its folder: empty, or `upstream/<lib id>/`. */
class History {
  constructor(below, links, logged, states) {
    const times = logged.map((proof) => proof?.time ?? null);
    const dates = links.map((link, position) => times[position] ?? link.event.time);
    const ids = links.map((link) => link.id);
    const assembled = new Map();
    for (const [position, state] of states.entries()) {
      for (const item of state.inputs) {
        const key = canonical(item);
        if (!assembled.has(key)) assembled.set(key, position);
      }
    }
    Object.assign(this, { below, links, logged, states, times, dates, ids, assembled, lib: ids[0] });
    Object.freeze(this);
  }

  /** The library after its last event. */
  get state() {
    return this.states.at(-1);
  }

  /** Date of the event whose manifest named an input first. */
  takenAt(item) {
    return this.dates[this.assembled.get(canonical(item))];
  }

  /** Earliest date of an event from a position on, infinite if there is none. */
  earliestFrom(position) {
    return this.dates.slice(position).reduce((one, other) => Math.min(one, other), Infinity);
  }
}

/** Read the file of a chain. */
const readChainFile = (files, below, missing) => files.read(`${below}${CHAIN}`, MAX_CHAIN, missing, "E-CHAIN-SIZE");

/** What the log holds of an event. */
const leafOf = (link, lib) =>
  canonical({ event: link.id, lib, prev: link.event.value.prev ?? null, seq: link.event.seq });

/** Check the log proof of each event that has one (step 4). */
const checkChainLogged = async (bench, links, below) => {
  const { files, policy, now } = bench;
  const logged = [];
  const last = new Map();
  for (const link of links) {
    const name = `${below}proofs/${link.id}.tlog-proof`;
    const data = await files.readOptional(name, MAX_PROOF, "E-LOG-PROOF");
    let found = null;
    if (data !== null) {
      found = await checkLogged(parseProof(data, name), leafOf(link, links[0].id), policy.log, now, name);
      const { origin } = found.checkpoint;
      if (found.index <= (last.get(origin) ?? -1)) refuse("E-LOG-ORDER", name);
      last.set(origin, found.index);
    } else if (policy.logRequired) {
      refuse("E-LOG-MISSING", name, `no log proof for ${link.where}`);
    }
    const stamp = `${below}proofs/${link.id}.tsr`;
    if (policy.hasTimeStamps && files.sizeOf(stamp) !== null) throw new Undecided("undecided.stamp", stamp);
    logged.push(found);
  }
  return logged;
};

/** Refuse a manifest that is not the one of the last event. */
const checkCurrent = (digest, links) => {
  if (digest === links.at(-1).event.manifest) return;
  const known = links.some((link) => link.event.manifest === digest);
  refuse(known ? "E-MANIFEST-STALE" : "E-MANIFEST-DIGEST", MANIFEST);
};

/** Take the file of a chain through steps 2 to 5. */
const readHistory = async (bench, data, below = "") => {
  const links = await readChain(data, bench.policy, `${below}${CHAIN}`);
  checkLinks(links, bench.policy);
  const logged = await checkChainLogged(bench, links, below);
  const times = logged.map((proof) => proof?.time ?? null);
  if (below === "") checkCurrent(await bench.versions.readCurrent(), links);
  const states = await replayChain(links, times, bench.policy, bench.versions, bench.now);
  return new History(below, links, logged, states);
};

/** Check the head proof, if there is one (step 6). `reference` is when it had to be fresh. */
const checkHead = async (bench, history, reference) => {
  const name = `${history.below}${HEAD}`;
  const data = await bench.files.readOptional(name, MAX_HEAD, "E-JSON-SIZE");
  if (data === null) {
    if (bench.policy.maxAge !== null) refuse("E-HEAD-MISSING", name);
    return null;
  }
  const head = parseHead(data, history.lib, name);
  return checkHeadProof(head, history.ids, bench.policy, bench.now, reference, name);
};

/** Compare with what was accepted before, and the trees of one log and size with each other (step 7). */
const checkMemory = (bench, history, head) => {
  const { trees, memory } = bench;
  const found = history.links.map((link, n) => [history.logged[n], `${history.below}proofs/${link.id}.tlog-proof`]);
  for (const [logged, where] of [...found, [head, `${history.below}${HEAD}`]]) {
    if (logged === null) continue;
    const { origin, size, root } = logged.checkpoint;
    const key = `${size} ${origin}`;
    if (!trees.has(key)) trees.set(key, toHex(root));
    if (trees.get(key) !== toHex(root)) refuse("E-LOG-SPLIT", where, `two trees of size ${size}`);
  }
  const seen = memory?.libraries[history.lib];
  if (seen === undefined) return;
  const where = `${history.below}${CHAIN}`;
  if (history.ids.length <= seen.seq) refuse("E-HEAD-ROLLBACK", where, `seen before: ${seen.seq + 1} events`);
  if (history.ids[seen.seq] !== seen.id) refuse("E-CHAIN-FORK", where, `event ${seen.seq} was ${seen.id} before`);
  if (head !== null && history.below === "" && head.checkpoint.size < (seen.heads[head.checkpoint.origin] ?? 0)) {
    refuse("E-LOG-ROLLBACK", HEAD, "seen before: a larger tree");
  }
};
