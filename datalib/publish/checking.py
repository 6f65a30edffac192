"""A page that checks a library where the reader is: one HTML file, one script of our own, no network.

The script is the parts in ``assets/check`` one after another, in one function, so that the page also works from a file,
where a browser loads no modules. What the parts need as data is written before them: the schemas, the tables of the
Unicode version by which this program judges names, and the words of the page in every language.
"""

import hashlib
import json
import re
import sys
import unicodedata
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import groupby
from typing import Any, Final, Self

import datalib_vocab
from datalib import __version__
from datalib.library.paths import FORBIDDEN_CATEGORIES
from datalib.publish import report
from datalib.publish.markup import Markup, joined, plain, tag
from datalib.publish.parts import paragraph
from datalib.publish.wording import Wording, sentences
from datalib.trust.policy import Policy, Roots
from datalib_manifests import schema

#: The parts of the script that verify, in the order in which they build on each other, and those of the page.
CHECKS: Final = (
    "bytes", "sha256", "json", "schema", "forms", "keys", "envelope", "merkle", "log", "tlog", "policy", "paths",
    "listing", "manifest", "links", "replay", "history", "assembly", "contents", "gate", "files", "entries", "zip",
    "tar", "verify",
)  # fmt: skip
PAGE: Final = ("words", "given", "result", "page")

