/** What is shown of an answer: the verdict in a sentence, what was checked and what not, who had the library. */
const SIGNS = Object.freeze({ yes: "✓", no: "✕", open: "?" });
const MAX_EVENTS = 500;
/** What no answer of this page says anything about, and what it does not say of folders. */
const NEVER_CHECKED = Object.freeze(["check.unchecked.rules", "check.unchecked.persons", "check.unchecked.log"]);

/** A paragraph. */
const paragraph = (content, kind = null) => make("p", { class: kind }, content);

/** A list. */
const bullets = (items, kind) => make("ul", { class: kind }, items.map((item) => make("li", {}, item)));

/** A section with a heading. */
const section = (id, title, ...content) =>
  make("section", { id, "aria-labelledby": `${id}-title` }, make("h2", { id: `${id}-title` }, title), ...content);

/** What a sound library is used for. */
const useOf = (say, asked) =>
  asked.purpose === null ? say.say("use.declared") : say.say("use.for", { purpose: say.purpose(asked.purpose) });

/** Kind and sentence of the verdict about a library that may be used. */
const sentenceOfYes = (say, { facts, asked, word, expected, kind }) => {
  const use = useOf(say, asked);
  if (expected !== null && expected !== facts.library) {
    return ["no", say.say("check.other", { library: digestText(expected) })];
  }
  if (facts.files < facts.content.files) {
    return ["open", say.say("verdict.partial", { use, read: facts.files, files: facts.content.files })];
  }
  if (asked.require.length === 0) return ["open", say.say("verdict.unasked", { use })];
  if (word) return ["open", say.say("check.accepted", { use })];
  return ["yes", say.say(kind === "folder" ? "check.given" : "verdict.accepted", { use })];
};

/** Kind and sentence of the verdict. */
const sentenceOf = (say, told) => {
  if (told.answer === "yes") return sentenceOfYes(say, told);
  if (told.answer === "open") return ["open", say.say("check.open")];
  return ["no", say.say(told.answer === "no" ? "verdict.broken" : "verdict.barred")];
};

/** Why it is a no, by its code; or why nothing is decided. */
const reasonOf = (say, { fault }) => {
  if (fault === null) return [];
  const details = [said(fault.where), said(fault.detail, say.lang === "en" ? null : "en")]
    .filter((part) => part.textContent !== "");
  if (fault instanceof Undecided) {
    const text = make("strong", {}, say.text(fault.reason));
    const command = make("code", {}, "datalib verify LIBRARY --policy POLICY --roots ROOTS");
    return [paragraph([text, " ", ...details]), paragraph(say.say("check.command", { command }))];
  }
  const known = CODES[fault.code][say.lang];
  const joined = details.flatMap((part, n) => (n === 0 ? [part] : [" · ", part]));
  const code = make("code", {}, fault.code);
  return [
    paragraph(say.say("verdict.why", { code, text: make("span", {}, known.text), details: joined })),
    paragraph(say.say("verdict.remedy", { remedy: make("span", {}, known.remedy) })),
  ];
};

/** The verdict. */
const verdictOf = (say, told) => {
  const [kind, sentence] = sentenceOf(say, told);
  const sign = make("span", { class: "sign", "aria-hidden": "true" }, SIGNS[kind]);
  const code = told.fault?.code ?? told.fault?.reason ?? "";
  return make(
    "section",
    { id: "verdict", class: `verdict ${kind}`, "aria-labelledby": "verdict-title", "data-code": code },
    make("h2", { id: "verdict-title", class: "hidden" }, say.text("verdict.title")),
    paragraph([sign, " ", ...sentence], "sentence"),
    ...reasonOf(say, told),
    told.word && told.facts !== null ? paragraph(make("strong", {}, say.text("check.word"))) : null,
    paragraph(say.say("verdict.at", { time: moment(told.asked.now) }), "note"),
  );
};

/** What was checked of a library whose integrity holds. */
const checkedOf = (say, { facts, asked, answer, word }) => {
  const { content, bytes, files: read } = facts;
  const passed = answer === "yes";
  const skipped = new Set(facts.notChecked);
  const events = facts.events.length;
  const logged = facts.events.filter((event) => event.trusted !== null).length;
  const claims = asked.require.flatMap((claim, n) => [n > 0 ? ", " : "", make("code", {}, said(claim))]);
  return [
    say.say(word ? "check.signed" : "checked.policy"),
    say.say("checked.chain", { events }),
    logged > 0 ? say.say("checked.log", { logged, events }) : null,
    skipped.has("head") ? null : say.say("checked.head"),
    skipped.has("state") ? null : say.say("checked.state"),
    say.say("checked.listing", { files: content.files }),
    read > 0 ? say.say("checked.files", { read, files: content.files, bytes }) : null,
    facts.upstream.length > 0 ? say.say("checked.inputs", { count: facts.upstream.length }) : null,
    passed && asked.purpose !== null ? say.say("checked.purpose", { purpose: say.purpose(asked.purpose) }) : null,
    passed && asked.require.length > 0 ? say.say("checked.claims", { claims }) : null,
  ].filter((item) => item !== null);
};

