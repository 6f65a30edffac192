"""The way of a key into a policy: key act, national signature, the registrar's check, the digests."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from tests import pki
from tests.cli.conftest import Program, Result

PARTY = f"kz-bin:{pki.BIN}"
ALL = ("--cms", "act.json.p7s", "--trust-root", "root.pem", "--ca", "nca.der", "--ocsp", "answer.der")


@pytest.fixture
def papers(datalib: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    own = pki.personal()
    (tmp_path / "person.p12").write_bytes(pki.container(pki.rsa_key("person"), own))
    (tmp_path / "root.pem").write_bytes(pki.root().public_bytes(Encoding.PEM))
    (tmp_path / "nca.der").write_bytes(pki.middle().public_bytes(Encoding.DER))
    (tmp_path / "answer.der").write_bytes(pki.answer(own))
    (tmp_path / "password").write_text("steppe\n")
    assert datalib("key", "new", "-o", "new.pem", "--no-password").status == 0
    made = datalib("key", "act", "new", "--party", PARTY, "--key", "new.pem", "-o", "act.json")
    assert made.status == 0, made.err
    signed = datalib("key", "act", "sign-national", "act.json", "--p12", "person.p12", "--password-file", "password")
    assert signed.status == 0, signed.err
    assert "roles in it: organisation, head" in signed.out
    return tmp_path


def check(datalib: Program, *arguments: str) -> Result:
    return datalib("key", "act", "check", "act.json", *arguments, "--now", "2026-09-23T00:00:00Z")


def test_a_registrar_sees_all_that_was_checked(datalib: Program, papers: Path) -> None:
    found = check(datalib, *ALL)
    assert found.status == 0, found.err
    assert "NOT CHECKED" not in found.out
    assert f"IIN {pki.IIN}, BIN {pki.BIN}" in found.out
    assert "note: the role is what the certificate said" in found.out
    data = check(datalib, *ALL, "--format", "json").data
    assert (data["accepted"], data["code"], data["not_checked"]) == (True, None, [])
    assert [item["name"] for item in data["evidence"]] == ["act.json", "act.json.p7s", "answer.der"]


def test_what_was_not_checked_is_said_and_is_no_yes(datalib: Program, papers: Path) -> None:
    bare = check(datalib)
    assert bare.status == 3
    assert "checked: the new key has signed the act" in bare.out
    assert bare.out.count("NOT CHECKED: ") == 5
    partly = check(datalib, *ALL[:2], "--checked-elsewhere", "chain", "--format", "json")
    assert partly.status == 3
    assert (partly.data["code"], partly.data["not_checked"]) == ("E-ENROL-UNCHECKED", ["revocation"])
    assert partly.data["checked_elsewhere"] == ["chain"]
    word = check(datalib, *ALL[:2], "--checked-elsewhere", "chain", "--checked-elsewhere", "revocation")
    assert word.status == 0
    assert "checked elsewhere, by your word: its certificate leads to a root" in word.out


def test_a_gost_signature_is_kept_but_not_believed(datalib: Program, papers: Path) -> None:
    signature = papers / "act.json.p7s"
    signature.write_bytes(pki.gost(signature.read_bytes()))
    found = check(datalib, *ALL)
    assert found.status == 3
    assert "NOT CHECKED: the national signature holds over exactly this file (an algorithm" in found.out
    assert f"national signature: {pki.GOST_SIGNATURE}" in found.out


def test_the_policy_takes_the_key_with_its_papers(datalib: Program, papers: Path) -> None:
    assert datalib("key", "new", "-o", "root.key.pem", "--no-password").status == 0
    started = ("policy", "new", "-o", "policy.json", "--roots-out", "roots.json", "--root", "root.key.pub.pem")
    assert datalib(*started).status == 0
    party = ("--party", PARTY, "--name", "ru=Дерекнама", "--role", "producer")
    assert datalib("policy", "add-party", "policy.json", *party).status == 0
    evidence = ("--evidence", "act.json.p7s", "--evidence", "answer.der")
    added = datalib("policy", "add-key", "policy.json", "--act", "act.json", *evidence)
    assert added.status == 0, added.err
    key = json.loads((papers / "policy.json").read_bytes())["parties"][0]["keys"][0]
    assert [item["name"] for item in key["evidence"]] == ["act.json", "act.json.p7s", "answer.der"]
    assert (key["from"], key["until"]) == ("2026-09-21T14:13:20Z", "2028-09-20T14:13:20Z")

    whole = check(datalib, *ALL, "--policy", "policy.json")
    assert whole.status == 0
    assert "the files given are those that the policy lists" in whole.out
    part = check(datalib, *ALL[:2], "--policy", "policy.json", "--format", "json")
    assert part.data["evidence_missing"] == ["answer.der"]
    assert "listed, but not given: answer.der" in check(datalib, *ALL[:2], "--policy", "policy.json").out
    (papers / "answer.der").write_bytes(pki.answer(pki.personal(), time=1_790_100_000))
    changed = check(datalib, *ALL, "--policy", "policy.json")
    assert (changed.status, "E-ENROL-EVIDENCE" in changed.err) == (1, True)


def test_a_key_act_speaks_for_itself(datalib: Program, papers: Path) -> None:
    def usage(*arguments: str) -> bool:
        return datalib("policy", "add-key", "policy.json", *arguments).status == 2

    assert usage("--act", "act.json", "--key", "new.pub.pem")
    assert usage("--act", "act.json", "--from", "2026-09-21T14:13:20Z")
    assert usage("--act", "act.json", "--until", "2026-09-21T14:13:20Z")
    assert usage("--act", "act.json", "--party", "x-test:other")
    assert usage("--act", "act.json", "--evidence", "act.json")
    assert usage("--key", "new.pub.pem")
    assert usage("--party", PARTY)
    shown = datalib("key", "act", "show", "act.json")
    assert PARTY in shown.out
    assert "kk: Осы ашық кілтке" in shown.out
    assert datalib("key", "act", "show", "act.json", "--format", "json").data["party"] == PARTY


def test_an_own_window_and_statement(datalib: Program, papers: Path) -> None:
    window = ("--from", "2027-01-01T00:00:00Z", "--until", "2027-02-01T00:00:00Z", "--statement", "en=Mine.")
    assert datalib("key", "act", "new", "--party", PARTY, "--key", "new.pem", *window, "-o", "own.json").status == 0
    shown = datalib("key", "act", "show", "own.json").out
    assert "2027-01-01T00:00:00Z to 2027-02-01T00:00:00Z" in shown
    assert "en: Mine." in shown


def test_who_may_not_sign_is_told_before_signing(datalib: Program, papers: Path) -> None:
    def code(container: bytes, opened_by: str = "steppe") -> str:
        (papers / "other.p12").write_bytes(container)
        (papers / "password").write_text(opened_by)
        sign = ("key", "act", "sign-national", "act.json", "--p12", "other.p12", "-o", "other.p7s")
        done = datalib(*sign, "--password-file", "password", "--format", "json")
        assert done.status in {1, 2}
        assert not (papers / "other.p7s").exists()
        found: str = done.data["code"]
        return found

    key = pki.rsa_key("person")
    assert code(pki.container(key, pki.personal(roles=pki.EMPLOYEE))) == "E-ENROL-EKU"
    assert code(pki.container(key, pki.personal(subject=pki.CITIZEN))) == "E-ENROL-BIN"
    assert code(pki.container(key, pki.personal()), opened_by="wrong") == "E-P12-OPEN"


def test_a_key_act_is_refused_without_possession(datalib: Program, papers: Path) -> None:
    (papers / "act.json").write_bytes((papers / "act.json").read_bytes().replace(b'"sig":"', b'"sig":"AAAA'))
    refused = check(datalib)
    assert (refused.status, "E-ENROL-POP" in refused.err) == (1, True)
    assert datalib("policy", "add-key", "policy.json", "--act", "act.json").status == 1
