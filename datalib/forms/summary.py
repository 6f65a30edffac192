"""The public summary of training content that a provider of a general-purpose AI model publishes, from manifests.

Whatever the manifests of the libraries say is filled in; the provider's own answers come first; what nobody has said is
marked as to be filled in. A library cannot know what else a model was trained on: a category that no library shows is
never answered with no. Source: Regulation (EU) 2024/1689 art. 53(1)(d); template C(2025) 5235, its numbers.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import datalib_vocab
from datalib.errors import Refused
from datalib.forms import domains
from datalib.forms.held import Held
from datalib.forms.page import Block, Cell, Heading, Page, Paragraph, Table
from datalib.library.modality import SIZES, modalities
from datalib.rules.case import as_date, mapping, texts

#: Bounds of the template's classes of size: a thousand million and ten million million tokens and so on.
_CLASSES: Final[Mapping[str, tuple[float, float, str]]] = {
    "text": (1e9, 1e13, "tokens"),
    "image": (1e6, 1e9, "images"),
    "audio": (1e4, 1e6, "hours"),
    "video": (1e4, 1e6, "hours"),
}
#: Licences under which everybody may use a dataset, by how their SPDX ids begin.
_OPEN: Final = ("cc0", "cc-by", "odc", "odbl", "pddl", "mit", "apache", "bsd", "cdla", "public", "etalab", "ogl")


@cache
def layout() -> Mapping[str, Any]:
    """Give the sections and fields of the template: ``eu-summary.json`` of the vocabulary."""
    found: Mapping[str, Any] = json.loads(datalib_vocab.read("eu-summary.json"))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A summary: the page, and the keys of fields that somebody still has to fill in."""

    page: Page
    todo: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """A source of a library, and the section of the template that it belongs to."""

    held: Held
    value: Mapping[str, Any]
    section: str

    def text(self, *path: str) -> str:
        value: Any = self.value
        for name in path:
            value = mapping(value).get(name)
        return value if isinstance(value, str) else ""

    @property
    def line(self) -> str:
        """Name it as a list does."""
        period = " to ".join(month for one in ("from", "to") if (month := _month(self.text("collected", one))))
        link = self.text("path")
        details = "; ".join(
            part for part in (link, f"collected {period}" if period else "", self.text("license")) if part
        )
        return f"{self.text('title')} ({details})" if details else self.text("title")


def summary(form: Mapping[str, Any], where: str, libraries: Sequence[Held]) -> Summary:
    """Fill in the template from libraries and the provider's answers (schema ``summary``).

    Raises ``Refused("E-FORM-INCOMPLETE")`` for answers whose keys are no fields, and what `domains.top` raises.
    """
    given = mapping(form.get("answers"))
    known = [field["key"] for section in layout()["sections"] for field in section["fields"]]
    if strange := sorted(set(given) - set(known)):
        raise Refused("E-FORM-INCOMPLETE", where, f"no field of the template: {', '.join(strange)[:200]}")
    own = frozenset(form["own"]) if "own" in form else None
    found = _found(libraries, own, small=form.get("small") is True)
    blocks, todo = list[Block](), list[str]()
    for section in layout()["sections"]:
        level = 2 if "." not in section["number"] else 3
        blocks.append(Heading(text=f"{section['number']} {section['title']}", level=level))
        rows = []
        for field in section["fields"]:
            key = field["key"]
            said = str(given.get(key) or "") or found.get(key, "")
            open_ = not said and not field.get("optional")
            todo += [key] * open_
            if said or open_:
                rows.append((Cell(text=field["label"]), Cell(text=said or layout()["todo"], todo=open_)))
        if rows:
            blocks.append(Table(rows=tuple(rows), widths=(3, 7)))
    title, note = layout()["title"], layout()["note"]
    named = "\n".join(f"{held.title('en')}{f' ({held.library})' if held.library else ''}" for held in libraries)
    taken = f"\n{layout()['all_own']}" if own is None else ""
    top = (
        Heading(text=title),
        Paragraph(text=note + taken, note=True),
        Paragraph(text=f"Data libraries:\n{named}", note=True),
    )
    return Summary(page=Page(title=title, lang="en", blocks=(*top, *blocks)), todo=tuple(todo))


