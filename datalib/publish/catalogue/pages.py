"""The pages of a catalogue: its lists, and one page for each library."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from datalib.publish import report
from datalib.publish.catalogue import check
from datalib.publish.catalogue.assets import asset
from datalib.publish.catalogue.entry import FACETS, STATES, Entry
from datalib.publish.catalogue.site import Place, Site, foot, page, publisher, reason
from datalib.publish.markup import Markup, joined, said, tag
from datalib.publish.parts import bullets, paragraph
from datalib.publish.story import Story
from datalib.publish.wording import Wording
from datalib_vocab import LANGUAGES

#: Libraries on one page of the list.
PAGE: Final = 50
_LIST: Final = re.compile(r"list-([1-9][0-9]{0,8})\.html")
#: Largest description that is embedded in a page, in bytes; the file beside it is whole.
EMBEDDED: Final = 32 << 10
#: What of a library can be loaded from its folder, in the order of the page.
RECORD: Final = "provenance.zip"
WHOLE: Final = "library.tar"
DOWNLOADS: Final = (RECORD, WHOLE, "datapackage.json", "chain.jsonl", "files.sha256", "dcat.ttl", "dcat.jsonld")


def name_of(number: int) -> str:
    """Give the name of a page of the list, counted from 1."""
    return "index.html" if number == 1 else f"list-{number}.html"


def number_of(name: str) -> int:
    """Give the number of a page of the list by its name; 0 for what is none."""
    found = _LIST.fullmatch(name)
    return int(found[1]) if found else 0


def count(libraries: int) -> int:
    """Tell how many pages a list of so many libraries has."""
    return max(1, -(-libraries // PAGE))


def listing(
    site: Site, say: Wording, entries: Sequence[Entry], *, number: int, counts: Mapping[str, int], index: str
) -> bytes:
    """Write one page of the list. ``counts``: libraries by state; ``index``: the script that the search begins with."""
    pages = count(sum(counts.values()))
    place = Place(root="../", other=lambda lang: f"../{lang}/{name_of(number)}")
    items = tag("ol", *(item(entry, say) for entry in entries), class_="items", start=(number - 1) * PAGE + 1)
    return page(
        site,
        say,
        place,
        "" if number == 1 else say.text("catalogue.page").format(number=number, pages=pages),
        _counted(counts, say),
        _form(say, index),
        tag(
            "section",
            tag("h2", say("catalogue.list"), id="list-title"),
            items if entries else paragraph(say("catalogue.empty")),
            _pager(number, pages, say) if pages > 1 else None,
            id="list",
            aria_labelledby="list-title",
        ),
        _data(site, say),
        footer=foot(site, say),
        head=tag("script", src="../" + asset("search.js").path, defer=""),
    )


def _counted(counts: Mapping[str, int], say: Wording) -> Markup:
    found = [(state, counts[state]) for state in STATES if counts.get(state)]
    parts = [tag("li", badge(state, say), " ", say.number(count)) for state, count in found]
    total = say("catalogue.total", count=sum(counts.values()))
    return joined(paragraph(total), tag("ul", *parts, class_="counts") if parts else None)


def badge(state: str, say: Wording) -> Markup:
    """Write how a library stands, in a word or two."""
    return tag("span", say(f"state.{state}"), class_=f"mark state {state}")


def item(entry: Entry, say: Wording) -> Markup:
    """Write a library in a list. Search writes the same (``search.js``)."""
    link = tag("a", said(title_of(entry, say), limit=200), href=f"../library/{entry.key}/{say.lang}.html")
    known = [one for one in (entry.maker.get(say.lang), entry.sector) if one]
    about = Markup(" · ").join(said(one, limit=200) for one in known)
    return tag(
        "li",
        tag("p", link, " ", badge(entry.state, say), class_="name"),
        paragraph(Markup(about), "note") if about else None,
        paragraph(reason(entry.code, say), "note") if entry.code else None,
    )


def title_of(entry: Entry, say: Wording) -> str:
    """Give the title of an entry, unescaped; of a library that is refused the name of its folder."""
    return entry.names.get(say.lang) or entry.folder or entry.key


def _form(say: Wording, index: str) -> Markup:
    """Write the search; it is hidden until its script runs, since without it would do nothing."""
    words = tag(
        "div",
        tag("label", say("catalogue.search"), for_="words"),
        tag("input", id="words", name="q", type="search", autocomplete="off", maxlength=200),
        class_="words",
    )
    filters = [
        tag(
            "div",
            tag("label", say(f"facet.{facet}"), for_=facet),
            tag("select", tag("option", say("facet.any"), value=""), id=facet, name=facet),
        )
        for facet in FACETS
    ]
    form = tag(
        "form",
        words,
        *filters,
        tag("button", say("catalogue.clear"), type="reset"),
        id="search",
        role="search",
        aria_label=say.text("catalogue.search"),
        data_index=index,
        data_found=say.text("catalogue.found"),
        data_wait=say.text("catalogue.wait"),
        data_failed=say.text("catalogue.failed"),
        hidden="",
    )
    results = tag(
        "section",
        tag("h2", say("catalogue.results"), id="results-title"),
        tag("ol", class_="items"),
        tag("button", say("catalogue.more"), type="button", hidden=""),
        id="results",
        aria_labelledby="results-title",
        hidden="",
    )
    return joined(form, tag("p", id="status", role="status", class_="note"), results)


def _pager(number: int, pages: int, say: Wording) -> Markup:
    near = {1, pages, *range(max(1, number - 2), min(pages, number + 2) + 1)}
    items = list[Markup]()
    last = 0
    for one in sorted(near):
        if one > last + 1:
            items.append(tag("li", "…", aria_hidden="true"))
        current = tag("span", say.number(one), aria_current="page")
        items.append(tag("li", current if one == number else tag("a", say.number(one), href=name_of(one))))
        last = one
    return tag("nav", tag("ul", *items), aria_label=say.text("catalogue.pages"), class_="pager")


def _data(site: Site, say: Wording) -> Markup:
    links = [tag("a", say("catalogue.changes"), href="changes.xml")]
    if site.systems is not None:
        links.append(tag("a", say("annex.title"), href="order196.html"))
    links += [tag("a", f"catalogue.{ending}", href=f"../catalogue.{ending}") for ending in ("ttl", "jsonld")]
    return tag(
        "section",
        tag("h2", say("catalogue.data"), id="data-title"),
        bullets(links, len(links), say, "plain"),
        id="data",
        aria_labelledby="data-title",
    )


def library(
    site: Site, say: Wording, *, story: Story, entry: Entry, files: Mapping[str, int], described: bytes
) -> bytes:
    """Write the page of a library. ``files``: bytes by name of what can be loaded; ``described``: DCAT as JSON-LD."""
    title = title_of(entry, say)
    content = report.sections(story, say)
    at = 1 if story.told is None else 2  # behind the verdict, and the contents of the page
    return page(
        site,
        say,
        _place(),
        title,
        *content[:at],
        _downloads(files, story.told.known.library, say) if files and story.told else None,
        *content[at:],
        footer=report.footer(story, say, publisher(site, say)),
        head=_embedded(described) if len(described) <= EMBEDDED else None,
    )


def unread(site: Site, say: Wording, *, entry: Entry, detail: str) -> bytes:
    """Write the page of a library that could not be read."""
    lines = [
        paragraph(
            joined(tag("span", "✕", class_="sign", aria_hidden="true"), " ", say("catalogue.unread")), "sentence"
        ),
        paragraph(reason(entry.code, say)),
        paragraph(said(detail, None if say.lang == "en" else "en")) if detail else None,  # the language of all details
    ]
    return page(
        site, say, _place(), title_of(entry, say), tag("section", *lines, class_="verdict no"), footer=foot(site, say)
    )


def _place() -> Place:
    return Place(root="../../", other=lambda lang: f"{lang}.html")


def _downloads(files: Mapping[str, int], library: str | None, say: Wording) -> Markup:
    items = [
        joined(
            tag("a", name, href=name, download=""),
            ": ",
            say(f"download.{name}"),
            " ",
            tag("span", say("download.bytes", bytes=files[name]), class_="note"),
        )
        for name in DOWNLOADS
        if name in files
    ]
    return tag(
        "section",
        tag("h2", say("download.title"), id="download-title"),
        bullets(items, len(items), say, "plain"),
        paragraph(say("download.how"), "note"),
        tag(
            "pre",
            tag("code", f"datalib verify {RECORD} --data none --policy policy.json --roots roots.json"),
            tabindex="0",
        ),
        check.link(library, say) if library else None,
        id="download",
        aria_labelledby="download-title",
    )


def _embedded(described: bytes) -> Markup:
    """Put JSON into a page; a browser does not run it, and nothing in it can end the element."""
    text = described.decode()
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return Markup(f'<script type="application/ld+json">{text}</script>') if described else Markup("")


def entrance(site: Site) -> bytes:
    """Write the page at the top, which asks for the language."""
    words = [Wording(lang=lang) for lang in LANGUAGES]
    names = [site.name(say) for say in words]
    links = [
        tag("li", tag("a", said(name), href=f"{say.lang}/index.html", lang=say.lang, hreflang=say.lang))
        for say, name in zip(words, names, strict=True)
    ]
    place = Place(root="", other=lambda lang: f"{lang}/index.html")
    return page(site, words[0], place, "", tag("ul", *links, class_="plain"), footer=tag("footer"))
