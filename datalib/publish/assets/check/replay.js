/** Replay a chain: who may do what, and what the library is after each event (trust specification §10, step 5). */
const MAX_DELAY = 30 * 86400;

/** Check the claimed time of an event against the one before, and against T or now. */
const checkClaimedTime = (link, before, logged, now) => {
  const { time } = link.event;
  if (time < before) refuse("E-TIME-ORDER", link.where, "earlier than the event before");
  if (time > (logged ?? now) + CLOCK_SKEW) refuse("E-TIME-FUTURE", link.where, "later than its trusted time");
  if (logged !== null && time < logged - MAX_DELAY) refuse("E-TIME-DELAY", link.where);
};

/** State after a genesis: ids of owner and possessor, digest of the manifest, its inputs. */
const beginState = (link, manifest) => {
  const { value } = link.event;
  if (canonical(value.producer) !== manifest.producer) refuse("E-PRODUCER-MISMATCH", link.where);
  const person = value.producer.id;
  return Object.freeze({
    producer: value.producer, owner: person, possessor: person, manifest: link.event.manifest,
    inputs: manifest.inputs, withdrawn: false,
  });
};

/** State after an amendment that is allowed. */
const amendState = (link, before, old, manifest) => {
  const { event, where } = link;
  const by = event.value.by.id;
  if (by !== before.owner && by !== before.possessor) refuse("E-AMEND-TITLE", where, by);
  if (event.manifest === before.manifest) refuse("E-AMEND-NOOP", where);
  if (canonical(before.producer) !== manifest.producer) refuse("E-PRODUCER-CHANGED", where);
  const added = manifest.purpose.filter((code) => !old.purpose.includes(code));
  if (added.length > 0 && !link.signers.some((key) => key.party === before.producer.id)) {
    refuse("E-PURPOSE-WIDENED", where, added.sort().join(", "));
  }
  const dropped = droppedSource(old, manifest);
  if (dropped !== undefined) refuse("E-SOURCE-DROPPED", where, dropped.title.slice(0, 200));
  const kept = new Set(manifest.inputs.map((item) => item.lib));
  const gone = old.inputs.find((item) => !kept.has(item.lib));
  if (gone !== undefined) refuse("E-INPUT-DROPPED", where, gone.lib);
  return Object.freeze({ ...before, manifest: event.manifest, inputs: manifest.inputs });
};

/** State after a transfer of what the sender has. */
const transferState = (link, before) => {
  const { from, to, rights } = link.event.value;
  const owns = rights.includes("ownership");
  const holds = rights.includes("possession");
  if (owns && from.id !== before.owner) refuse("E-TRANSFER-TITLE", link.where, `${from.id} is not the owner`);
  if (holds && from.id !== before.owner && from.id !== before.possessor) {
    refuse("E-TRANSFER-TITLE", link.where, `${from.id} neither owns nor possesses`);
  }
  return Object.freeze({
    ...before, owner: owns ? to.id : before.owner, possessor: holds ? to.id : before.possessor,
  });
};

/** State after one more event. */
const followState = (link, before, old, manifest, policy) => {
  const { event, where } = link;
  if (event.kind === "amend") return amendState(link, before, old, manifest);
  if (event.manifest !== before.manifest) refuse("E-STATE-CHANGED", where);
  if (event.kind === "transfer") return transferState(link, before);
  if (event.kind !== "withdraw") return before;
  const by = event.value.by.id;
  if (by !== before.owner && !policy.rolesOf(by).has("authority")) refuse("E-WITHDRAW-TITLE", where, by);
  return Object.freeze({ ...before, withdrawn: true });
};

/** Give the state after each event; `times` holds T of each, or `null`. */
const replayChain = async (links, times, policy, versions, now) => {
  const states = [];
  let old = null;
  for (const [position, link] of links.entries()) {
    const before = states.at(-1);
    if (before?.withdrawn) refuse("E-CHAIN-AFTER-WITHDRAW", link.where);
    checkClaimedTime(link, position > 0 ? links[position - 1].event.time : link.event.time, times[position], now);
    for (const key of link.signers) checkWindow(key, times[position] ?? now, link.where);
    const manifest = await versions.read(link.event.manifest, link.where);
    states.push(old === null ? beginState(link, manifest) : followState(link, before, old, manifest, policy));
    old = manifest;
  }
  return states;
};
