"""Order 196/НҚ of 10.04.2026: the application for the list of trusted high-risk AI systems, and what is published.

The names of fields and columns are those of the order, in Kazakh: ``order196.json`` of the vocabulary. Field 11, the
categories and sources of data, is filled from manifests. Nothing is added that the form does not ask for: annex 2 has
no place for BIN, address or data.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any, Final

import datalib_vocab
from datalib.errors import Refused
from datalib.forms.held import Held
from datalib.forms.page import Block, Cell, Heading, Page, Paragraph, Table
from datalib.library.modality import modalities
from datalib.rules import records
from datalib.rules.calendar import Calendar
from datalib.rules.case import mapping, texts
from datalib.rules.deadlines import REVIEWS
from datalib.trust.parties import is_kz_number

_EMPTY: Final = "-"
#: What point 6 of the order looks at, and what it takes to know who applies.
_REQUIRED: Final = ("applicant_name", "bin_iin", "legal_address", "system_name")


@cache
def wording() -> Mapping[str, Any]:
    """Give the order's Kazakh wording: ``application``, ``published``, ``sentences``, and ``words`` of ours."""
    found: Mapping[str, Any] = json.loads(datalib_vocab.read("order196.json"))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A term of the order: ``kind`` as in the register of deadlines, since when, until when; see `Due`."""

    kind: str
    since: date
    due: date
    certain: bool


def application(form: Mapping[str, Any], where: str, libraries: Sequence[Held], *, today: date) -> Page:
    """Fill in annex 1. ``form`` is of the schema ``application``, ``where`` the name of its file.

    Raises ``Refused("E-FORM-INCOMPLETE")`` that names every field that is empty or cannot be right.
    """
    categories = [*map(_category, libraries), *map(_own_category, form.get("data_categories", ()))]
    faults = [*_faults(form, today), *(["data_categories"] if not any(categories) else [])]
    _refuse(where, faults)
    answers = _answers(form) | {"data_categories": "\n\n".join(categories)}
    fields, said = wording()["application"], wording()["sentences"]
    rows = tuple((Cell(text=fields[key]), Cell(text=text or _EMPTY)) for key, text in answers.items())
    papers = "\n".join(f"{number}. {_paper(one)}" for number, one in enumerate(form["attachments"], 1))
    blocks: tuple[Block, ...] = (
        Paragraph(text=f"{said['application_head']}\n{said['sheet']}", aside=True),
        Heading(text=said["application_title"]),
        Paragraph(text=f"{said['request']}:"),
        Table(rows=rows, widths=(4, 6)),
        Paragraph(text=f"{fields['attachments']}\n{papers}"),
        Paragraph(text=fields["confirmation"]),
        Paragraph(text=_signed(form["signature"])),
        *([Paragraph(text=fields["seal"])] if form.get("seal") else []),
    )
    return Page(title=said["application_title"], lang="kk", blocks=blocks)


def _signed(signature: Mapping[str, Any]) -> str:
    """Give the line for the signature, which a hand writes."""
    fields, words, day = wording()["application"], wording()["words"], date.fromisoformat(signature["date"])
    who = f"{fields['signature'].partition(' ______')[0]}: {signature['name']}"
    written = f'"{day.day:02}" {words["months"][day.month - 1]} {day.year} {words["year"]}'
    return f"{who} ______________ {words['signed']} {written}"


def published(form: Mapping[str, Any], where: str, *, today: date) -> Page:
    """Fill in annex 2. Errors as in `application`; a list without a system is one."""
    systems = form.get("systems", ())
    faults = [] if systems else ["systems"]
    for number, system in enumerate(systems):
        empty = [
            key for key in wording()["published"] if key not in {"no", "audit", "listed_on"} and _blank(system.get(key))
        ]
        audit = mapping(system.get("audit"))
        empty += [f"audit.{key}" for key in ("auditor", "conclusion") if _blank(audit.get(key))]
        faults += [f"systems.{number}.{key}" for key in empty]
        for key, value in (("audit.date", audit.get("date")), ("listed_on", system.get("listed_on"))):
            faults += _day_fault(f"systems.{number}.{key}", value, today)
    _refuse(where, faults)
    said = wording()["sentences"]
    head = tuple(Cell(text=text) for text in wording()["published"].values())
    rows = tuple(_published_row(number, system) for number, system in enumerate(systems, 1))
    blocks: tuple[Block, ...] = (
        Paragraph(text=f"{said['published_head']}\n{said['sheet']}", aside=True),
        Heading(text=said["published_title"]),
        Table(rows=(head, *rows), widths=(1, 3, 3, 3, 4, 4, 2, 3), head=True),
    )
    return Page(title=said["published_title"], lang="kk", blocks=blocks, wide=True)


def terms(form: Mapping[str, Any], where: str, calendar: Calendar) -> tuple[Term, ...]:
    """Say what the authority has to do until when: points 6, 7 and 8 of the order.

    ``first`` begins when the application is handed in, by default the day it is signed; ``again`` when it is handed in
    once more; ``publish`` on the day of the decision. Raises ``Refused("E-RECORD-FORMAT")`` for a day that is none.
    """
    began = {"submitted": "first", "resubmitted": "again", "decided": "publish"}
    signed = mapping(form.get("signature")).get("date")
    said = [("/submitted", "first", form.get("submitted") or signed)] if "application" in form else []
    said += [(f"/{key}", kind, form.get(key)) for key, kind in began.items() if key != "submitted"]
    said += [
        (f"/systems/{at}/decided", "publish", one.get("decided")) for at, one in enumerate(form.get("systems", ()))
    ]
    found = []
    for place, kind, text in said:
        days = REVIEWS[kind]
        if text and days is not None:
            since = records.day(text, where, place)
            due = calendar.after(since, days)
            found.append(Term(kind=kind, since=since, due=due.day, certain=due.certain))
    return tuple(found)


def _refuse(where: str, faults: Sequence[str]) -> None:
    if faults:
        raise Refused("E-FORM-INCOMPLETE", where, ", ".join(faults[:50]) + ", …" * (len(faults) > 50))  # noqa: PLR2004 - one line


def _faults(form: Mapping[str, Any], today: date) -> Iterator[str]:
    """Name the fields of an application that are empty or cannot be right, in their order."""
    parts = {
        "purpose_field": ("purpose", "field", "functionality"),
        "audit": ("auditor",),
        "signature": ("name",),
    }
    yield from (key for key in _REQUIRED if _blank(form.get(key)))
    if not _blank(form.get("bin_iin")) and not is_kz_number(form["bin_iin"]):
        yield "bin_iin (12 digits with a right check digit)"
    if "@" not in form.get("email", "@"):
        yield "email"
    for key, needed in parts.items():
        yield from (f"{key}.{part}" for part in needed if _blank(mapping(form.get(key)).get(part)))
    models = form.get("models", ())
    yield from (
        f"models.{number}.{part}"
        for number, model in enumerate(models)
        for part in ("name", "algorithm", "kind")
        if _blank(model.get(part))
    )
    if not models:
        yield "models"
    for key in ("audit", "signature"):
        yield from _day_fault(f"{key}.date", mapping(form.get(key)).get("date"), today)
    kinds = [paper["kind"] for paper in form.get("attachments", ())]
    if "audit-conclusion" not in kinds:
        yield "attachments (audit-conclusion)"
    if not {"registry-certificate", "author-contract"} & set(kinds):
        yield "attachments (registry-certificate or author-contract)"
    if form.get("confirmation") is not True:
        yield "confirmation"


def _day_fault(place: str, text: str | None, today: date) -> list[str]:
    """Name a day that is missing, does not exist or has not come."""
    try:
        return [] if text and date.fromisoformat(text) <= today else [place]
    except ValueError:
        return [place]


def _blank(value: Any) -> bool:
    return not isinstance(value, str) or not value.strip()


def _answers(form: Mapping[str, Any]) -> dict[str, str]:
    """Give the fields 1 to 12, in their order."""
    person, audit, use = (mapping(form.get(key)) for key in ("contact_person", "audit", "purpose_field"))
    return {key: str(form.get(key, "")) for key in ("applicant_name", "bin_iin", "legal_address", "actual_address")} | {
        "contact_person": _joined(person.get("name"), person.get("position")),
        "phone": str(form.get("phone", "")),
        "email": str(form.get("email", "")),
        "system_name": form["system_name"],
        "purpose_field": "\n".join(use[part] for part in ("purpose", "field", "functionality")),
        "models": "\n".join(
            _joined(one["name"], one["algorithm"], wording()["words"]["models"][one["kind"]]) for one in form["models"]
        ),
        "data_categories": "",
        "audit": _joined(audit["auditor"], _day(audit["date"]), audit.get("file")),
    }


def _joined(*parts: str | None) -> str:
    return ", ".join(part for part in parts if part)


def _paper(paper: Mapping[str, Any]) -> str:
    return ": ".join(part for part in (wording()["words"]["papers"][paper["kind"]], paper.get("title")) if part)


def _own_category(category: Mapping[str, Any]) -> str:
    sources = category.get("sources", ())
    return "\n".join([*filter(None, [category.get("description", "")]), *_sources(sources)])


def _category(held: Held) -> str:
    """Describe the data of a library in short, with its sources."""
    block, words = held.block, wording()["words"]
    names, present = words["data"], words["personal_data"].get(str(mapping(block.get("personalData")).get("present")))
    kinds = [words["modalities"][kind] for kind in sorted(modalities(held.document))]
    content, title, about = mapping(block.get("content")), held.title("kk"), held.text("description", "kk")
    lines = [
        f"{names['library']}: {title}",
        about if about != title else "",
        f"{names['producer']}: {held.producer('kk')}",
        f"{names['kinds']}: {', '.join(kinds)}" if kinds else "",
        f"{names['languages']}: {', '.join(texts(block.get('languages')))}" if block.get("languages") else "",
        f"{names['files']}: {content['files']}, {names['bytes']}: {content['bytes']}" if content else "",
        f"{names['personal']}: {present}" if present else "",
    ]
    return "\n".join([*filter(None, lines), *_sources(_named(one) for one in held.sources)])


def _named(source: Mapping[str, Any]) -> str:
    path = source.get("path")
    return f"{source['title']} ({path})" if path else str(source["title"])


def _sources(sources: Iterable[str]) -> list[str]:
    named = [f"{_EMPTY} {source}" for source in sources]
    return [f"{wording()['words']['data']['sources']}:", *named] if named else []


def _published_row(number: int, system: Mapping[str, Any]) -> tuple[Cell, ...]:
    audit = mapping(system["audit"])
    texts_ = {
        "no": str(number),
        "audit": f"{audit['auditor']}, {_day(audit['date'])}\n{audit['conclusion']}",
        "listed_on": _day(system["listed_on"]),
    }
    return tuple(Cell(text=texts_[key] if key in texts_ else system[key]) for key in wording()["published"])


def _day(text: str) -> str:
    return f"{date.fromisoformat(text):%d.%m.%Y}"
