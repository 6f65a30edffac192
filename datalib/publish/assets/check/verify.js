/** Verification: from files, a policy and pinned roots to accepted, refused, or not decided, and why (§10). */
const MAX_STATE = 256 * 1024 * 1024;

/** Read what a verifier accepted before; `E-STATE-FILE` for anything that is no state. */
const parseState = (data) => {
  try {
    const value = parseJson(data, MAX_STATE, "state");
    checkSchema("state", value, "state");
    return value;
  } catch (error) {
    if (error instanceof Refused) refuse("E-STATE-FILE", "state", error.message);
    throw error;
  }
};

/** Trees of logs that are remembered, by size and name of the log. */
const rememberedTrees = (memory) =>
  new Map(Object.entries(memory?.logs ?? {}).map(([origin, tree]) => [`${tree.size} ${origin}`, tree.root]));

/** How data files are read: all, or none if the reader wants that, or gave none of them. */
const dataMode = (files, listed, asked) =>
  asked.data !== "none" && listed.some(({ path }) => files.sizeOf(path) !== null) ? "full" : "none";

/** Steps 2 to 10: is it what was signed? */
const checkIntegrity = async (files, policy, memory, asked) => {
  const bench = Object.freeze({
    files, policy, memory, now: asked.now, versions: new Versions(files), trees: rememberedTrees(memory),
  });
  const own = await readHistory(bench, await readChainFile(files, "", "E-CHAIN-MISSING"));
  const manifest = await bench.versions.read(own.state.manifest, own.links.at(-1).where);
  const head = await checkHead(bench, own, asked.now);
  checkMemory(bench, own, head);
  const listed = await examineListing(files, manifest.content);
  checkResources(manifest, new Map(listed.map(({ path, line }) => [path, digestOf(line)])));
  const taken = await checkInputs(bench, own, manifest, listed);
  const mode = dataMode(files, listed, asked);
  const read = mode === "full" ? await checkData(files, listed, manifest.content, asked.progress) : 0;
  const evidence = await checkEntries(files, listed, allowedNames(own, taken, policy), mode === "none");
  return Object.freeze({ own, manifest, head, taken, mode, read, evidence });
};

/** Name what this verification says nothing about. */
const notChecked = (sound, memory, asked) => {
  const { own, manifest } = sound;
  const referred = evidenceOf(own.links.map((link) => link.event));
  const open = {
    log: own.logged.every((proof) => proof === null),
    time: own.times.includes(null),
    head: sound.head === null,
    state: memory === null,
    derived: manifest.inputs.some((item) => item.mode === "derived"),
    data: sound.mode === "none",
    evidence: [...referred].some((digest) => !sound.evidence.has(digest)),
    purpose: asked.purpose === null,
    attestations: asked.require.length === 0,
    strays: sound.mode === "none",
  };
  return Object.keys(open).filter((name) => open[name]);
};

/** What is true of a library whose integrity holds. */
const factsOf = (sound, memory, asked) => {
  const { own, manifest, taken } = sound;
  return Object.freeze({
    library: own.lib,
    head: own.ids.at(-1),
    name: manifest.document.name,
    title: manifest.document.datalib.title ?? manifest.document.title ?? null,
    producer: own.state.producer,
    owner: own.state.owner,
    possessor: own.state.possessor,
    purposes: manifest.purpose,
    content: manifest.content,
    manifest: own.state.manifest,
    events: own.links.map((link, n) => Object.freeze({
      id: link.id, kind: link.event.kind, claimed: link.event.time, trusted: own.times[n], value: link.event.value,
    })),
    upstream: [...new Set(taken.map((each) => each.history))].map((each) => Object.freeze({
      library: each.lib, producer: each.state.producer,
    })),
    files: sound.mode === "full" ? manifest.content.files : 0,
    bytes: sound.read,
    notChecked: notChecked(sound, memory, asked),
  });
};

/** Steps 11 and 12: may it be used as asked? */
const answerOf = (sound, policy, memory, asked) => {
  const facts = factsOf(sound, memory, asked);
  try {
    checkGate(sound, policy, asked);
  } catch (error) {
    if (error instanceof Refused) return Object.freeze({ answer: "barred", fault: error, facts });
    throw error;
  }
  return Object.freeze({ answer: "yes", fault: null, facts });
};

/**
 * Check a library.
 *
 * `library` gives the files, once the policy is believed; `policy`, `roots` and `state` are bytes or `null`; `asked`
 * has `now` (seconds since 1970), `purpose` or `null`, `require` (types of claims), `data` (`full` or `none`),
 * `evidence` (must it be there?), and `progress`. The answer is `yes`, `barred` (sound, but not to be used as asked),
 * `no`, or `open`: whatever this page does not cover, or did not foresee, is never a yes.
 */
const checkLibrary = async ({ library, policy, roots, state, asked }) => {
  try {
    if (policy === null || roots === null) throw new Undecided("undecided.trust");
    const pinned = parseRoots(roots);
    const memory = state === null ? null : parseState(state);
    const believed = await loadPolicy(policy, pinned, asked.now, memory);
    const sound = await checkIntegrity(await library(believed), believed, memory, asked);
    return answerOf(sound, believed, memory, asked);
  } catch (error) {
    if (error instanceof Refused) return Object.freeze({ answer: "no", fault: error, facts: null });
    const fault = error instanceof Undecided ? error : new Undecided("undecided.fault", "", String(error));
    return Object.freeze({ answer: "open", fault, facts: null });
  }
};
