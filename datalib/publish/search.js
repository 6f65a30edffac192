"use strict";
// Search and filters of a catalogue. The index comes as scripts, a part at a time, since a page that is opened from a
// disk may load scripts but no data. Everything in it is shown as text.
(() => {
  const form = document.getElementById("search");
  if (!form) return;
  const list = document.getElementById("list");
  const results = document.getElementById("results");
  const items = results.querySelector("ol");
  const more = results.querySelector("button");
  const status = document.getElementById("status");
  const lang = document.documentElement.lang;
  const STEP = 50; // libraries shown at a time
  const [KEY, TITLE, MAKER, SECTOR, PRODUCER, PURPOSES, LANGUAGES, LICENCES, STATE, CODE, WORDS] = Array(11).keys();
  const PLACES = {
    sector: SECTOR, producer: PRODUCER, purpose: PURPOSES, language: LANGUAGES, licence: LICENCES, state: STATE,
  };
  const folded = text => text.normalize("NFKC").toLocaleLowerCase(lang);
  let head = null, wanted = STEP, turn = 0, handed = null;
  const parts = [];

  window.datalibCatalogue = value => { handed = value; };
  // Scripts run one after another, and each is taken up before the next begins.
  let last = Promise.resolve();
  const load = name => last = last.catch(() => {}).then(() => new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = "../index/" + name;
    script.onload = () => { script.remove(); done(handed); };
    script.onerror = () => { script.remove(); failed(new Error(name)); };
    document.head.append(script);
  }));
  const part = async number => {
    if (!parts[number]) {
      const [, records] = await load(head.chunks[number]);
      parts[number] = records.map(one => [one, folded([one[TITLE], one[MAKER], one[SECTOR], one[PRODUCER], one[WORDS]].join(" "))]);
    }
    return parts[number];
  };

  const element = (name, kind, ...children) => {
    const made = document.createElement(name);
    if (kind) made.className = kind;
    made.append(...children);
    return made;
  };
  const item = one => {
    const link = element("a", "", element("bdi", "", one[TITLE]));
    link.href = `../library/${one[KEY]}/${lang}.html`;
    const about = [one[MAKER], one[SECTOR]].filter(text => text).map(text => element("bdi", "", text));
    const made = element("li", "", element("p", "name", link, " ", element("span", `mark state ${one[STATE]}`, head.states[one[STATE]])));
    if (about.length) made.append(element("p", "note", ...about.flatMap((text, at) => at ? [" · ", text] : [text])));
    if (one[CODE]) made.append(element("p", "note", head.codes[one[CODE]], " (", element("code", "", one[CODE]), ")"));
    return made;
  };

  const asked = () => {
    const found = Object.fromEntries([...new FormData(form)].filter(([, value]) => value.trim()));
    return Object.keys(found).length ? found : null;
  };
  const fits = ([one, text], words, filters) =>
    filters.every(([place, value]) => Array.isArray(one[place]) ? one[place].includes(value) : one[place] === value)
    && words.every(word => text.includes(word));

  const tell = (key, count) => { status.textContent = key ? form.dataset[key].replace("{count}", count.toLocaleString(lang)) : ""; };
  const search = async () => {
    const mine = ++turn, question = asked();
    list.hidden = Boolean(question);
    results.hidden = !question;
    if (!question) { tell(""); return; }
    const words = folded(question.q || "").split(/\s+/).filter(word => word);
    const filters = Object.entries(PLACES).filter(([name]) => question[name]).map(([name, place]) => [place, question[name]]);
    items.replaceChildren();
    let count = 0;
    try {
      for (let number = 0; number < head.chunks.length; number++) {
        tell("wait", count);
        const found = await part(number);
        if (mine !== turn) return;
        for (const one of found) {
          if (!fits(one, words, filters)) continue;
          if (count++ < wanted) items.append(item(one[0]));
        }
      }
      more.hidden = count <= wanted;
      tell("found", count);
    } catch {
      if (mine !== turn) return;
      list.hidden = false;
      tell("failed", count);
    }
  };

  const restart = () => {
    wanted = STEP;
    const question = asked();
    const hash = question ? "#" + new URLSearchParams(question) : "";
    history.replaceState(null, "", location.pathname + location.search + hash);
    for (const link of document.querySelectorAll(".languages a")) link.hash = hash;
    search();
  };
  const name = (facet, value, label) => {
    if (facet !== "language") return label;
    try { return new Intl.DisplayNames([lang], { type: "language" }).of(value); } catch { return label; }
  };
  const start = async () => {
    head = await load(form.dataset.index);
    for (const [facet, values] of Object.entries(head.facets)) {
      const select = form.elements[facet];
      for (const [value, label, count] of values) select.append(new Option(`${name(facet, value, label)} (${count.toLocaleString(lang)})`, value));
      select.closest("div").hidden = values.length === 0;
    }
    const given = new URLSearchParams(location.hash.slice(1));
    for (const field of ["q", ...Object.keys(PLACES)]) form.elements[field].value = given.get(field) || "";
    form.hidden = false;
    let timer;
    form.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(restart, 150); });
    form.addEventListener("reset", () => setTimeout(restart));
    form.addEventListener("submit", event => { event.preventDefault(); restart(); });
    more.addEventListener("click", () => { wanted += STEP; search(); });
    if (asked()) restart();
  };
  start().catch(() => { status.textContent = ""; });
})();
