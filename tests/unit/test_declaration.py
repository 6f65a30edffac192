"""Signed declarations: what they say, when, and that no damage to them makes a refusal smaller."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datalib.canonical import canonical
from datalib.chain import envelope
from datalib.errors import DatalibError, Misuse, Refused
from datalib.formats import encode_base64, format_time, sha256_hex
from datalib.optout.declaration import DECLARATION_TYPE, Declaration, declare
from datalib.optout.explain import explain
from datalib.optout.model import NOTHING, State
from datalib.optout.registered import prepare_registry
from datalib.optout.scan import scan
from datalib.trust.keys import Algorithm
from datalib.trust.parties import Party
from tests.libraries import key
from tests.scanning import NOW, read_decisions, scan_files

POET = Party(id="x-demo:poet", name={"en": "Poet"})
KEY = key("poet")
DAY = 86_400


def made(*about: str, **changes: Any) -> bytes:
    given: dict[str, Any] = {"holder": POET, "key": KEY, "now": NOW} | changes
    return declare(about or ("e.x",), **given)[1]


def rewritten(data: bytes, **changes: Any) -> bytes:
    """Change what a declaration says, and keep its signature."""
    sealed = envelope.parse(data[:-1], payload_type=DECLARATION_TYPE)
    value = {k: v for k, v in (json.loads(sealed.payload) | changes).items() if v is not None}
    return envelope.build(DECLARATION_TYPE, canonical(value), sealed.signatures).line + b"\n"


@pytest.mark.parametrize("alg", list(Algorithm))
def test_a_declaration_says_what_was_declared(alg: Algorithm) -> None:
    signer = key("poet", alg)
    said, data = declare(
        ["e.x", "https://e.x/a*", "e.x"], holder=POET, key=signer, now=NOW, deny=["tdm"], allow=["search"],
        begins=NOW + 1, until=NOW + DAY, licence="https://e.x/licence?a=1",
    )  # fmt: skip
    assert said == Declaration.parse(data)
    assert said.about == ("e.x", "https://e.x/a*")
    assert said.signed_by == signer.public.keyid
    assert said.note.startswith("declared by x-demo:poet; signed by key ")
    assert "a licence is offered: https://e.x/licence?a=1" in said.note
    assert [said.speaks(NOW + at) for at in (0, 1, DAY - 1, DAY)] == [False, True, True, False]
    letter, strict = said.readings(NOW + 1)
    assert (letter.search, strict.search) == (State.ALLOW, State.UNKNOWN)
    assert letter.train_gen == strict.train_gen == strict.ai_index == State.DENY
    assert said.readings(NOW) == (NOTHING, NOTHING)
    assert declare(["e.x"], holder=POET, key=key("poet"), now=NOW)[1] == made()


@pytest.mark.parametrize(
    ("about", "changes"),
    [
        ((), {"about": ()}),
        (("e.x/path",), {}),
        (("e.x\n",), {}),
        (("https://e.x/\u202e",), {}),
        (("e.x",), {"deny": ["everything"]}),
        (("e.x",), {"deny": ["tdm"], "allow": ["train_gen"]}),
        (("e.x",), {"until": NOW}),
        (("e.x",), {"licence": "javascript:alert(1)"}),
        (("e.x",), {"licence": "https://e.x/\r\nX: y"}),
    ],
)
def test_what_cannot_be_declared(about: tuple[str, ...], changes: dict[str, Any]) -> None:
    given: dict[str, Any] = {"about": about, "holder": POET, "key": KEY, "now": NOW} | changes
    with pytest.raises(Misuse, match="E-USAGE"):
        declare(given.pop("about"), **given)


def test_a_declaration_has_a_largest_size() -> None:
    with pytest.raises(Refused, match="E-JSON-SIZE"):
        made(*(f"https://e.x/{number:090}" for number in range(10_000)))


def test_damage_to_a_signature_leaves_the_refusal_and_its_window_is_not_believed() -> None:
    good = made(until=NOW + DAY)
    ended = rewritten(good, until=format_time(NOW + 1))
    stranger = json.loads(good)
    other = envelope.sign(DECLARATION_TYPE, _payload(good), [key("stranger")]).line
    stranger["signatures"][0]["sig"] = encode_base64(bytes(64))
    broken = canonical(stranger)
    unkeyed = rewritten(good, key={"alg": "rsa", "public": "AAAA"})
    for data, fault in ((ended, "E-SIG-INVALID"), (other, "not signed"), (broken, "E-SIG"), (unkeyed, "E-KEY")):
        said = Declaration.parse(data)
        assert said.signed_by == ""
        assert fault in said.fault
        letter, strict = said.readings(NOW + 100 * DAY)
        assert letter == NOTHING
        assert strict.train_any is State.DENY
        assert "the signature does not hold" in said.note


def _payload(data: bytes) -> bytes:
    return envelope.parse(data[:-1], payload_type=DECLARATION_TYPE).payload


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"spec": "2"}, "E-SPEC-VERSION"),
        ({"deny": []}, "E-SCHEMA"),
        ({"deny": ["all"]}, "E-SCHEMA"),
        ({"about": []}, "E-SCHEMA"),
        ({"more": 1}, "E-SCHEMA-UNKNOWN"),
        ({"from": "yesterday"}, "E-TIME-FORMAT"),
        ({"until": format_time(NOW)}, "E-SCHEMA"),
        ({"holder": {"id": "kz-bin:1", "name": {"en": "X"}}}, "E-PARTY-ID"),
        ({"licence": "ftp://e.x"}, "E-SCHEMA"),
    ],
)
def test_a_malformed_declaration_is_refused_and_stops_a_scan(
    tmp_path: Path, changes: dict[str, Any], code: str
) -> None:
    data = rewritten(made(), **changes)
    with pytest.raises(Refused) as caught:
        Declaration.parse(data)
    assert caught.value.code == code
    (tmp_path / "d.json").write_bytes(data)
    (tmp_path / "w.csv").write_text("url\nhttps://e.x/\n")
    with pytest.raises(Refused, match=code) as stopped:
        scan([tmp_path / "w.csv"], out=tmp_path / "out", registries=[tmp_path / "d.json"], now=NOW)
    assert stopped.value.code == "E-REGISTRY-FORMAT"
    assert not (tmp_path / "out" / "scan.json").exists()


@pytest.mark.parametrize(
    "data", [b"{}", b'\xef\xbb\xbf{"payload":""}', b"\n {\n", b"{" * 5000, b"{" + b" " * (2 << 20)]
)
def test_what_begins_as_a_declaration_must_be_one(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "d.json").write_bytes(data)
    with pytest.raises(DatalibError, match="E-REGISTRY-FORMAT"):
        prepare_registry([tmp_path / "d.json"], tmp_path, NOW)


@settings(max_examples=200, deadline=None)
@given(st.floats(0, 1, exclude_max=True), st.integers(0, 40), st.binary(max_size=40))
def test_whatever_becomes_of_the_bytes_it_is_a_declaration_or_one_of_our_errors(
    place: float, length: int, new: bytes
) -> None:
    data = made()
    at = int(place * len(data))
    with suppress(DatalibError):
        Declaration.parse(data[:at] + new + data[at + length :])


def test_a_declaration_about_nothing_that_can_be_compared_stops_a_scan(tmp_path: Path) -> None:
    (tmp_path / "d.json").write_bytes(rewritten(made(), about=["my best poem"]))
    with pytest.raises(Refused, match="neither a domain"):
        prepare_registry([tmp_path / "d.json"], tmp_path, NOW)


def works(tmp_path: Path) -> Path:
    (tmp_path / "w.csv").write_text(
        "url,doi\nhttps://a.e.x/,\nhttps://e.y/a/1,\nhttps://e.y/b,\nhttps://e.z/,10.1000/Q\nhttps://e.z/,\n"
    )
    return tmp_path / "w.csv"


def judged(tmp_path: Path, now: int = NOW, out: str = "out") -> list[str]:
    table = works(tmp_path)
    scan([table], out=tmp_path / out, registries=[tmp_path / "registry"], id_column="doi", now=now)
    return [row.reason for row in read_decisions(tmp_path / out)]


def test_a_scan_takes_declarations_and_lists_from_one_folder(tmp_path: Path) -> None:
    folder = tmp_path / "registry"
    folder.mkdir()
    (folder / "1.json").write_bytes(made("e.x", "https://e.y/a/", "doi:10.1000/q", until=NOW + DAY))
    (folder / "list.txt").write_text("https://e.y/b\n")
    refused, asked = "registry", "not-asked-robots-txt"
    assert judged(tmp_path) == [refused, refused, refused, refused, asked]
    found = explain("w.csv#0", tmp_path / "out").statements[0]
    assert found.quote == "e.x"
    assert found.sha256 == sha256_hex((folder / "1.json").read_bytes())
    assert found.checked
    assert found.note.endswith("the holder was not checked")
    assert found.strict == {"train_any": "deny", "train_gen": "deny"} == found.spec
    # The same folder a day later: what has ended says nothing, and nothing of the earlier answer is kept.
    assert judged(tmp_path, NOW + DAY) == [asked, asked, refused, asked, asked]


def test_the_same_work_in_several_declarations_loses_no_refusal(tmp_path: Path) -> None:
    folder = tmp_path / "registry"
    folder.mkdir()
    (folder / "1.json").write_bytes(made("e.x", deny=["search"]))
    (folder / "2.json").write_bytes(made("e.x", "e.y", deny=["search"], licence="https://e.x/l"))
    (folder / "3.json").write_bytes(made("e.x", deny=["ai_input"]))
    (folder / "4.json").write_bytes(made("e.x", deny=["tdm"]))
    (folder / "5.txt").write_text("e.x\n")
    assert judged(tmp_path)[:2] == ["registry", "not-asked-robots-txt"]
    found = explain("w.csv#0", tmp_path / "out")
    assert {one.where for one in found.statements} == {
        "registry/4.json", "registry/5.txt#L1", "registry/1.json", "registry/3.json",
    }  # fmt: skip
    assert found.states["search"] == found.states["ai_input"] == found.states["tdm"] == "deny"


def test_a_refusal_of_other_uses_is_recorded_and_does_not_refuse_training(tmp_path: Path) -> None:
    folder = tmp_path / "registry"
    folder.mkdir()
    (folder / "1.json").write_bytes(made("e.x", deny=["ai_input"], allow=["train_any"]))
    assert judged(tmp_path)[0] == "not-asked-robots-txt"
    found = explain("w.csv#0", tmp_path / "out")
    assert found.states["ai_input"] == "deny"
    assert found.states["train_any"] == "unknown"  # an allowance is information
    assert found.statements[0].spec == {"ai_input": "deny", "train_any": "allow"}


def test_the_result_is_the_same_for_any_number_of_workers(tmp_path: Path) -> None:
    folder = tmp_path / "registry"
    folder.mkdir()
    (folder / "1.json").write_bytes(made("e.x", "https://e.y/a/"))
    table = works(tmp_path)
    for workers, out in ((1, "one"), (2, "two")):
        scan([table], out=tmp_path / out, registries=[folder], now=NOW, workers=workers)
    assert scan_files(tmp_path / "one") == scan_files(tmp_path / "two")
