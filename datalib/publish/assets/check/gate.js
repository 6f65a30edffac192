/** The gate: whether a sound library may be used for a purpose, now (trust specification §10, step 11). */

/** Refuse what was made from withdrawn libraries, or has not followed their opt-outs and erasures. */
const checkUpstream = (taken) => {
  for (const { history } of taken) {
    if (history.state.withdrawn) refuse("E-INPUT-WITHDRAWN", history.links.at(-1).where);
  }
  for (const { history, position } of taken) {
    const later = history.links.slice(position + 1).find(({ event }) =>
      event.kind === "amend" && ["optout", "erasure"].includes(event.value.reason));
    if (later !== undefined) refuse("E-INPUT-OPTOUT", later.where);
  }
};

/** Refuse unless the last claim of a type about the current manifest is positive and in force. */
const checkClaim = (history, wanted, now) => {
  const last = history.links.findLast(({ event }) =>
    event.kind === "attest" && event.manifest === history.state.manifest && event.value.claim.type === wanted);
  if (last === undefined) refuse("E-ATTEST-MISSING", wanted);
  const { event } = last;
  if (event.value.claim.result !== "pass") refuse("E-ATTEST-FAILED", wanted, event.value.claim.result);
  if (event.until !== null && event.until <= now) refuse("E-ATTEST-EXPIRED", wanted);
};

/** Refuse a library that must not be used as asked. */
const checkGate = (sound, policy, asked) => {
  const { own, taken, manifest } = sound;
  for (const history of [own, ...taken.map((each) => each.history)]) {
    if (policy.blocked.has(history.lib)) refuse("E-LIB-BLOCKED", history.lib);
  }
  if (own.state.withdrawn) refuse("E-LIB-WITHDRAWN", own.links.at(-1).where);
  checkUpstream(taken);
  if (asked.purpose !== null && !manifest.purpose.includes(asked.purpose)) refuse("E-PURPOSE-REFUSED", asked.purpose);
  for (const wanted of asked.require) checkClaim(own, wanted, asked.now);
  const missing = [...evidenceOf(own.links.map((link) => link.event))].filter((digest) => !sound.evidence.has(digest));
  if (asked.evidence && missing.length > 0) refuse("E-EVIDENCE-MISSING", `evidence/${missing.sort()[0]}`);
};