/** Keys of what was not checked. */
const uncheckedOf = ({ facts, answer, kind }) => [
  ...(facts === null ? ["unchecked.rest"] : facts.notChecked.map((name) => `unchecked.${name}`)),
  ...(answer === "barred" ? ["unchecked.gate"] : []),
  ...(kind === "folder" ? ["check.unchecked.links"] : []),
  ...NEVER_CHECKED,
  "unchecked.truth",
];

/** What was checked and what was not. */
const checksOf = (say, told) => {
  const done = told.facts === null ? [] : checkedOf(say, told);
  return section(
    "checks",
    say.text("checks.title"),
    make("h3", {}, say.text("checked.title")),
    done.length > 0 ? bullets(done, "done") : paragraph(say.text("checked.nothing")),
    make("h3", {}, say.text("unchecked.title")),
    bullets(uncheckedOf(told).map((key) => say.text(key)), "open"),
  );
};

/** Names with what belongs to them. */
const pairsOf = (rows) =>
  make("dl", {}, rows.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value))));

/** Persons that a chain names, by their ids. */
const personsOf = (events) => {
  const named = events.flatMap(({ value }) => [value.producer, value.from, value.to, value.by]);
  return new Map(named.filter((party) => party !== undefined).map((party) => [party.id, party]));
};

/** Who made the library, whose it is, what for, what it holds. */
const aboutOf = (say, { facts }) => {
  const persons = personsOf(facts.events);
  const { title } = facts;
  const name = typeof title === "string" ? said(title) : isObject(title) ? say.pick(title) : said(facts.name);
  const { files, bytes } = facts.content;
  return section("about", say.text("about.title"), paragraph(make("strong", {}, name)), pairsOf([
    [say.text("about.producer"), say.party(facts.producer)],
    [say.text("about.owner"), say.party(persons.get(facts.owner))],
    [say.text("about.holder"), say.party(persons.get(facts.possessor))],
    [say.text("about.purposes"), bullets(facts.purposes.map((code) => say.purpose(code)), "plain")],
    [say.text("about.content"), say.say("about.files", { files, bytes })],
    ...facts.upstream.map(({ library, producer }) =>
      [say.text("about.made-of"), [digestText(library), " ", ...say.party(producer)]]),
  ]));
};

/** One event of the time line. */
const eventOf = (say, { kind, value, claimed, trusted }) => {
  const who = kind === "transfer"
    ? [...say.party(value.from), " → ", ...say.party(value.to)]
    : say.party(value.producer ?? value.by);
  const claim = value.claim === undefined ? null : paragraph(say.say("past.claim", {
    type: make("code", {}, said(value.claim.type)), result: say.text(`result.${value.claim.result}`),
  }));
  const sure = trusted === null ? [] : [" · ", ...say.say("past.trusted", { time: moment(trusted) })];
  return make(
    "li",
    { class: kind },
    paragraph([make("strong", {}, say.text(`event.${kind}`)), " ", ...who]),
    value.basis === undefined ? null : paragraph(say.say("past.basis", { basis: value.basis })),
    value.reason === undefined ? null : paragraph(say.say("past.reason", { reason: value.reason })),
    claim,
    paragraph([...say.say("past.claimed", { time: moment(claimed) }), ...sure], "note"),
  );
};

/** The time line; of a long chain the last events. */
const pastOf = (say, { facts }) => {
  const left = facts.events.length - MAX_EVENTS;
  const events = facts.events.slice(-MAX_EVENTS).map((event) => eventOf(say, event));
  const rest = say.say("more", { count: left, where: make("code", {}, CHAIN) });
  const more = left > 0 ? [make("li", { class: "gap" }, rest)] : [];
  return section("past", say.text("past.title"), make("ol", { class: "time" }, more, events));
};

/** Digests to compare with those of others. */
const digestsOf = (say, { facts }) => section("digests", say.text("digests.title"), pairsOf([
  [say.text("digests.library"), digestText(facts.library)],
  [say.text("digests.head"), digestText(facts.head)],
  [say.text("digests.manifest"), digestText(facts.manifest)],
  [say.text("digests.listing"), digestText(facts.content.sha256)],
  [say.text("digests.root"), digestText(facts.content.root)],
]));

/** Everything that is shown of an answer. Of a library whose integrity does not hold, only why. */
const resultOf = (say, told) => [
  verdictOf(say, told),
  checksOf(say, told),
  ...(told.facts === null ? [] : [aboutOf(say, told), pastOf(say, told), digestsOf(say, told)]),
];
