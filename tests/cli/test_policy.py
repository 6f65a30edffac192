"""A policy through the program: made, changed, signed one root at a time, rotated, shown, believed."""

import base64
import json
from pathlib import Path

import pytest

from datalib.formats import parse_time, sha256_hex
from tests import pki, stamps
from tests.cli.conftest import PRODUCER, Program

ROOTS = ("--root", "r1.pub.pem", "--root", "r2.pub.pem")
ASKED = (
    "verify",
    "library",
    "--policy",
    "policy.json",
    "--roots",
    "roots.json",
    "--require",
    "none",
    "--format",
    "json",
)


@pytest.fixture
def policy(datalib: Program, signed: Path, tmp_path: Path) -> Path:
    for name in ("r1", "r2", "r3", "r4"):
        assert datalib("key", "new", "-o", f"{name}.pem", "--no-password").status == 0
    made = datalib("policy", "new", "-o", "policy.json", "--roots-out", "roots.json", *ROOTS, "--days", "300")
    assert made.status == 0, made.err
    assert "--policy policy.json --roots roots.json" in made.out
    for arguments in (
        (
            "add-party",
            "policy.json",
            "--party",
            PRODUCER,
            "--name",
            "en=Test",
            "--role",
            "producer",
            "--role",
            "holder",
        ),
        ("add-key", "policy.json", "--party", PRODUCER, "--key", "producer.pub.pem"),
    ):
        done = datalib("policy", *arguments)
        assert done.status == 0, done.err
    return tmp_path / "policy.json"


def _sign(datalib: Program, *roots: str) -> None:
    for root in roots:
        done = datalib("policy", "sign", "policy.json", "--key", f"{root}.pem")
        assert done.status == 0, done.err


def test_the_signature_of_a_stranger_is_not_counted(datalib: Program, policy: Path) -> None:
    said = datalib("policy", "sign", "policy.json", "--key", "r1.pem", "--key", "r4.pem").out
    assert said.splitlines() == [
        "signed by 1 keys; its own roots ask for 2",
        "and by 1 that are not among its roots",
        "next: another root runs `datalib policy sign policy.json --key ROOT.pem`",
    ]


def test_enough_roots_make_a_policy_believable(datalib: Program, policy: Path) -> None:
    _sign(datalib, "r2")
    assert datalib(*ASKED).data["code"] == "E-POLICY-SIG"
    _sign(datalib, "r1")
    assert datalib(*ASKED).status == 0


def test_copies_signed_on_two_machines_are_joined(datalib: Program, policy: Path, tmp_path: Path) -> None:
    (tmp_path / "copy.json").write_bytes(policy.read_bytes())
    _sign(datalib, "r1")
    assert datalib("policy", "sign", "copy.json", "--key", "r2.pem").status == 0
    assert datalib("policy", "sign", "policy.json", "--with", "copy.json").status == 0
    assert datalib(*ASKED).status == 0


def test_a_copy_of_another_policy_is_not_joined(datalib: Program, policy: Path, tmp_path: Path) -> None:
    (tmp_path / "copy.json").write_bytes(policy.read_bytes())
    _sign(datalib, "r1")
    datalib("policy", "add-party", "copy.json", "--party", "x-test:other", "--name", "en=Other", "--role", "holder")
    datalib("policy", "sign", "copy.json", "--key", "r2.pem")
    refused = datalib("policy", "sign", "policy.json", "--with", "copy.json")
    assert (refused.status, "E-POLICY-FORK" in refused.err) == (1, True)


def test_a_time_stamp_authority_is_listed_and_its_tokens_are_read(
    datalib: Program, policy: Path, signed: Path, tmp_path: Path
) -> None:
    (tmp_path / "tsa.der").write_bytes(stamps.der(pki.root()))
    (tmp_path / "none.der").write_bytes(b"no certificate")
    refused = datalib("policy", "add-tsa", "policy.json", "--certificate", "none.der")
    assert (refused.status, "E-ENROL-CERT: none.der" in refused.err) == (1, True)
    listed = datalib("policy", "add-tsa", "policy.json", "--certificate", "tsa.der", "--oid", stamps.POLICY)
    assert listed.status == 0, listed.err
    _sign(datalib, "r1", "r2")
    assert "time stamps: 20" in datalib("policy", "show", "policy.json").out
    line = (signed / "chain.jsonl").read_bytes().splitlines()[-1]
    token = signed / "proofs" / f"{sha256_hex(line)}.tsr"
    token.parent.mkdir(exist_ok=True)
    token.write_bytes(stamps.stamp(b"another line"))
    assert datalib(*ASKED).data["code"] == "E-TSA-IMPRINT"
    token.write_bytes(stamps.stamp(line, time=parse_time(json.loads(policy_payload(policy))["tsa"][0]["from"])))
    assert datalib(*ASKED).status == 0


