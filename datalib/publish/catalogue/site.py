"""A catalogue as a whole: what it is called, who publishes it, where it stands, and the frame of its pages.

Every page lies one folder deep, or two: ``en/index.html``, ``library/KEY/en.html``. Addresses are relative, so that
the site works wherever it is put, also as a folder on a disk.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import datalib_vocab
from datalib import __version__
from datalib.publish.catalogue.assets import asset
from datalib.publish.checking import SiteTrust
from datalib.publish.markup import Markup, joined, plain, said, shown, tag
from datalib.publish.parts import paragraph
from datalib.publish.wording import Wording, moment
from datalib.trust.parties import Party
from datalib_vocab import LANGUAGES

#: How each language calls itself.
OWN_NAMES: Final = {"en": "English", "kk": "Қазақша", "ru": "Русский"}
#: Nothing but the site's own files; no script or style that stands in a page.
POLICY: Final = "default-src 'none'; script-src 'self'; style-src 'self'; base-uri 'none'; form-action 'none'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """``title`` by language, empty for the usual one; ``url`` where the site stands, ending in ``/``, or empty.

    ``systems``: the list of Order 196, annex 2, in the form of `datalib.forms.order196.published`, if there is one.
    ``trust``: what readers who check libraries in their browser may believe on this site's word.
    """

    now: int
    title: Mapping[str, str]
    publisher: Party | None = None
    url: str = ""
    systems: Sequence[Mapping[str, Any]] | None = None
    trust: SiteTrust | None = None

    def name(self, say: Wording) -> str:
        """Give the title in a language, unescaped."""
        return say.choose(self.title)[0] or say.text("catalogue")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a page stands: how to get to the top of the site, and to the same page in another language."""

    root: str
    other: Callable[[str], str]


def page(
    site: Site,
    say: Wording,
    place: Place,
    title: str,
    *content: Markup | None,
    footer: Markup,
    head: Markup | None = None,
) -> bytes:
    """Write a page; ``title`` is unescaped, empty for the first page."""
    name = shown(site.name(say), 200)
    full = f"{shown(title, 200)} · {name}" if title else name
    home = tag("a", said(name), href=f"{place.root}{say.lang}/index.html")
    top = tag(
        "header",
        _languages(say, place),
        paragraph(home, "kind") if title else None,
        tag("h1", said(shown(title, 200) if title else name)),
    )
    body = tag(
        "body",
        tag("a", say("skip"), href="#main", class_="skip"),
        top,
        tag("main", *content, id="main", tabindex="-1"),
        footer,
    )
    return f"<!DOCTYPE html>\n{tag('html', _head(say, place, full, head), body, lang=say.lang)}\n".encode()


def _head(say: Wording, place: Place, title: str, more: Markup | None) -> Markup:
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        tag("link", rel="stylesheet", href=place.root + asset("style.css").path),
        *(
            tag("link", rel="alternate", hreflang=lang, href=place.other(lang))
            for lang in LANGUAGES
            if lang != say.lang
        ),
        tag("link", rel="alternate", type="application/rss+xml", href=f"{place.root}{say.lang}/changes.xml"),
        more,
    )


def _languages(say: Wording, place: Place) -> Markup:
    items = [
        tag("li", tag("a", OWN_NAMES[lang], href=place.other(lang), lang=lang, hreflang=lang))
        if lang != say.lang
        else tag("li", tag("span", OWN_NAMES[lang], aria_current="true"))
        for lang in LANGUAGES
    ]
    return tag("nav", tag("ul", *items), aria_label=say.text("catalogue.languages"), class_="languages")


def foot(site: Site, say: Wording) -> Markup:
    """Write who publishes the catalogue, and when which program made the page."""
    made = say("made", version=Markup(plain(__version__)), time=moment(site.now))
    return tag("footer", publisher(site, say), paragraph(made), paragraph(say("review")) if say.lang != "en" else None)


def publisher(site: Site, say: Wording) -> Markup | None:
    """Write who publishes the catalogue, if that was said."""
    return paragraph(say("catalogue.publisher", name=say.party(site.publisher))) if site.publisher else None


def reason(code: str, say: Wording) -> Markup:
    """Write a code in words, and itself."""
    return joined(Markup(plain(datalib_vocab.text(code, say.lang))), " (", tag("code", code), ")")
