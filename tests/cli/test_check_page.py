"""``datalib check-page`` from the command line."""

import json
from pathlib import Path

from datalib.canonical import canonical
from datalib.formats import format_time
from datalib.publish import checking
from datalib.publish.checking import SiteTrust
from tests.cli.conftest import Program
from tests.libraries import NOW, ROOTS, draft_policy, sign_policy

POLICY, PINNED = sign_policy(draft_policy()), canonical(ROOTS.to_dict())


def test_the_page_is_written_in_the_language_asked_for(datalib: Program) -> None:
    done = datalib("check-page", "-o", "check.html")
    assert (done.status, done.out) == (0, "page: check.html\n")
    assert Path("check.html").read_bytes() == checking.write("en")
    assert datalib("check-page", "-o", "check.html", "--lang", "kk").status == 0
    assert Path("check.html").read_bytes() == checking.write("kk")


def test_the_page_brings_the_trust_of_a_site(datalib: Program) -> None:
    Path("policy.json").write_bytes(POLICY)
    Path("roots.json").write_bytes(PINNED)
    trust = ("--policy", "policy.json", "--roots", "roots.json")
    done = datalib("check-page", "-o", "check.html", *trust, "--now", format_time(NOW), "--format", "json")
    assert (done.status, done.data["trust"], done.data["out"]) == (0, True, "check.html")
    assert Path("check.html").read_bytes() == checking.write("en", SiteTrust(policy=POLICY, roots=PINNED))


def test_trust_that_nobody_could_believe_is_not_published(datalib: Program) -> None:
    Path("policy.json").write_bytes(POLICY)
    Path("roots.json").write_text(json.dumps({"threshold": 1, "keys": []}), encoding="utf-8")
    half = datalib("check-page", "-o", "check.html", "--policy", "policy.json", "--format", "json")
    assert (half.status, half.data["code"]) == (2, "E-USAGE")
    trust = ("--policy", "policy.json", "--roots", "roots.json", "--format", "json")
    assert datalib("check-page", "-o", "check.html", *trust).data["code"] == "E-SCHEMA"
    Path("roots.json").write_bytes(PINNED)
    late = datalib("check-page", "-o", "check.html", *trust, "--now", "2036-01-01T00:00:00Z")
    assert (late.status, late.data["code"]) == (1, "E-POLICY-EXPIRED")
    assert not Path("check.html").exists()