def policy_payload(policy: Path) -> bytes:
    return base64.b64decode(json.loads(policy.read_bytes())["payload"])


def test_a_revoked_key_closes_what_has_no_time(datalib: Program, policy: Path) -> None:
    _sign(datalib, "r1", "r2")
    done = datalib(
        *("policy", "revoke-key", "policy.json", "--key", "producer.pub.pem", "--reason", "compromised"),
        *("--at", "2026-09-21T00:00:00Z"),
    )
    assert done.status == 0, done.err
    assert json.loads(policy.read_text())["version"] == 2
    _sign(datalib, "r1", "r2")
    assert datalib(*ASKED).data["code"] == "E-KEY-REVOKED"


def test_a_blocked_library_stays_closed(datalib: Program, policy: Path) -> None:
    library = datalib("show", "library", "--format", "json").data["library"]
    assert datalib("policy", "block", "policy.json", library).status == 0
    _sign(datalib, "r1", "r2")
    assert datalib(*ASKED).data["code"] == "E-LIB-BLOCKED"


def test_roots_are_rotated_by_old_and_new(datalib: Program, policy: Path) -> None:
    _sign(datalib, "r1", "r2")
    turned = datalib("policy", "set-roots", "policy.json", "--root", "r3.pub.pem", "--root", "r4.pub.pem")
    assert turned.status == 0, turned.err
    _sign(datalib, "r1", "r2")
    assert datalib(*ASKED).data["code"] == "E-POLICY-ROTATION"
    _sign(datalib, "r3", "r4")
    assert datalib(*ASKED).status == 0


def test_a_policy_is_renewed_before_it_expires(datalib: Program, policy: Path) -> None:
    _sign(datalib, "r1", "r2")
    late = ("--now", "2027-08-01T00:00:00Z")
    assert datalib(*ASKED, *late).data["code"] == "E-POLICY-EXPIRED"
    assert datalib("policy", "renew", "policy.json", "--now", "2027-07-01T00:00:00Z").status == 0
    _sign(datalib, "r1", "r2")
    assert datalib(*ASKED, *late).status == 0


def test_a_log_can_be_required(datalib: Program, policy: Path, tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_text("quorum none\n")
    assert datalib("policy", "set-log", "policy.json", "--log-policy", "log.txt").status == 0
    _sign(datalib, "r1", "r2")
    assert datalib(*ASKED).data["code"] == "E-LOG-MISSING"
    (tmp_path / "log.txt").write_bytes(b"\xff")
    assert "E-LOG-POLICY" in datalib("policy", "set-log", "policy.json", "--log-policy", "log.txt").err


def test_show_says_who_signed_and_what_was_not_checked(datalib: Program, policy: Path) -> None:
    draft = datalib("policy", "show", "policy.json")
    assert draft.status == 0
    assert "not checked" in draft.out
    _sign(datalib, "r1")
    assert "E-POLICY-SIG" in datalib("policy", "show", "policy.json", "--roots", "roots.json").err
    _sign(datalib, "r2")
    checked = datalib("policy", "show", "policy.json", "--roots", "roots.json")
    assert checked.status == 0
    assert "not checked" not in checked.out
    assert PRODUCER in checked.out


@pytest.mark.parametrize(
    "arguments",
    [
        ("new", "-o", "policy.json", "--roots-out", "other.json", *ROOTS),
        ("new", "-o", "other.json", "--roots-out", "new-roots.json"),
        ("sign", "policy.json"),
    ],
)
def test_wrong_usage_is_said(datalib: Program, policy: Path, arguments: tuple[str, ...]) -> None:
    before = policy.read_bytes()
    assert datalib("policy", *arguments).status == 2
    assert policy.read_bytes() == before


def test_a_key_of_a_stranger_is_not_enrolled(datalib: Program, policy: Path) -> None:
    refused = datalib("policy", "add-key", "policy.json", "--party", "x-test:stranger", "--key", "buyer.pub.pem")
    assert (refused.status, "E-POLICY-PARTY" in refused.err) == (1, True)
