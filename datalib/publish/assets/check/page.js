/** The page: takes what the reader gives, asks the check, shows the answer, in the language the reader chose. */
const element = (id) => document.getElementById(id);

/** Trust that the site which published this page puts into it, or `null`: texts of policy and roots. */
const siteTrust = () => {
  const block = element("site-trust");
  if (block === null) return null;
  const { policy, roots } = JSON.parse(block.textContent);
  return Object.freeze({ policy: decodeBase64(policy, "E-ENV-BASE64"), roots: decodeBase64(roots, "E-ENV-BASE64") });
};

/** What the page that sent the reader here says in the address: `#library=<id>&lang=<language>`. */
const sentWith = (name, form) => {
  const value = new URLSearchParams(location.hash.slice(1)).get(name);
  return value !== null && form.test(value) ? value : null;
};

/** The one page; its state is what was given so far and the last answer. */
class CheckPage {
  #site = siteTrust();
  #say = new Wording(sentWith("lang", /^(?:en|kk|ru)$/) ?? document.documentElement.lang);
  #given = { library: null, policy: null, roots: null, state: null };
  #told = null;
  #run = 0;
  #spoke = 0;

  /** Begin to listen to the reader. */
  start() {
    for (const button of document.querySelectorAll("button[data-lang]")) {
      button.addEventListener("click", () => this.#speak(button.dataset.lang));
    }
    for (const input of document.querySelectorAll("input[type=file]")) {
      input.addEventListener("click", () => { input.value = ""; }); // so that the same choice is a new one
    }
    element("folder").addEventListener("change", ({ target }) => this.#take(() => this.#folder([...target.files])));
    element("archive").addEventListener("change", ({ target }) => this.#take(() => this.#archive(target.files)));
    for (const kind of ["policy", "roots", "state"]) {
      element(kind).addEventListener("change", ({ target }) =>
        this.#take(async () => ({ [kind]: target.files.length > 0 ? await readGiven(target.files[0]) : null })));
    }
    document.addEventListener("dragover", (event) => event.preventDefault());
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      const dropped = takeDropped(event.dataTransfer);
      this.#take(() => sortDropped(dropped));
    });
    element("form").addEventListener("input", ({ target }) => { if (target.type !== "file") this.#forget(); });
    element("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#check();
    });
    this.#render();
  }

  #folder(files) {
    const pairs = files.map((file) => [file.webkitRelativePath, file]);
    return { library: pairs.length > 0 ? libraryOfFolder(pairs) : null };
  }

  async #archive([file]) {
    if (file === undefined) return { library: null };
    if (!(await isArchive(file))) throw new Undecided("undecided.archive", file.name);
    return { library: libraryOfArchive(file) };
  }

  /** Drop an answer, also one that is still on its way: what was asked has changed. */
  #forget() {
    this.#run += 1;
    this.#told = null;
    this.#render();
  }

  async #take(sort) {
    try {
      const { rest = [], ...found } = await sort();
      if (rest.length > 0 && Object.keys(found).length === 0) throw new Undecided("undecided.archive", rest[0][0]);
      Object.assign(this.#given, found);
      this.#forget();
    } catch (error) {
      this.#run += 1;
      this.#show({ answer: "open", fault: asUndecided(error), facts: null }, this.#asked(this.#run), false);
    }
  }

  #asked(run) {
    const purpose = element("purpose").value.trim();
    return Object.freeze({
      now: Math.floor(Date.now() / 1000),
      purpose: purpose === "" ? null : purpose,
      require: element("optout").checked ? ["optout"] : [],
      data: element("data").checked ? "full" : "none",
      evidence: false,
      progress: (done) => { if (run === this.#run) this.#progress(done); },
    });
  }

  /** Roots that the reader pins: a file, a text, or the digest of those that the site brings; else the site's. */
  #roots() {
    const pasted = element("pinned").value.trim();
    if (pasted === "" && this.#given.roots !== null) return [this.#given.roots, false];
    if (pasted === "") return [this.#site?.roots ?? null, this.#site !== null];
    if (!DIGEST.test(pasted)) return [utf8(pasted), false];
    if (this.#site === null || sha256Hex(this.#site.roots) !== pasted) throw new Undecided("undecided.pin");
    return [this.#site.roots, false];
  }

  async #check() {
    const run = (this.#run += 1);
    const asked = this.#asked(run);
    let word = false;
    let got = null;
    try {
      const [roots, isWord] = this.#roots();
      word = isWord;
      const { library, state } = this.#given;
      if (library === null) throw new Undecided("undecided.library");
      this.#progress(0);
      const policy = this.#given.policy ?? this.#site?.policy ?? null;
      got = await checkLibrary({ library: (believed) => library.open(believed), policy, roots, state, asked });
    } catch (error) {
      got = { answer: "open", fault: asUndecided(error), facts: null };
    }
    if (run !== this.#run) return;
    this.#show(got, asked, word);
    element("result").focus();
  }

  #show(got, asked, word) {
    const kind = this.#given.library?.kind ?? null;
    this.#told = Object.freeze({ ...got, asked, word, kind, expected: sentWith("library", DIGEST) });
    this.#render();
  }

  /** Say how far the check is, not so often that it is all a reader hears. */
  #progress(done) {
    const now = performance.now();
    if (done > 0 && now < this.#spoke + 1000) return;
    this.#spoke = now;
    element("progress").replaceChildren(...this.#say.say("check.running", { done }));
  }

  #speak(lang) {
    this.#say = new Wording(lang);
    this.#render();
  }

  #render() {
    const say = this.#say;
    document.documentElement.lang = say.lang;
    document.title = say.text("check.title");
    for (const place of document.querySelectorAll("[data-say]")) place.replaceChildren(say.text(place.dataset.say));
    for (const button of document.querySelectorAll("button[data-lang]")) {
      button.setAttribute("aria-pressed", String(button.dataset.lang === say.lang));
    }
    element("review").hidden = say.lang === "en";
    const { library } = this.#given;
    element("chosen").replaceChildren(...(library === null
      ? [say.text("check.none")]
      : say.say("check.chosen", { name: library.name, count: library.count })));
    const trust = ["policy", "roots", "state"].filter((kind) => this.#given[kind] !== null);
    element("held").replaceChildren(...trust.map((kind) => make("span", {}, say.say("check.held", {
      kind: say.text(`check.${kind}`), digest: digestText(sha256Hex(this.#given[kind])),
    }))));
    element("site").replaceChildren(...(this.#site === null
      ? []
      : say.say("check.site", { digest: digestText(sha256Hex(this.#site.roots)) })));
    element("progress").replaceChildren();
    element("result").replaceChildren(...(this.#told === null ? [] : resultOf(say, this.#told)));
  }
}

/** A fault that no step foresaw leaves the question open too; a code keeps its own meaning. */
const asUndecided = (error) =>
  error instanceof Undecided ? error : new Undecided("undecided.fault", "", String(error));

new CheckPage().start();
