"""What a web page says to machines: its meta elements and licence links.

A page is untrusted and can be built to cost a tree builder hours or gigabytes (deep nesting, countless attributes), so
no tree is built of it. One linear pass after the tokenizer of the WHATWG HTML standard finds the few start tags that
matter, and passes over what stands in comments, in scripts and other raw text, and in attributes. Their attributes are
then read by Lexbor, as a browser would.
"""

import codecs
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from datalib.optout.signs import MOST, find_signs
from datalib.repeating import repeated

#: A page longer than this, or with a tag longer than the second, counts as not fully read.
MAX_BYTES: Final = 8 << 20
MAX_TAG: Final = 16 << 10
#: All tags that matter together.
MAX_TAGS: Final = 1 << 20

_UTF16: Final = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_RSL: Final = "application/rsl+xml"
_WANTED: Final = frozenset({b"meta", b"link", b"script"})
#: Elements whose content is text up to their end tag.
_RAW: Final = frozenset({b"script", b"style", b"textarea", b"title", b"xmp", b"iframe", b"noembed", b"noframes"})
_FOREIGN: Final = frozenset({b"svg", b"math"})
_ENDS: Final = {name: re.compile(rb"</" + name + rb"(?=[\t\n\f\r />])", re.IGNORECASE) for name in _RAW}

_NAMES = rb"(?:meta|link|script|style|textarea|title|xmp|iframe|noembed|noframes|plaintext|svg|math)(?=[\t\n\f\r />])"
#: From a tag's name to its end. A quote counts only behind an equals sign; an unfinished tag reaches to the end.
REST = repeated(rb"""=[\t\n\f\r ]*+(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z))|[^>]""") + rb"(?:>|\Z)"
_NEXT = re.compile(
    repeated(
        rb"""[^<]++                                 # text
        |<!--(?:-?>|.*?(?:--!?>|\Z))                # comments
        |<(?:[!?]|/(?![a-z]))[^>]*+(?:>|\Z)         # declarations and what counts as a comment
        |<(?![a-z/!?])                              # a lone sign
        |</?(?!%(names)b)[a-z]%(rest)b              # tags that do not matter
        """
        % {b"names": _NAMES, b"rest": REST}
    )
    + rb"(?P<tag><(?P<end>/?)(?P<name>[a-z]+)%b)" % REST,
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
#: With one of these begins, or in it stands, every tag that matters; what comes after the last of them does not.
_SIGNS: Final = (b"<meta", b"<link", b"rsl")


@dataclass(frozen=True, slots=True, kw_only=True)
class Meta:
    """A meta element. ``attribute`` says where its name stands: ``name``, ``property`` or ``http-equiv``."""

    attribute: str
    name: str
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PageMeta:
    """The meta elements and the RSL licences of a page, in its order. Names are in lower case.

    ``licences`` are links to documents, ``documents`` those that stand in the page itself.
    """

    metas: tuple[Meta, ...]
    licences: tuple[str, ...]
    documents: tuple[str, ...]
    complete: bool

    def named(self, name: str) -> tuple[str, ...]:
        """Give the contents of ``<meta name=…>``."""
        return tuple(meta.content for meta in self.metas if meta.attribute == "name" and meta.name == name)


def read_page(html: bytes) -> PageMeta:
    """Read the meta elements and licence links of a page."""
    from selectolax.lexbor import LexborHTMLParser  # heavy, and only pages need it

    data = html[:MAX_BYTES]
    encoding = _UTF16.get(data[:2])
    if encoding:
        data = data[2:].decode(encoding, "replace").encode()
    complete = len(html) <= MAX_BYTES
    kept: list[bytes] = []
    size = 0
    text = data.replace(b"\0", b"")
    for tag in _tags(text, _last_sign(text)):
        size += len(tag)
        if len(tag) > MAX_TAG or size > MAX_TAGS:
            complete = False
            continue
        kept.append(tag)
    tree = LexborHTMLParser(b"\n".join(kept).decode("utf-8", "replace"))
    return PageMeta(
        metas=tuple(meta for node in tree.css("meta") for meta in _metas(node.attributes)),
        licences=tuple(
            _shown(node.attributes, "href") for node in tree.css("link[href]") if _is_licence(node.attributes)
        ),
        documents=tuple(node.text() for node in tree.css("script[type]") if _is_rsl(node.attributes)),
        complete=complete,
    )


def _tags(text: bytes, last: int) -> Iterator[bytes]:
    """Give the start tags of the wanted elements as they are written; a script that may be a licence comes whole.

    None that matters begins behind ``last``.

    Tags are told by ASCII alone, which in UTF-8 is never part of another character: so no page is decoded whole.
    """
    place = foreign = 0
    while place <= last and (found := _NEXT.match(text, place)):
        place = found.end()
        name, tag = found["name"].lower(), found["tag"]
        if not tag.endswith(b">"):
            return
        if found["end"]:
            foreign -= name in _FOREIGN and foreign > 0
            continue
        if name == b"script":
            end = _ENDS[name].search(text, place) if b"rsl" in tag.lower() and not foreign else None
            yield tag + (text[place : end.start()] if end else b"") + b"</script>"
        elif name in _WANTED:
            yield tag
        if name in _FOREIGN:
            foreign += not tag.endswith(b"/>")
        elif name == b"plaintext":
            return
        elif name in _RAW and not foreign:  # in SVG and MathML these hold elements
            end = _ENDS[name].search(text, place)
            if end is None:
                return
            place = end.start()


def _last_sign(text: bytes) -> int:
    """Give the place behind which no tag that matters begins, or -1: of the last sign, or of the last tag before it."""
    tags = find_signs(text).tags
    if not tags:
        return -1
    last = max(map(text.lower().rfind, _SIGNS))
    return last if len(tags) > MOST else min(last, tags[-1])


def _metas(attributes: Mapping[str, str | None]) -> Iterator[Meta]:
    content = _shown(attributes, "content")
    for attribute in ("name", "property", "http-equiv"):
        if name := _shown(attributes, attribute).strip().casefold():
            yield Meta(attribute=attribute, name=name, content=content)


def _is_licence(attributes: Mapping[str, str | None]) -> bool:
    return "license" in _shown(attributes, "rel").casefold().split() and _is_rsl(attributes)


def _is_rsl(attributes: Mapping[str, str | None]) -> bool:
    return _shown(attributes, "type").partition(";")[0].strip().casefold() == _RSL


def _shown(attributes: Mapping[str, str | None], name: str) -> str:
    return attributes.get(name) or ""
