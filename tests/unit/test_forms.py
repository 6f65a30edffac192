"""Order 196/НҚ as a form: its fields and columns, what may not be empty, its terms; how pages are written."""

import copy
import json
import re
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET
from zipfile import ZIP_STORED, ZipFile

import odfdo
import pytest
from selectolax.lexbor import LexborHTMLParser

from datalib.errors import Misuse, Refused
from datalib.forms import formats, html, odt, order196
from datalib.forms.held import Held
from datalib.forms.order196 import wording
from datalib.forms.page import Block, Cell, Heading, Page, Paragraph, Table
from datalib.interop.known import pick
from datalib.rules import reading, records
from datalib_manifests import example
from tests.shared import SHARED

VECTORS = Path(__file__).parents[1] / "vectors"
KINDS = {"application": "order196-1", "published": "order196-2", "summary": "eu-summary"}
TODAY = date(2026, 11, 25)
DAYS = reading.calendar(None)
NASTY = '<script>alert("1")</script> & \x0b\0 \ud800 two  spaces\tand\nlines'


def form(name: str) -> dict[str, Any]:
    """Give a form file of the vectors."""
    return records.read(formats.FORMS[KINDS[name]], (VECTORS / "forms" / f"{name}.yaml").read_bytes(), name)


def held(**members: Any) -> Held:
    """Make a library of the example manifest."""
    document = json.loads(example())
    block = {**document["datalib"], **members.pop("block", {})}
    return Held(path=Path("library"), document={**document, **members, "datalib": block})


def parsed(data: bytes) -> ET.Element:
    """Parse XML that we wrote."""
    return ET.fromstring(data)  # noqa: S314 - no other's bytes


def _text(page: Page) -> str:
    return LexborHTMLParser(html.write(page)).body.text(separator="|")  # type: ignore[union-attr] # our pages have one


def _application(value: dict[str, Any] | None = None, libraries: list[Held] | None = None) -> Page:
    given = form("application") if value is None else value
    return order196.application(given, "form.yaml", [held()] if libraries is None else libraries, today=TODAY)


# --- the order


@pytest.mark.shared
@pytest.mark.parametrize(("part", "heading"), [("application", "### 2.1"), ("published", "### 2.2")])
def test_fields_and_columns_are_those_of_the_order(part: str, heading: str) -> None:
    law = (SHARED / "reference" / "law.md").read_text(encoding="utf-8")
    table = law.partition(heading)[2].partition("\n### ")[0]
    rows = re.findall(r"^\| [0-9]+ \| (.+?) \| .+? \| `([a-z_]+)", table, re.MULTILINE)
    assert [(key, text) for text, key in rows] == list(wording()[part].items())
    assert len(rows) == {"application": 16, "published": 8}[part]


def test_an_application_has_all_sixteen_fields_in_their_order() -> None:
    text = _text(_application())
    fields = wording()["application"]
    shown = {**fields, "signature": fields["signature"].partition(" ______")[0]}
    places = [text.rfind(label) if key == "signature" else text.find(label) for key, label in shown.items()]
    assert -1 not in places
    assert places == sorted(places)
    shown_values = (
        *(
            "990140000384",
            "Далалық жазбалар",
            "Own field recordings (https://example.kz/recordings)",
            "Example Data ЖШС",
        ),
        *("Клиника мұрағаты", '"24" қараша 2026 жыл', "1. Аудиторлық қорытынды: qorytyndy.pdf"),
    )
    assert [value for value in shown_values if value not in text] == []


def test_a_seal_is_optional_and_so_are_ways_to_reach_the_applicant() -> None:
    value = form("application")
    for key in ("seal", "phone", "email", "actual_address", "contact_person", "data_categories"):
        del value[key]
    text = _text(_application(value))
    assert wording()["application"]["seal"] not in text
    assert f"{wording()['application']['phone']}|-" in text.replace("\n", "")


