/** Libraries made of libraries: each input is a chain of its own, shipped under `upstream/` (§10, step 9). */
const MAX_LIBRARIES = 8;

/** One walk over the graph, depth first; what does not depend on the path is computed once. */
class AssemblyWalk {
  /** What was taken and checked: upstream history and the position of the event at which it was taken, by both. */
  taken = new Map();
  #bench;
  #own;
  #listed;
  #histories = new Map();
  #below = new Map();
  #fresh = new Set();
  #remembered = new Set();
  #listings = new Map();

  constructor(bench, own, listed) {
    this.#bench = bench;
    this.#own = own;
    this.#listed = listed;
  }

  /** Check the inputs of a library at one of its events; `path` holds the libraries from the verified one to it. */
  async visit(history, position, path) {
    const key = `${history.lib} ${position}`;
    const known = this.#below.get(key);
    if (known && path.every((lib) => !known.libs.has(lib)) && path.length + known.height <= MAX_LIBRARIES) return known;
    const libs = new Set();
    let height = 0;
    for (const item of history.states[position].inputs) {
      if (path.includes(item.lib)) refuse("E-INPUT-CYCLE", item.lib);
      if (path.length === MAX_LIBRARIES) refuse("E-INPUT-DEPTH", item.lib);
      const [upstream, at] = known ? await this.#take(item) : await this.#check(history, position, item);
      const below = await this.visit(upstream, at, [...path, item.lib]);
      for (const lib of [item.lib, ...below.libs]) libs.add(lib);
      height = Math.max(height, 1 + below.height);
    }
    this.#below.set(key, { libs, height });
    return this.#below.get(key);
  }

  /** Check that every shipped upstream listing is that of a state from which something was taken. */
  async checkListings() {
    for (const [lib, digests] of this.#listings) {
      const name = `upstream/${lib}/${LISTING}`;
      if (this.#bench.files.sizeOf(name) === null) continue;
      if (!digests.has(await this.#bench.files.digest(name))) refuse("E-INPUT-LISTING", name);
    }
  }

  async #check(history, position, item) {
    const [upstream, at] = await this.#take(item);
    const where = `upstream/${item.lib}`;
    const reference = history.takenAt(item);
    if (upstream.earliestFrom(at + 1) <= reference) refuse("E-INPUT-STALE", where);
    await this.#checkNewest(upstream, reference);
    const { versions } = this.#bench;
    const granted = await versions.read(item.manifest, where);
    const { purpose } = await versions.read(history.states[position].manifest, where);
    const beyond = purpose.filter((code) => !granted.purpose.includes(code));
    if (beyond.length > 0) refuse("E-PURPOSE-UPSTREAM", where, `does not grant ${beyond.sort().join(", ")}`);
    const digests = this.#listings.get(item.lib) ?? new Set();
    this.#listings.set(item.lib, digests.add(granted.content.sha256));
    if (history === this.#own) await this.#checkFiles(item, granted.content);
    const key = `${item.lib} ${at}`;
    if (!this.taken.has(key)) this.taken.set(key, Object.freeze({ history: upstream, position: at }));
    return [upstream, at];
  }

  async #take(item) {
    const upstream = await this.#history(item.lib);
    const where = `upstream/${item.lib}`;
    const at = upstream.ids.indexOf(item.head);
    if (at < 0) refuse("E-INPUT-HEAD", where, `no event ${item.head}`);
    if (upstream.states[at].manifest !== item.manifest) refuse("E-INPUT-STATE", where);
    return [upstream, at];
  }

  async #history(lib) {
    if (!this.#histories.has(lib)) {
      const below = `upstream/${lib}/`;
      const data = await readChainFile(this.#bench.files, below, "E-INPUT-MISSING");
      const [first] = splitChain(data, `${below}${CHAIN}`);
      if (sha256Hex(first) !== lib) refuse("E-INPUT-LIB", `${below}${CHAIN}`);
      this.#histories.set(lib, await readHistory(this.#bench, data, below));
    }
    return this.#histories.get(lib);
  }

  /** Take an upstream through steps 6 and 7; only the age of its head proof depends on who took from it. */
  async #checkNewest(upstream, reference) {
    const key = `${upstream.lib} ${reference}`;
    if (this.#fresh.has(key)) return;
    const head = await checkHead(this.#bench, upstream, reference);
    this.#fresh.add(key);
    if (this.#remembered.has(upstream.lib)) return;
    checkMemory(this.#bench, upstream, head);
    this.#remembered.add(upstream.lib);
  }

  /** Check that the files of an input of the verified library are the upstream's. */
  async #checkFiles(item, content) {
    if (item.mode === "derived") return;
    const ours = linesUnder(this.#listed, item.prefix);
    if (item.mode === "verbatim") {
      if (toHex(merkleRoot(ours)) !== content.root) refuse("E-INPUT-CONTENT", item.prefix);
      return;
    }
    const { files } = this.#bench;
    const name = `upstream/${item.lib}/${LISTING}`;
    if (files.sizeOf(name) === null || (await files.digest(name)) !== content.sha256) refuse("E-INPUT-LISTING", name);
    const listed = await examineListing(files, content, name);
    const theirs = new Set(listed.map(({ line }) => lenientText(line)));
    const foreign = ours.map(lenientText).find((line) => !theirs.has(line));
    if (foreign !== undefined) refuse("E-INPUT-SUBSET", item.prefix + foreign.slice(LINE_HEAD));
  }
}

/** Check the inputs of the verified library and theirs; give all states that were taken, in that order. */
const checkInputs = async (bench, own, manifest, listed) => {
  if (manifest.inputs.length === 0) return [];
  const walk = new AssemblyWalk(bench, own, listed);
  await walk.visit(own, own.links.length - 1, [own.lib]);
  await walk.checkListings();
  return [...walk.taken.values()];
};
