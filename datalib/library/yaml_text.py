"""YAML descriptors, read as what JSON can say and bounded before anything is built.

YAML lets a kilobyte stand for terabytes (aliases of aliases), for objects of the reader's language (tags) and for
structures that contain themselves. The event stream is checked first, without building anything; only then does
PyYAML's safe loader run. The values are those of YAML 1.1, save dates, which stay texts. Source: YAML 1.1 §§3, 6, 7.
"""

import math
from typing import Any, Final

import yaml

from datalib.canonical import MAX_DEPTH, MAX_INTEGER
from datalib.errors import Refused

#: Largest YAML text, in bytes.
SIZE_LIMIT: Final = 4 << 20
#: Most values plus characters that the text may stand for, aliases written out.
WEIGHT_LIMIT: Final = 16 << 20

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _TextLoader(_Loader):  # type: ignore[misc]  # the faster of two bases, whichever PyYAML was built with
    """The safe loader, without dates and with an eye on repeated names."""

    yaml_implicit_resolvers = {  # noqa: RUF012 -- PyYAML's own name for its table
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in _Loader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 -- PyYAML's signature
        """Build a mapping; a name given twice is refused, as in JSON."""
        mapping: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        if len(mapping) != len(node.value):
            raise Refused("E-JSON-DUPKEY", "", f"line {node.start_mark.line + 1}: a name is given twice")
        return mapping


def parse(data: bytes, *, where: str = "") -> dict[str, Any]:
    """Read one YAML document that is a mapping.

    Raises ``Refused`` with codes of JSON: ``E-JSON-SIZE``, ``-UTF8``, ``-DEPTH``, ``-DUPKEY``, ``-INT``, ``-NAN``, and
    ``E-DESCRIPTOR`` for what is no YAML, no mapping, or nothing that JSON has a word for.
    """
    if len(data) > SIZE_LIMIT:
        raise Refused("E-JSON-SIZE", where, f"{len(data)} bytes; {SIZE_LIMIT} are read")
    try:
        text = data.decode()
    except UnicodeDecodeError as problem:
        raise Refused("E-JSON-UTF8", where, f"byte {problem.start} is not UTF-8") from problem
    try:
        _check_events(text, where)
        value = yaml.load(text, Loader=_TextLoader)  # noqa: S506 -- a safe loader, with fewer types
    except Refused as refusal:
        raise Refused(refusal.code, where, refusal.detail) from refusal
    except (
        yaml.YAMLError,
        ValueError,
        OverflowError,
        TypeError,
    ) as problem:  # a tag or number that does not fit its text
        raise Refused("E-DESCRIPTOR", where, " ".join(str(problem).split())[:200]) from problem
    if not isinstance(value, dict):
        raise Refused("E-DESCRIPTOR", where, "the document is not a mapping")
    plain: dict[str, Any] = _plain(value, where)
    return plain


class _Weigher:
    """Adds up what a text stands for, aliases written out, from its events alone."""

    def __init__(self, where: str) -> None:
        self.total = 0
        self._where = where
        self._weights: dict[str, int] = {}
        self._open: list[tuple[str | None, int]] = []

    def take(self, event: Any) -> None:
        if isinstance(event, yaml.AliasEvent):
            self._alias(event.anchor)
        elif isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._open.append((event.anchor, self.total))
            self.total += 1
            if len(self._open) > MAX_DEPTH:
                raise Refused("E-JSON-DEPTH", self._where, f"nested deeper than {MAX_DEPTH}")
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = self._open.pop()
            if anchor:
                self._weights[anchor] = self.total - before

    def _alias(self, anchor: str | None) -> None:
        # A weight is known only when its node has ended: so nothing contains itself.
        if anchor is None or anchor not in self._weights:
            raise Refused("E-DESCRIPTOR", self._where, f"alias {anchor!r} stands for nothing, or for itself")
        self.total += self._weights[anchor]

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        if event.value == "<<" and event.implicit[0]:
            raise Refused("E-DESCRIPTOR", self._where, "merge keys (<<) are not read: write the members out")
        self.total += 1 + len(event.value)
        if event.anchor:
            self._weights[event.anchor] = 1 + len(event.value)


def _check_events(text: str, where: str) -> None:
    weigher = _Weigher(where)
    for event in yaml.parse(text, Loader=_Loader):
        weigher.take(event)
        if weigher.total > WEIGHT_LIMIT:
            raise Refused(
                "E-JSON-SIZE", where, f"with its aliases written out it is larger than {WEIGHT_LIMIT} characters"
            )


def _plain(value: Any, where: str) -> Any:
    """Copy a value (aliases become copies); refuse what JSON cannot say."""
    if isinstance(value, dict):
        for name in value:
            if not isinstance(name, str):
                raise Refused("E-DESCRIPTOR", where, f"member name {name!r} is not a text: put it in quotes")
        return {name: _plain(item, where) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, where) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise Refused("E-JSON-NAN", where, f"{value} is no JSON number")
    if isinstance(value, int) and abs(value) > MAX_INTEGER:
        raise Refused("E-JSON-INT", where, "an integer is beyond 2^53-1")
    if value is None or isinstance(value, (str, int, float)):
        return value
    raise Refused("E-DESCRIPTOR", where, f"a value of type {type(value).__name__} has no JSON form")