def _found(libraries: Sequence[Held], own: frozenset[str] | None, *, small: bool) -> dict[str, str]:
    """Answer what manifests answer. ``own``: producers that are the provider or work for it; ``None``: all are."""
    sources = list[_Source]()
    for held in libraries:
        if own is None or mapping(held.block["producer"])["id"] in own:
            sources += [_Source(held=held, value=value, section=_section(held, value)) for value in held.sources]
        else:
            sources.append(_whole(held))
    by_section: dict[str, list[_Source]] = {}
    for source in sources:
        by_section.setdefault(source.section, []).append(source)
    found = {**_sizes(libraries), **_characteristics(libraries, sources)}
    for section, members in by_section.items():
        found[f"{section}.used"] = "Yes"
        found[f"{section}.modalities"] = _listed(
            sorted({kind for one in members for kind in modalities(one.held.document)})
        )
        found |= _SECTIONS[section](members) if section in _SECTIONS else {}
    if "2.3" in by_section:
        found["2.3.domains"] = _domains(by_section["2.3"], small=small)
    found["3.1.measures"] = _reservations(libraries)
    found["3.2.measures"] = _lines(
        str(mapping(one.block.get("quality")).get("illegalContent") or "") for one in libraries
    )
    return {key: text for key, text in found.items() if text}


def _section(held: Held, source: Mapping[str, Any]) -> str:
    """Tell the section of a source by its method, its basis and its licence."""
    method, basis = str(source.get("method", "")), str(source.get("basis", ""))
    if method.startswith(("web-scraping", "social-media")):
        return "2.3"
    if method.startswith("machine-generated"):
        return "2.5"
    if method.startswith("user-generated"):
        return "2.4"
    if basis == "own" or method.startswith(("own", "primary-user-source", "sensor", "soensor", "simulations")):
        return "2.6"
    licence = str(source.get("license") or _licence(held)).lower()
    if basis == "licence" and not licence.startswith(_OPEN):
        return "2.2.1"
    return "2.1" if source.get("path") else "2.2.2"


def _whole(held: Held) -> _Source:
    """Give a library that somebody else made as one dataset: public, licensed or otherwise got."""
    days = [str(day) for one in held.sources for day in mapping(one.get("collected")).values() if as_date(day)]
    value = {
        "title": held.title("en"),
        "path": held.document.get("homepage"),
        "collected": {"from": min(days), "to": max(days)} if days else {},
        "license": _licence(held),
    }
    public = mapping(held.block.get("access")).get("distribution") == "public"
    return _Source(held=held, value=value, section="2.1" if public else "2.2.2")


def _licence(held: Held) -> str:
    licences = held.document.get("licenses")
    first = licences[0] if isinstance(licences, list) and licences else None
    return str(mapping(first).get("name") or "")


def _sizes(libraries: Sequence[Held]) -> dict[str, str]:
    """Class the sizes by modality; where a library does not give its own, the class is at least that."""
    found = dict[str, str]()
    for kind, (small, large, unit) in _CLASSES.items():
        holding = [held for held in libraries if kind in modalities(held.document) or _size(held, kind)]
        sizes = [_size(held, kind) for held in holding]
        given = [size for size in sizes if size is not None]
        if given:
            total = sum(given)
            named = f"less than {small:,.0f}" if total < small else f"more than {large:,.0f}"
            named = f"{small:,.0f} to {large:,.0f}" if small <= total <= large else named
            lacking = f"; size not given by {len(sizes) - len(given)} of {len(sizes)} libraries" * (
                len(given) < len(sizes)
            )
            found[f"1.3.{kind}.size"] = f"{named} {unit} (declared: {total:,.0f}{lacking})"
        if holding:
            found[f"1.3.{kind}.content"] = _lines(_about(held) for held in holding)
    return found


def _size(held: Held, kind: str) -> float | None:
    size = mapping(mapping(held.block.get("quality")).get("sizes")).get(SIZES[kind])
    return size if isinstance(size, int | float) and not isinstance(size, bool) else None


