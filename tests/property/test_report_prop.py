"""Whatever others write into names and descriptions, a report has the same elements and shows it as text."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from datalib.publish import report
from datalib.publish.bounds import PAGE
from datalib.publish.markup import said, shown, tag
from tests.libraries import Library
from tests.reports import tell

NASTY = (
    "<script>alert(1)</script>",
    "</title></style></svg><img src=x onerror=alert(1)>",
    "\"' onmouseover=alert(1) x='",
    "&lt;b&gt; &#x202e; <!-- ",
    "\u202eyrarbil\u2066 \u200f\u200d",
    "]]><svg><foreignObject>",
    "{code} {0} {}",
    "x" * 1500,
    "a\nb\tc \ufffd",
)
TEXTS = st.one_of(st.sampled_from(NASTY), st.text(min_size=1, max_size=80)).filter(str.strip)


def shape(tree: LexborHTMLParser) -> list[tuple[str, tuple[str, ...]]]:
    """Give every element with the names of its attributes, those apart that texts of others decide on (lang, title)."""
    root = tree.root
    assert root is not None
    found = [(str(node.tag), tuple(sorted(set(node.attributes) - {"lang"}))) for node in root.traverse()]
    return [one for one in found if one[0] != "title"]


@pytest.fixture(scope="module")
def draft(tmp_path_factory: pytest.TempPathFactory) -> Library:
    library = Library(folder=tmp_path_factory.mktemp("draft"))
    library.write_manifest()
    return library


def document(library: Library, text: str) -> dict[str, Any]:
    """Put a text wherever the manifest takes one."""
    value: dict[str, Any] = json.loads(library.path("datapackage.json").read_bytes())
    value["title"] = value["description"] = text
    value["sources"] = [{"title": text, "path": text, "license": text}]
    value["licenses"] = [{"title": text}]
    value["datalib"]["producer"]["name"] = {"en": text, "ru": text}
    value["datalib"]["description"] = {"ru": text}
    return value


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=TEXTS)
def test_texts_of_others_never_become_elements(draft: Library, text: str, tmp_path: Path) -> None:
    shapes = []
    for words in ("plain", text):
        (tmp_path / "datapackage.json").write_text(json.dumps(document(draft, words)), encoding="utf-8")
        data = report.write(tell(tmp_path, trust=None), "en")
        tree = LexborHTMLParser(data.decode())
        shapes.append(shape(tree))
    assert shapes[0] == shapes[1]
    names = [node.text() for node in tree.css("#sources bdi")]
    assert "".join(names[0].split()) == "".join(shown(text).split())


LOUD = st.sampled_from((*NASTY, "\U000e0041", "&'", "\U0001f600", "ы"))


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.builds(lambda text, times: (text * times)[:2000], LOUD, st.integers(1, 2000)),
    counts=st.fixed_dictionaries(
        {member: st.sampled_from((1, 40, 900)) for member in ("sources", "licenses", "purpose", "languages")}
    ),
)
def test_no_manifest_makes_a_page_too_large(draft: Library, text: str, counts: dict[str, int], tmp_path: Path) -> None:
    value = document(draft, text)
    value |= {member: value[member] * counts[member] for member in ("sources", "licenses")}
    value["datalib"]["purpose"] = [f"x:{'a' * 55}{number}" for number in range(counts["purpose"])]
    value["datalib"]["languages"] = [f"kk-{'-'.join(['Abcdefgh'] * 70)}"] * counts["languages"]
    (tmp_path / "datapackage.json").write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    data = report.write(tell(tmp_path, trust=None), "ru")
    assert len(data) < PAGE
    assert len(LexborHTMLParser(data.decode()).css("#sources tbody tr")) > 0


@given(text=st.text())
def test_an_escaped_text_is_read_back_as_it_is_shown(text: str) -> None:
    tree = LexborHTMLParser(f"<!DOCTYPE html><body>{tag('p', said(text), title=text)}")
    (found,) = tree.css("p")
    assert "".join(found.text().split()) == "".join(shown(text).split())
    assert set(found.attributes) == {"title"}
    assert not tree.css("p *:not(bdi)")