@pytest.mark.parametrize(
    ("patch", "fault"),
    [
        ({"applicant_name": " "}, "applicant_name"),
        ({"bin_iin": ""}, "bin_iin"),
        ({"bin_iin": "990140000385"}, "bin_iin (12 digits with a right check digit)"),
        ({"legal_address": None}, "legal_address"),
        ({"email": "info"}, "email"),
        ({"system_name": None}, "system_name"),
        ({"purpose_field": {"purpose": "p", "field": "f"}}, "purpose_field.functionality"),
        ({"models": []}, "models"),
        ({"models": [{"name": "m", "algorithm": "a"}]}, "models.0.kind"),
        ({"audit": {"auditor": "a"}}, "audit.date"),
        ({"audit": {"date": "2026-10-01"}}, "audit.auditor"),
        ({"audit": {"auditor": "a", "date": "2026-11-26"}}, "audit.date"),
        ({"attachments": [{"kind": "author-contract"}]}, "attachments (audit-conclusion)"),
        ({"attachments": [{"kind": "audit-conclusion"}]}, "attachments (registry-certificate or author-contract)"),
        ({"confirmation": False}, "confirmation"),
        ({"signature": {"date": "2026-11-24"}}, "signature.name"),
        ({"signature": {"name": "n", "date": "2026-02-30"}}, "signature.date"),
    ],
)
def test_an_application_with_an_empty_field_is_refused(patch: dict[str, Any], fault: str) -> None:
    value = {key: each for key, each in {**form("application"), **patch}.items() if each is not None}
    with pytest.raises(Refused, match="E-FORM-INCOMPLETE") as raised:
        _application(value)
    assert raised.value.detail == fault
    assert raised.value.where == "form.yaml"


def test_all_empty_fields_are_named_at_once() -> None:
    with pytest.raises(Refused) as raised:
        _application({"application": 1}, [])
    assert len(raised.value.detail.split(", ")) == 16
    assert raised.value.detail.endswith("data_categories")


def test_what_the_manifest_does_not_say_is_not_said() -> None:
    plain = held(title=None, sources=[{"title": "Own"}], block={"title": None, "languages": None, "content": None})
    full = held(block={"personalData": {"present": "personal"}, "description": {"kk": "Сипаттама"}})
    text = _text(_application(libraries=[plain, full]))
    assert text.count("Тілдер:") == text.count("Файлдар саны:") == text.count("Дербес деректер: бар") == 1
    assert "field-recordings" in text
    assert "Сипаттама" in text


def test_a_published_list_has_eight_columns_and_nothing_more() -> None:
    page = order196.published(form("published"), "list.yaml", today=TODAY)
    (table,) = [block for block in page.blocks if isinstance(block, Table)]
    head, row = table.rows
    assert [cell.text for cell in head] == list(wording()["published"].values())
    assert [cell.text for cell in row][:2] == ["1", "Сөз тану жүйесі"]
    assert row[5].text == "«Тексеру» ЖШС, 01.10.2026\nоң"
    assert "990140000384" not in _text(page)


@pytest.mark.parametrize(
    ("patch", "fault"),
    [
        ({"body": ""}, "systems.0.body"),
        ({"audit": {"auditor": "a", "date": "2026-10-01"}}, "systems.0.audit.conclusion"),
        ({"listed_on": "2027-01-01"}, "systems.0.listed_on"),
    ],
)
def test_a_published_list_with_an_empty_column_is_refused(patch: dict[str, Any], fault: str) -> None:
    value = copy.deepcopy(form("published"))
    value["systems"][0] |= patch
    with pytest.raises(Refused) as raised:
        order196.published(value, "list.yaml", today=TODAY)
    assert raised.value.detail == fault
    with pytest.raises(Refused, match="E-FORM-INCOMPLETE"):
        order196.published({"published": 1, "systems": [{}] * 60}, "list.yaml", today=TODAY)
    with pytest.raises(Refused) as raised:
        order196.published({"published": 1}, "list.yaml", today=TODAY)
    assert raised.value.detail == "systems"


def test_terms_are_working_days_of_kazakhstan() -> None:
    value = form("application") | {"resubmitted": "2026-12-11", "decided": "2026-12-21"}
    found = {term.kind: (str(term.since), str(term.due), term.certain) for term in order196.terms(value, "f", DAYS)}
    assert found == {
        "first": ("2026-11-25", "2026-12-09", True),
        "again": ("2026-12-11", "2026-12-21", True),  # 16 December is a holiday
        "publish": ("2026-12-21", "2026-12-28", True),
    }
    del value["submitted"], value["resubmitted"], value["decided"]
    assert [(term.kind, str(term.since)) for term in order196.terms(value, "f", DAYS)] == [("first", "2026-11-24")]
    listed = order196.terms(form("published"), "f", DAYS)
    assert [(term.kind, str(term.due)) for term in listed] == [("publish", "2026-11-25")]
    with pytest.raises(Refused, match="E-RECORD-FORMAT"):
        order196.terms({"application": 1, "submitted": "2026-02-30"}, "f", DAYS)


# --- pages


