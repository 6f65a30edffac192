"""Records of the Data Provenance Standards 1.0.0: written by the letter of the standard, read as they are in use."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datalib.errors import DatalibError, Refused
from datalib.interop import dta
from datalib.interop.known import DECLARED, Known
from datalib.library import draft, manifest
from tests.unit.test_forms import held

PATCH = {"provenance": {"origin-geography": [{"country": "KZ"}]}}
#: Members of the standard: their kind, and whether they are required. Source: Data Provenance Standards 1.0.0.
STANDARD: dict[str, dict[str, tuple[type, bool]]] = {
    "source": {
        "version": (str, True), "title": (str, True), "id": (str, True), "location": (str, False),
        "issuer": (list, True), "description": (str, True),
    },
    "provenance": {
        "source": (str, False), "origin": (list, False), "origin-geography": (list, True), "date": (str, True),
        "previous-date": (str, False), "generation-period": (dict, False), "generation-method": (list, True),
        "format": (list, False),
    },
    "use": {
        "classification": (list, False), "consents": (list, False), "privacy-enhancing": (list, False),
        "processing-included": (list, False), "processing-excluded": (list, False), "storage-allowed": (list, False),
        "storage-forbidden": (list, False), "license": (list, False), "intended-purpose": (list, True),
        "copyright": (list, False), "patent": (list, False), "trademark": (list, False),
    },
}  # fmt: skip


def known(document: Mapping[str, Any]) -> Known:
    """Make a library of a manifest that nobody signed."""
    parsed = manifest.parse_draft(manifest.serialise(document))
    return Known(path=Path("library"), manifest=parsed, sha256="0" * 64, past=None, assurance=DECLARED, times={})


def _written(library: Any, patch: dict[str, Any] | None = None) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(dta.write(known(library.document), PATCH if patch is None else patch))
    for group, members in STANDARD.items():
        assert set(value[group]) <= set(members)
        for name, (kind, required) in members.items():
            assert not required or name in value[group], name
            assert isinstance(value[group].get(name, kind()), kind), name
            if kind is list:
                unique = {json.dumps(one, sort_keys=True) for one in value[group].get(name, [])}
                assert len(unique) == len(value[group].get(name, []))
    return value


def test_a_library_is_written_as_the_standard_asks() -> None:
    personal = {"present": "personal", "storage": [{"country": "KZ"}, {"country": "KZ"}]}
    block = {"personalData": personal, "purpose": ["train:asr", "eval", "ai-pre-training", "x"]}
    found = _written(held(block=block, created="2026-03-05T00:00:00Z"), {})
    assert found["source"]["version"] == "1.0.0"
    assert found["source"]["issuer"] == [{"name": "Example Data LLP"}]
    assert found["source"]["id"].startswith("urn:uuid:")
    assert found["provenance"] == {
        "source": "https://example.kz/recordings",
        "origin-geography": [{"country": "KZ"}],
        "date": "2026-03-05",
        "generation-period": {"start": "2026-01-10", "end": "2026-03-02"},
        "generation-method": [{"code": "primary-user-source-interview"}],
        "format": ["audio/flac", "text/csv"],
    }
    assert [one["code"] for one in found["use"]["intended-purpose"]] == [
        "ai-other", "ai-evaluation", "ai-pre-training", "non-ai-other",
    ]  # fmt: skip
    assert all(one["description"] for one in found["use"]["intended-purpose"])
    assert found["use"]["classification"] == [{"regulation": {"code": "pi"}, "evaluated": True}]
    assert found["use"]["storage-allowed"] == [{"country": "KZ"}]
    assert found["use"]["license"] == ["CC-BY-4.0"]
    assert found["datalib"]["producer"]["id"] == "kz-bin:990140000384"


def test_hidden_persons_and_free_works_are_told() -> None:
    hidden = {"method": ["k-anonymity", "hashing"], "tool": "arx", "version": "3"}
    block = {"personalData": {"present": "anonymised", "depersonalisation": hidden}, "rights": {"containsWorks": False}}
    sources = [{"title": "A", "method": "own"}, {"title": "A", "method": "own", "path": "https://a.example"}]
    found = _written(held(sources=sources, created="2026-03-05", block=block))
    assert found["use"]["privacy-enhancing"] == [
        {"tool-category": {"code": "k-anonymity"}, "tool-used": "arx 3", "tool": "arx 3"}
    ]
    assert found["use"]["copyright"] == ["no"]
    assert found["provenance"]["generation-method"] == [{"code": "other-na", "description": "own"}]
    assert found["provenance"]["origin"] == [{"name": "A"}]


def test_what_the_standard_requires_and_nobody_said_is_named() -> None:
    with pytest.raises(Refused, match="E-FORM-INCOMPLETE") as raised:
        dta.write(known(held(sources=[{"title": "A"}]).document), {})
    assert raised.value.detail == "provenance.origin-geography, provenance.date, provenance.generation-method"
    removed = json.loads(dta.write(known(held(created="2026-01-01").document), {"use": {"license": None}}))
    assert "license" not in removed["use"]


def test_a_file_of_a_patch_is_read_as_documented() -> None:
    path = Path(__file__).parents[1] / "vectors" / "forms" / "record.yaml"
    patch = dta.read_patch(path.read_bytes(), "record.yaml")
    made = _written(held(sources=[{"title": "A", "method": "feeds-api-source"}], created="2026-01-01"), patch)
    assert (made["provenance"]["origin-geography"], made["use"]["patent"]) == ([{"country": "KZ"}], ["no"])
    with pytest.raises(Refused, match="E-RECORD-FORMAT"):
        dta.read_patch(b'{"record": 1, "datalib": {}}', "r.json")


def _read(**record: Any) -> tuple[dict[str, Any], list[str]]:
    found = dta.read(json.dumps(record).encode(), "r.json")
    document = found.document()
    draft.render(document)
    return document, [note.where for note in found.notes]


def test_a_record_goes_out_and_comes_in_again() -> None:
    library = held(
        created="2026-03-05", block={"purpose": ["ai-alignment"], "personalData": {"storage": [{"country": "KZ"}]}}
    )
    document, lost = _read(**json.loads(dta.write(known(library.document), {})))
    assert document["title"] == "Field recordings"
    assert document["sources"][0]["method"] == "primary-user-source-interview"
    assert document["sources"][0]["collected"] == {"from": "2026-01-10", "to": "2026-03-02"}
    assert document["sources"][0]["path"] == "https://example.kz/recordings"
    assert document["licenses"] == [{"name": "CC-BY-4.0"}]
    assert document["contributors"] == [{"title": "Example Data LLP", "roles": ["publisher"]}]
    assert document["datalib"] == {"purpose": ["ai-alignment"], "personalData": {"storage": [{"country": "KZ"}]}}
    assert lost == ["r.json#/source/id", "r.json#/provenance/origin-geography", "r.json#/provenance/date",
                    "r.json#/provenance/format", "r.json#/datalib"]  # fmt: skip


def test_what_the_official_generator_writes_is_read() -> None:
    document, lost = _read(
        source=[{"title": "T", "issuer": {"name": "I"}, "description": "D", "location": "https://a.example"}],
        provenance={
            "origin": {"name": "O"},
            "generation-method": "feeds-api-source",
            "generation-period": {"start": "2024-01-01T00:00:00Z", "end": "soon"},
            "sub-provenance": [{"origin": "P", "source": ["https://b.example"]}, "?"],
        },
        use={
            "privacy-indicators": [{"tool-category": {"code": "tokenization"}}],
            "storage-prohibited": [{"country": "XX"}],
            "license": "https://l.example",
            "intended-purpose": [{"code": "ai-other"}, {"code": "no-such"}],
            "classification": [{"code": "pii"}],
        },
    )
    assert document["name"] == "t"
    assert document["homepage"] == "https://a.example"
    assert document["sources"] == [
        {"title": "O", "method": "feeds-api-source", "collected": {"from": "2024-01-01"}},
        {"title": "P", "path": "https://b.example"},
    ]
    assert document["licenses"] == [{"path": "https://l.example"}]
    assert document["datalib"] == {
        "purpose": ["ai-other"],
        "personalData": {"depersonalisation": {"method": ["tokenization"]}},
    }
    assert lost == ["r.json#/use/storage-forbidden", "r.json#/use/classification"]


@pytest.mark.parametrize(
    "data", [b"{}", b'{"source": {"title": " "}, "provenance": {"date": "2026"}}', b"[]", b"{", b"\xff"]
)
def test_what_is_no_record_is_refused(data: bytes) -> None:
    with pytest.raises(Refused):
        dta.read(data, "r.json")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5) | st.just("2024-01-01"),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from([*STANDARD, *(n for g in STANDARD.values() for n in g), "name", "code", "country",
                                       "sub-provenance", "tool-category"]), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(provenance=_JSON, use=_JSON, source=_JSON)
def test_any_json_is_read_or_refused(provenance: Any, use: Any, source: Any) -> None:
    value = {
        "source": {"title": "t", **(source if isinstance(source, dict) else {})},
        "provenance": provenance,
        "use": use,
    }
    try:
        found = dta.read(json.dumps(value).encode(), "r")
    except DatalibError:
        return
    draft.render(found.document())