def _about(held: Held) -> str:
    title, about = held.title("en"), held.text("description", "en")
    return f"{title}: {about}" if about and about != title else title


def _characteristics(libraries: Sequence[Held], sources: Sequence[_Source]) -> dict[str, str]:
    ends = [day for source in sources if (day := as_date(source.text("collected", "to")))]
    languages = sorted({tag for held in libraries for tag in texts(held.block.get("languages"))})
    gaps = (mapping(mapping(held.block.get("quality")).get("representativeness")) for held in libraries)
    other = _lines(
        _listed([*texts(one.get("population")), *texts(one.get("strata")), *texts(one.get("gaps"))]) for one in gaps
    )
    latest = f"{max(ends):%m/%Y}" if ends else ""
    return {"1.3.latest": latest, "1.3.languages": _listed(languages), "1.3.other": other}


def _public(sources: Sequence[_Source]) -> dict[str, str]:
    return {f"{sources[0].section}.datasets": _lines(source.line for source in sources)}


def _crawled(sources: Sequence[_Source]) -> dict[str, str]:
    crawlers = [mapping(source.value.get("crawler")) for source in sources]
    names = (_listed([*texts(one.get("name")), *texts(one.get("userAgent"))]) for one in crawlers)
    respects = sorted({one for crawler in crawlers for one in texts(crawler.get("respects"))})
    starts, ends = (
        [day for source in sources if (day := as_date(source.text("collected", one)))] for one in ("from", "to")
    )
    return {
        "2.3.crawlers": _lines(names),
        "2.3.behaviour": f"Respected: {_listed(respects)}" if respects else "",
        "2.3.period": f"from {min(starts):%m/%Y} to {max(ends):%m/%Y}" if starts and ends else "",
        "2.3.content": _lines(f"{source.line}: {source.text('method')}" for source in sources),
    }


def _user_data(sources: Sequence[_Source]) -> dict[str, str]:
    return {"2.4.description": _lines(source.line for source in sources)}


def _synthetic(sources: Sequence[_Source]) -> dict[str, str]:
    makers = (mapping(mapping(source.held.block.get("synthetic")).get("generator")) for source in sources)
    return {"2.5.models": _lines(_listed([*texts(one.get("name")), *texts(one.get("version"))]) for one in makers)}


def _other(sources: Sequence[_Source]) -> dict[str, str]:
    return {"2.6.description": _lines(f"{one.line}: {one.text('method') or one.text('basis')}" for one in sources)}


_SECTIONS: Final[Mapping[str, Callable[[Sequence[_Source]], dict[str, str]]]] = {
    "2.1": _public,
    "2.2.2": _public,
    "2.3": _crawled,
    "2.4": _user_data,
    "2.5": _synthetic,
    "2.6": _other,
}


def _domains(sources: Sequence[_Source], *, small: bool) -> str:
    """Name the domains with the most bytes, where a file of the library lists them, else those of the sources."""
    files = {
        (source.held.path, name)
        for source in sources
        if isinstance(name := mapping(source.held.block.get("rights")).get("domains"), str)
    }
    return _lines(domains.top(path, name, small=small) for path, name in sorted(files))


def _reservations(libraries: Sequence[Held]) -> str:
    """Say which protocols were looked at, source by source."""
    checks = [check for held in libraries for check in _objects(mapping(held.block.get("rights")).get("checks"))]
    return _lines(
        f"{check.get('source', '')}: {_listed(texts(check.get('protocols')))}, {check.get('checked', '')}"
        for check in checks
        if check.get("protocols")
    )


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    return (mapping(one) for one in value) if isinstance(value, list) else iter(())


def _month(text: str) -> str:
    day = as_date(text)
    return f"{day:%m/%Y}" if day else ""


def _listed(values: Iterable[str]) -> str:
    return ", ".join(values)


def _lines(values: Iterable[str]) -> str:
    """Set texts under each other, each once."""
    return "\n".join(dict.fromkeys(value for value in values if value))