BLOCKS: tuple[Block, ...] = (
    Heading(text=NASTY),
    Heading(text="second", level=2),
    Paragraph(text=NASTY),
    Paragraph(text="aside", aside=True),
    Paragraph(text="note", note=True),
    Table(
        rows=((Cell(text="a"), Cell(text="b")), (Cell(text=NASTY, todo=True), Cell(text="d"))), widths=(1, 3), head=True
    ),
    Table(rows=((Cell(text="e"),),), widths=(1,)),
)


@pytest.mark.parametrize("wide", [False, True])
def test_html_stands_alone_and_escapes_what_it_holds(wide: bool) -> None:
    data = html.write(Page(title=NASTY, lang="kk", blocks=BLOCKS, wide=wide))
    tree = LexborHTMLParser(data)
    assert not tree.css("script, link, img, iframe, a")
    assert [node.attributes["lang"] for node in tree.css("html")] == ["kk"]
    assert ["default-src 'none'" in str(node.attributes["content"]) for node in tree.css("meta[http-equiv]")] == [True]
    assert ['<script>alert("1")</script> &' in node.text() for node in tree.css("h1")] == [True]
    assert [cell.text() for cell in tree.css("thead th")] == ["a", "b"]
    assert len(tree.css("td.todo")) == 1
    assert ("landscape" in data.decode()) is wide
    assert not re.search(rb"https?://", data)


@pytest.mark.parametrize("wide", [False, True])
def test_odt_is_read_by_another_program(wide: bool) -> None:
    data = odt.write(Page(title=NASTY, lang="kk", blocks=BLOCKS, wide=wide))
    document = odfdo.Document(BytesIO(data))
    assert document.get_type() == "text"
    first, second = document.body.get_tables()
    assert first.get_values()[0] == ["a", "b"]
    assert first.get_values()[1][1] == "d"
    assert second.size == (1, 1)
    title = document.body.get_headers()[0]
    assert title.text_recursive.startswith('<script>alert("1")</script> &')
    assert str(document.meta.title).startswith("<script>")
    with ZipFile(BytesIO(data)) as archive:
        assert (b'orientation="landscape"' in archive.read("styles.xml")) is wide


def test_odt_is_a_package_whose_every_part_is_named_and_whose_bytes_are_always_the_same() -> None:
    page = Page(title="t", lang="kk", blocks=BLOCKS)
    data = odt.write(page)
    assert data == odt.write(page)
    assert data[30:77] == b"mimetype" + odt.MEDIATYPE.encode()  # 5.2 of part 2: at a fixed place
    with ZipFile(BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert archive.infolist()[0].compress_type == ZIP_STORED
        parts = {name: parsed(archive.read(name)) for name in archive.namelist() if name.endswith(".xml")}
        names = set(archive.namelist())
    named = {value for entry in parts["META-INF/manifest.xml"] for key, value in entry.items() if "full-path" in key}
    assert named == {"/", *names} - {"mimetype", "META-INF/manifest.xml"}
    elements = [element for name in ("content.xml", "styles.xml") for element in parts[name].iter()]
    used = {value for element in elements for key, value in element.items() if key.endswith("}style-name")}
    made = {value for element in elements if element.tag.endswith("}style") for key, value in element.items()
            if key.endswith(":style:1.0}name")}  # fmt: skip
    assert used <= made


# --- what a form is given


def test_names_are_picked_in_the_nearest_language() -> None:
    assert pick({"ru": "р", "en": "e"}, "kk") == "р"
    assert pick({"kk": "қ", "en": "e"}, "ru") == "қ"
    assert pick({"kk": "қ", "ru": "р"}, "en") == "р"
    assert pick({"de": "d"}, "en") == "d"
    assert pick({}, "en") == ""


@pytest.mark.parametrize(
    ("to", "libraries", "form_", "name", "where"),
    [
        ("order196-1", 1, None, "a.html", "--form"),
        ("order196-1", 1, "application", "a.pdf", "--out"),
        ("order196-2", 1, "published", "a.html", "LIBRARY"),
        ("eu-summary", 0, None, "a.html", "LIBRARY"),
    ],
)
def test_what_a_form_does_not_take_is_wrong_usage(
    tmp_path: Path, to: str, libraries: int, form_: str | None, name: str, where: str
) -> None:
    path = VECTORS / "forms" / f"{form_}.yaml" if form_ else None
    with pytest.raises(Misuse, match="E-USAGE") as raised:
        formats.fill(to, [tmp_path] * libraries, path, name=name, calendar=DAYS, today=TODAY)
    assert raised.value.where == where
