"""CoNLL-U files as works: one document each, with the URL and the licence that its comments name.

Source: CoNLL-U format (Universal Dependencies), ``# newdoc`` and comments ``# key = value``. Comments before the first
document hold for all of them. A document is kept byte for byte.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

URL: Final = "url"
LICENCE: Final = "license"
TEXT: Final = "conllu"
#: A document that is longer cannot be held; what is behind this bound is not read.
MAX_DOCUMENT: Final = 64 << 20

_KEYS: Final = {
    URL: ("sourceurl", "source_url", "url", "source-url"),
    LICENCE: ("license", "licence", "rights"),
}
_NEW: Final = b"# newdoc"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A document: its lines as they stand, and its comments by key. ``number`` is -1 for what stands before all."""

    number: int
    raw: bytes
    comments: dict[str, str]

    def value(self, column: str) -> str | None:
        """Give the value of a column: ``url``, ``license``, the text itself, or a comment by its own name."""
        if column == TEXT:
            return self.raw.decode("utf-8", "replace")
        if column in self.comments:
            return self.comments[column]
        plain = {key.rpartition("::")[2].casefold(): value for key, value in self.comments.items()}
        return next((plain[key] for key in _KEYS.get(column, ()) if key in plain), None)


def documents(lines: Iterable[bytes]) -> Iterator[Document]:
    """Cut a file into documents; one without ``# newdoc`` is a single document. Raises ValueError for a huge one."""
    common: dict[str, str] = {}
    head: list[bytes] = []
    held: list[bytes] = []
    number, size = -1, 0
    for line in lines:
        if line.startswith(_NEW):
            if number < 0:
                head, common = held, _comments(held)
                if any(_is_token(each) for each in held):  # sentences before the first mark are a document too
                    number, head, common = 0, [], {}
                    yield _document(number, held, {})
                elif head:
                    yield _document(-1, head, {})
            else:
                yield _document(number, held, common)
            number, held, size = number + 1, [], 0
        held.append(line)
        size += len(line)
        if size > MAX_DOCUMENT:
            raise ValueError("a document is too long")
    if held:
        yield _document(max(number, 0), held, common)


def columns(lines: Iterable[bytes]) -> tuple[str, ...]:
    """Name the columns of a file: the two that are understood, then the comments of its first document."""
    first = next((found for found in documents(lines) if found.number >= 0), None)
    own = tuple(first.comments) if first else ()
    return tuple(dict.fromkeys((URL, LICENCE, *own)))


def batches(lines: Iterable[bytes], names: Sequence[str], rows: int, *, whole: bool) -> Iterator[tuple[int, Any]]:
    """Give the documents as record batches of some columns, each with its first number; ``whole``: their text."""
    wanted = tuple(dict.fromkeys([*names, *((TEXT,) if whole else ())]))
    held: list[Document] = []
    size = 0
    for document in documents(lines):
        if document.number >= 0:
            held.append(document)
            size += len(document.raw)
        if len(held) == rows or size >= MAX_DOCUMENT:
            yield held[0].number, _batch(held, wanted)
            held, size = [], 0
    if held:
        yield held[0].number, _batch(held, wanted)


def _batch(held: Sequence[Document], names: Sequence[str]) -> Any:
    import pyarrow as pa

    arrays = {name: pa.array([document.value(name) for document in held], pa.string()) for name in names}
    return pa.RecordBatch.from_pydict(arrays)


def _document(number: int, held: Sequence[bytes], common: dict[str, str]) -> Document:
    return Document(number=number, raw=b"".join(held), comments=common | _comments(held))


def _comments(lines: Sequence[bytes]) -> dict[str, str]:
    """Read the comments before the first word: those of a sentence say nothing about the document."""
    found: dict[str, str] = {}
    for line in lines:
        if _is_token(line):
            break
        if line.startswith(b"#"):
            key, equals, value = line[1:].decode("utf-8", "replace").partition("=")
            if equals and key.strip():
                found.setdefault(key.strip(), value.strip())
    return found


def _is_token(line: bytes) -> bool:
    return bool(line.strip()) and not line.startswith(b"#")
