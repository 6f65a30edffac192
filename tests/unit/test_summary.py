"""The public summary of training content: what manifests answer, what is left for the provider."""

from pathlib import Path
from typing import Any

import pytest
from selectolax.lexbor import LexborHTMLParser

from datalib.errors import Refused
from datalib.forms import domains, html
from datalib.forms.summary import Summary, layout, summary
from tests.unit.test_forms import form, held

LABELS: dict[str, str] = {
    field["key"]: field["label"] for section in layout()["sections"] for field in section["fields"]
}
KEYS = [field["key"] for section in layout()["sections"] for field in section["fields"]]


def _made(*libraries: Any, **answers: Any) -> Summary:
    return summary({"summary": 1, **answers}, "answers.yaml", libraries)


def _rows(made: Summary) -> dict[str, str]:
    """Give what stands beside each label; labels that come twice keep the first."""
    tree = LexborHTMLParser(html.write(made.page))
    rows = [[cell.text() for cell in row.css("td")] for row in tree.css("tr")]
    return dict(reversed(rows))


def _label(key: str) -> str:
    return LABELS[key]


def _source(**members: Any) -> dict[str, Any]:
    return {"title": "S", **members}


def test_every_field_is_answered_marked_or_optional() -> None:
    made = _made(held())
    rows = _rows(made)
    optional = {
        field["key"] for section in layout()["sections"] for field in section["fields"] if field.get("optional")
    }
    assert len(KEYS) == len(set(KEYS))
    assert set(made.todo) <= set(KEYS) - optional
    for key in KEYS:
        assert (_label(key) in rows) or key in optional, key
    assert rows[_label("1.1.provider")] == layout()["todo"]


def test_answers_of_the_provider_come_first() -> None:
    made = summary(form("summary"), "f", [held()])
    assert _rows(made)[_label("1.2.models")] == "steppe-7b 1.0"
    assert "1.2.models" not in made.todo
    assert layout()["all_own"] not in html.write(made.page).decode()
    assert layout()["all_own"] in html.write(_made(held()).page).decode()
    with pytest.raises(Refused, match="E-FORM-INCOMPLETE") as raised:
        _made(held(), answers={"9.9": "x"})
    assert raised.value.detail == "no field of the template: 9.9"


@pytest.mark.parametrize(
    ("source", "section"),
    [
        (_source(method="web-scraping-crawling-textual"), "2.3"),
        (_source(method="social-media-text-based"), "2.3"),
        (_source(method="machine-generated-mlops-synthetic"), "2.5"),
        (_source(method="user-generated-content-behavior"), "2.4"),
        (_source(basis="own"), "2.6"),
        (_source(method="primary-user-source-interview"), "2.6"),
        (_source(basis="licence", license="LicenseRef-Ours"), "2.2.1"),
        (_source(basis="licence", license="CC-BY-4.0", path="https://a.example"), "2.1"),
        (_source(basis="public_domain", path="https://a.example"), "2.1"),
        (_source(basis="public_domain"), "2.2.2"),
    ],
)
def test_a_source_answers_its_section_and_no_other(source: dict[str, Any], section: str) -> None:
    made = _made(held(sources=[source], licenses=[]))
    used = {"2.1.used", "2.2.1.used", "2.2.2.used", "2.3.used", "2.5.used", "2.6.used"}
    assert used - set(made.todo) == used & {f"{section}.used"}
    if section == "2.4":
        assert "2.4.description" not in made.todo
        assert "2.4.model" in made.todo


def test_libraries_of_others_are_datasets_as_wholes() -> None:
    public = held(homepage="https://a.example", block={"access": {"distribution": "public"}})
    private = held(licenses=[{"name": "LicenseRef-X"}], sources=[_source(method="web-scraping-crawling-textual")])
    made = _made(public, private, own=["x-t:somebody"])
    assert "2.3.used" in made.todo
    rows = _rows(made)
    assert rows[_label("2.1.datasets")].startswith(
        "Field recordings (https://a.example; collected 01/2026 to 03/2026; CC-BY-4.0)"
    )
    assert "2.2.2.used" not in made.todo


