"""Office documents in ZIP files: what their properties and their words say of rights.

Sources: ECMA-376 part 2 §11 (core properties) and part 1 §22 (other properties), OpenDocument 1.3 part 3 (``meta.xml``,
encryption), EPUB 3.3 §4.2.6.3.1 (``encryption.xml``). Parts that hold the state of a program, or a font that only its
document can show, are passed over.
"""

import re
from typing import Final

from datalib.optout import markup
from datalib.optout.media.source import Metadata

_PROPERTIES = re.compile(r"docProps/[^/]+\.xml|meta\.xml")
_WORDS = re.compile(r"(?:word|ppt|xl|visio)/.*\.xml|(?:content|styles)\.xml")
#: Parts without words of an author.
_PASSED = re.compile(
    r"(?:.*/)?(?:printerSettings\d*\.bin|layout-cache|[^/]+\.(?:odttf|fntdata|rels)|\[Content_Types\]\.xml)|mimetype"
)
_ENCRYPTION: Final = "META-INF/encryption.xml"
_MANIFEST: Final = "META-INF/manifest.xml"
#: How fonts are made unusable outside of their publication: no encryption of what the publication says.
_FONTS_ONLY: Final = frozenset({"http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"})


def has_words(name: str) -> bool:
    """Say whether a part holds what the document says to its readers."""
    return _WORDS.fullmatch(name) is not None


def is_passed(name: str) -> bool:
    """Say whether a part of a package holds nothing that anybody wrote."""
    return _PASSED.fullmatch(name) is not None


def read_properties(name: str, data: bytes, found: Metadata) -> bool:
    """Enter the properties of a document as texts; say whether the part is one of them."""
    if not _PROPERTIES.fullmatch(name):
        return False
    elements = markup.parse(data)
    if elements is None:
        found.trouble.append("the properties of the document cannot be read")
        return True
    for place, element in enumerate(elements):
        text = element.text.strip()
        if text:
            above = elements[element.parent] if element.parent >= 0 else element
            own = next((value for key, value in element.attributes.items() if key.rpartition("\n")[2] == "name"), "")
            title = own or above.attributes.get("name", "") or element.local
            found.add_text(f"{title}: {text}", f"/{name}@{place}")
    return True


def encrypted(name: str, data: bytes) -> frozenset[str] | None:
    """Give the parts that ``META-INF`` says are fonts made unusable, or None where a part is encrypted in earnest."""
    if name == _MANIFEST:
        return None if b"encryption-data" in data else frozenset()
    if name != _ENCRYPTION:
        return frozenset()
    elements = markup.parse(data) or []
    used = {e.attributes.get("Algorithm", "") for e in elements if e.local == "EncryptionMethod"}
    if not elements or not used <= _FONTS_ONLY:
        return None
    return frozenset(e.attributes.get("URI", "") for e in elements if e.local == "CipherReference")