#: Families of sentences that the script says.
_SAID: Final = frozenset(
    {"about", "check", "checked", "checks", "digests", "event", "graph", "more", "past", "result", "review", "skip"}
    | {"unchecked", "undecided", "use", "verdict"}
)
_CODE: Final = re.compile(r'"(E-[A-Z0-9-]+)"')
_LANGUAGES: Final = {"en": "English", "kk": "Қазақша", "ru": "Русский"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteTrust:
    """What a site that publishes the page puts into it: the bytes of a policy and of its roots.

    Whoever gives no roots of their own believes them on this site's word, and the page says so.
    """

    policy: bytes
    roots: bytes

    @classmethod
    def parse(cls, policy: bytes, roots: bytes, *, now: int) -> Self:
        """Take two files, unless nobody could believe them at ``now`` (seconds since 1970).

        Raises ``Misuse`` for roots that are none, ``Refused`` with the codes of policies.
        """
        Policy.load(policy, roots=Roots.parse(roots), now=now)
        return cls(policy=policy, roots=roots)


def write(lang: str, site: SiteTrust | None = None) -> bytes:
    """Give the bytes of the page; it opens in a language of ``datalib_vocab.LANGUAGES``, and has them all."""
    code, css = script(*CHECKS, *PAGE), report.style() + own_style()
    sources = (f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in (code, css))
    return _page(lang, site, _policy(*sources), Markup(f"<style>{css}</style>"), Markup(f"<script>{code}</script>"))


def linked(lang: str, site: SiteTrust | None, *, script: str, styles: Iterable[str]) -> bytes:
    """Give the bytes of the page for a site that allows no script in a page: with the addresses of script and styles.

    These hold ``script(*CHECKS, *PAGE)``, the style of pages and `own_style`.
    """
    links = joined(*(tag("link", rel="stylesheet", href=style) for style in styles))
    return _page(lang, site, _policy("'self'", "'self'"), links, tag("script", src=script))


def own_style() -> str:
    """Give what this page adds to the style of pages."""
    return _asset("check.css")


def _page(lang: str, site: SiteTrust | None, policy: str, style: Markup, code: Markup) -> bytes:
    say = Wording(lang=lang)
    head = tag(
        "head",
        Markup('<meta charset="utf-8">'),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", say("check.title")),
        style,
    )
    main = tag("main", *_main(say), id="main", tabindex="-1")
    skip = tag("a", say("skip"), href="#main", class_="skip", data_say="skip")
    body = tag("body", skip, _header(say), main, _footer(say), _trust(site), code)
    return f"<!DOCTYPE html>\n{tag('html', head, body, lang=lang)}\n".encode()


def script(*parts: str) -> str:
    """Put parts of the script together, with the data that they need; they see nothing of the page's other names."""
    data = {"SCHEMAS": schema("manifest")["$defs"], "UNICODE": _unicode(), "TEXTS": _texts(), "CODES": _codes()}
    data["PURPOSES"] = {code: entry["label"] for code, entry in _purposes().items()}
    constants = "".join(f"const {name} = {_literal(value)};\n" for name, value in data.items())
    return f'(() => {{\n"use strict";\n{constants}{"".join(_asset(f"{name}.js") for name in parts)}}})();\n'


def _asset(name: str) -> str:
    return files("datalib.publish").joinpath("assets", "check", name).read_text(encoding="utf-8")


def _policy(script: str, style: str) -> str:
    """Forbid everything but one source of scripts and one of styles."""
    return (
        f"default-src 'none'; connect-src 'none'; script-src {script}; style-src {style}; base-uri 'none'; "
        "form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )


def _trust(site: SiteTrust | None) -> Markup | None:
    """Write what the site brings, as data that nothing runs."""
    if site is None:
        return None
    value = {"policy": b64encode(site.policy).decode(), "roots": b64encode(site.roots).decode()}
    return tag("script", Markup(_literal(value)), type="application/json", id="site-trust")


def _header(say: Wording) -> Markup:
    buttons = [
        tag("button", name, type="button", lang=lang, data_lang=lang, aria_pressed=str(lang == say.lang).lower())
        for lang, name in _LANGUAGES.items()
    ]
    languages = tag("div", *buttons, class_="languages", role="group", aria_label=" · ".join(_each("check.languages")))
    title = tag("h1", say("check.title"), data_say="check.title")
    return tag("header", tag("p", say("check.kind"), class_="kind", data_say="check.kind"), title, languages)


def _each(key: str) -> list[str]:
    return [sentences()[key][lang] for lang in datalib_vocab.LANGUAGES]


def _main(say: Wording) -> list[Markup]:
    without = [
        tag("p", text, lang=lang) for lang, text in zip(datalib_vocab.LANGUAGES, _each("check.noscript"), strict=True)
    ]
    form = tag("form", _library(say), _believed(say), _asked(say), tag("p", _button(say)), id="form")
    return [
        _said("check.intro", say),
        tag("noscript", *without),
        form,
        tag("p", id="progress", role="status"),
        tag("div", id="result", tabindex="-1"),
    ]


def _said(key: str, say: Wording, kind: str | None = None) -> Markup:
    return tag("p", say(key), data_say=key, class_=kind)


def _field(name: str, say: Wording, control: Markup) -> Markup:
    key = f"check.{name}"
    return tag("p", tag("label", say(key), for_=name, data_say=key), control)


def _box(name: str, say: Wording) -> Markup:
    key = f"check.{name}"
    box = tag("input", type="checkbox", id=name, checked="")
    return tag("p", box, tag("label", say(key), for_=name, data_say=key))


def _file(name: str, say: Wording, **more: str) -> Markup:
    return _field(name, say, tag("input", type="file", id=name, **more))


def _fieldset(name: str, say: Wording, *content: Markup) -> Markup:
    return tag("fieldset", tag("legend", say(f"check.{name}"), data_say=f"check.{name}"), *content)


def _library(say: Wording) -> Markup:
    chosen = tag("p", say("check.none"), id="chosen", role="status", class_="wide")
    folder = _file("folder", say, webkitdirectory="")
    return _fieldset("library", say, _said("check.drop", say, "wide"), folder, _file("archive", say), chosen)


def _believed(say: Wording) -> Markup:
    label = tag("label", say("check.pinned"), for_="pinned", data_say="check.pinned")
    pinned = tag("p", label, tag("textarea", id="pinned", rows=3, spellcheck="false"), class_="wide")
    site = tag("p", id="site", class_="wide note")
    return _fieldset(
        "trust", say, site, _file("policy", say), _file("roots", say), pinned, tag("p", id="held", class_="wide")
    )


def _asked(say: Wording) -> Markup:
    known = tag("datalist", *(tag("option", value=code) for code in _purposes()), id="purposes")
    purpose = _field("purpose", say, joined(tag("input", id="purpose", list="purposes", autocomplete="off"), known))
    boxes = [_box(name, say) for name in ("optout", "data")]
    return _fieldset("ask", say, purpose, *boxes, _file("state", say))


def _button(say: Wording) -> Markup:
    return tag("button", say("check.run"), type="submit", class_="main", data_say="check.run")


def _footer(say: Wording) -> Markup:
    review = tag("p", say("review"), id="review", data_say="review", hidden="" if say.lang == "en" else None)
    made = paragraph(say("check.made", version=Markup(plain(__version__))))
    return tag("footer", review, made)


def _literal(value: Any) -> str:
    """Write a value for a script inside of a page: nothing in it ends the script."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def _texts() -> Mapping[str, Mapping[str, str]]:
    return {key: told for key, told in sentences().items() if key.partition(".")[0] in _SAID}


@cache
def _codes() -> Mapping[str, Any]:
    """Give text and remedy of every code that the script can give, in every language."""
    found = sorted({code for name in CHECKS for code in _CODE.findall(_asset(f"{name}.js"))})
    return {
        code: {
            lang: {"text": datalib_vocab.text(code, lang), "remedy": datalib_vocab.remedy(code, lang)}
            for lang in datalib_vocab.LANGUAGES
        }
        for code in found
    }


@cache
def _purposes() -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(datalib_vocab.read("purposes.json"))["known"]
    return found


@cache
def _unicode() -> Mapping[str, Any]:
    """Give what names of files are judged by: a class of forbidden characters, and what case folding changes."""
    every = [chr(code) for code in range(sys.maxunicode + 1)]
    forbidden = "".join(_ranges(char for char in every if unicodedata.category(char) in FORBIDDEN_CATEGORIES))
    return {"forbidden": forbidden, "folds": [[char, char.casefold()] for char in every if char != char.casefold()]}


def _ranges(chars: Iterable[str]) -> Iterator[str]:
    """Write characters as ranges of a class in a pattern."""
    for _, group in groupby(enumerate(map(ord, chars)), lambda pair: pair[1] - pair[0]):
        codes = [code for _, code in group]
        yield f"\\u{{{codes[0]:x}}}-\\u{{{codes[-1]:x}}}"