def test_sizes_are_classed_and_gaps_in_them_said() -> None:
    def sized(**sizes: float) -> Any:
        return held(block={"quality": {"sizes": sizes}})

    rows = _rows(
        _made(sized(audioHours=9_000, textTokens=5e9), sized(audioHours=2_000, images=2e9, textTokens=True), held())
    )
    assert rows[_label("1.3.audio.size")] == (
        "10,000 to 1,000,000 hours (declared: 11,000; size not given by 1 of 3 libraries)"
    )
    assert rows[_label("1.3.text.size")].startswith(
        "1,000,000,000 to 10,000,000,000,000 tokens (declared: 5,000,000,000"
    )
    assert rows[_label("1.3.image.size")] == "more than 1,000,000,000 images (declared: 2,000,000,000)"
    assert rows[_label("1.3.latest")] == "03/2026"
    assert rows[_label("1.3.languages")] == "kk"
    assert "less than 10,000 hours" in _rows(_made(sized(audioHours=1)))[_label("1.3.audio.size")]


def test_a_crawl_is_told_with_its_crawlers_and_its_domains(tmp_path: Path) -> None:
    (tmp_path / "domains.csv").write_text("domain,bytes\n" + "".join(f"d{n}.example,{n}\n" for n in range(40)))
    source = _source(
        method="web-scraping-crawling-textual",
        path="https://a.example",
        collected={"from": "2026-01-05", "to": "2026-02-01"},
        crawler={"name": "Steppe", "userAgent": "SteppeBot", "respects": ["robots.txt", "tdmrep"]},
    )
    other = _source(method="web-scraping-crawling-textual", collected={"from": "then"})
    rights = {"domains": "domains.csv", "checks": [
        {"source": "S", "checked": "2026-01-01", "protocols": ["robots_rfc9309", "tdmrep_header"]},
        {"source": "T", "checked": "2026-01-01"},
    ]}  # fmt: skip
    quality = {
        "illegalContent": "Lists of known files",
        "representativeness": {"population": "News", "gaps": ["Audio"]},
    }
    library = held(sources=[source, other], block={"rights": rights, "quality": quality})
    library = type(library)(path=tmp_path, document=library.document, library="lib-1")
    made = _made(library)
    rows = _rows(made)
    assert rows[_label("2.3.crawlers")] == "Steppe, SteppeBot"
    assert rows[_label("2.3.behaviour")] == "Respected: robots.txt, tdmrep"
    assert rows[_label("2.3.period")] == "from 01/2026 to 02/2026"
    assert rows[_label("2.3.domains")] == "d39.example, d38.example, d37.example, d36.example"
    assert rows[_label("3.1.measures")] == "S: robots_rfc9309, tdmrep_header, 2026-01-01"
    assert rows[_label("3.2.measures")] == "Lists of known files"
    assert rows[_label("1.3.other")] == "News, Audio"
    assert "(lib-1)" in html.write(made.page).decode()
    assert _rows(_made(library, small=True))[_label("2.3.domains")] == "d39.example, d38.example"


def test_synthetic_data_name_what_made_them() -> None:
    maker = {"synthetic": {"generator": {"name": "painter", "version": "2"}}}
    made = _made(held(sources=[_source(method="machine-generated-mlops-generative")], block=maker))
    assert _rows(made)[_label("2.5.models")] == "painter, 2"


# --- domains


def test_more_domains_than_a_page_holds_are_left_to_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(domains, "SHOWN", 2)
    (tmp_path / "d.tsv").write_text("\n".join(f"D{n}.example\t{n}" for n in range(100)) + "\n\n", encoding="utf-8-sig")
    assert domains.top(tmp_path, "d.tsv", small=False) == "d99.example, d98.example and 8 more: d.tsv"


@pytest.mark.parametrize("text", ["a,1\nb\n", "a,1\nb,-1\n", "a,1\nb,1e9\n", "a,1\nb," + "9" * 30])
def test_a_list_of_domains_of_another_form_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "d.csv").write_text(text)
    with pytest.raises(Refused, match="E-TABLE-READ") as raised:
        domains.top(tmp_path, "d.csv", small=False)
    assert "line 2" in raised.value.detail


def test_a_list_of_domains_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="E-FILE-MISSING"):
        domains.top(tmp_path, "d.csv", small=False)


@pytest.mark.parametrize("name", ["../d.csv", "/etc/passwd", ""])
def test_a_list_of_domains_lies_in_the_library(tmp_path: Path, name: str) -> None:
    with pytest.raises(Refused, match="E-PATH"):
        domains.top(tmp_path, name, small=False)
