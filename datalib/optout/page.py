"""What the head of a web page says to machines: its meta elements and licence links, read in one parse.

The parser (Lexbor, WHATWG HTML) decides what is an element: what stands in comments, scripts and attributes is none.
"""

import codecs
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

#: A page longer than this is read up to here and counts as not fully read.
MAX_BYTES: Final = 8 << 20
_UTF16: Final = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_RSL: Final = "application/rsl+xml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Meta:
    """A meta element. ``attribute`` says where its name stands: ``name``, ``property`` or ``http-equiv``."""

    attribute: str
    name: str
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PageMeta:
    """The meta elements and the RSL licences of a page, in its order. Names are in lower case."""

    metas: tuple[Meta, ...]
    licences: tuple[str, ...]
    complete: bool

    def named(self, name: str) -> tuple[str, ...]:
        """Give the contents of ``<meta name=…>``."""
        return tuple(meta.content for meta in self.metas if meta.attribute == "name" and meta.name == name)


def read_page(html: bytes) -> PageMeta:
    """Read the meta elements of a page."""
    from selectolax.lexbor import LexborHTMLParser  # heavy, and only pages need it

    data = html[:MAX_BYTES]
    encoding = _UTF16.get(data[:2])
    text = data[2:].decode(encoding, "replace") if encoding else data.decode("utf-8", "replace")
    tree = LexborHTMLParser(text.replace("\0", ""))
    metas = [meta for node in tree.css("meta") for meta in _metas(node.attributes)]
    licences = [
        _shown(node.attributes, "href")
        for node in tree.css("link[href]")
        if "license" in _shown(node.attributes, "rel").casefold().split() and _is_rsl(node.attributes)
    ]
    licences += ["<script>" for node in tree.css("script[type]") if _is_rsl(node.attributes)]
    return PageMeta(metas=tuple(metas), licences=tuple(licences), complete=len(html) <= MAX_BYTES)


def _metas(attributes: Mapping[str, str | None]) -> list[Meta]:
    content = _shown(attributes, "content")
    return [
        Meta(attribute=name, name=_shown(attributes, name).strip().casefold(), content=content)
        for name in ("name", "property", "http-equiv")
        if attributes.get(name)
    ]


def _is_rsl(attributes: Mapping[str, str | None]) -> bool:
    return _shown(attributes, "type").partition(";")[0].strip().casefold() == _RSL


def _shown(attributes: Mapping[str, str | None], name: str) -> str:
    return attributes.get(name) or ""
