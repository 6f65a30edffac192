"""A registry, three witnesses and a monitor by their commands; the servers are processes of their own."""

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.conftest import BUYER, PRODUCER, Program, Result
from tests.servers import spawned

ORIGIN = "registry.example/datalib"
WITNESSES = ("W1", "W2", "W3")
RULES = ("--log-policy", "log-policy")
TRUST = ("--policy", "policy.json", "--roots", "roots.json")
WEEK = 7 * 86_400


@dataclass(frozen=True)
class Registry:
    """A log, its rules in ``log-policy``, and a signed policy that names it."""

    run: Program
    vkey: str

    def publish(self, *urls: str) -> Result:
        asked = [option for url in urls for option in ("--witness", url)]
        return self.run("log", "publish", "registry", *RULES, *asked, "--timeout", "5")

    def witness(self, name: str) -> tuple[str, ...]:
        """Give the command line of a witness."""
        return (
            *("log", "witness", "--key", f"{name}.pem", "--name", f"{name.lower()}.example"),
            *("--log-vkey", self.vkey, "--state", f"{name}.state"),
        )

    def verify(self, library: str, *options: str) -> Result:
        return self.run("verify", library, *TRUST, "--require", "none", *options, "--format", "json")


def _policy(datalib: Program, vkey: str) -> None:
    lines = [f"log {vkey}"]
    for name in WITNESSES:
        assert datalib("key", "new", "-o", f"{name}.pem", "--no-password").status == 0
        shown = datalib("log", "vkey", f"{name}.pub.pem", "--name", f"{name.lower()}.example")
        lines.append(f"witness {name} {shown.out.strip()}")
    Path("log-policy").write_text("\n".join([*lines, "group W 2 W1 W2 W3", "quorum W", ""]), encoding="utf-8")
    assert datalib("key", "new", "-o", "root.pem", "--no-password").status == 0
    made = datalib(
        *("policy", "new", "-o", "policy.json", "--roots-out", "roots.json", "--root", "root.pub.pem"),
        *(*RULES, "--require-log", "--max-age", str(WEEK)),
    )
    assert made.status == 0, made.err
    for party, name in ((PRODUCER, "producer"), (BUYER, "buyer")):
        roles = ("--role", "producer", "--role", "holder")
        added = datalib("policy", "add-party", "policy.json", "--party", party, "--name", "en=X", *roles)
        assert added.status == 0, added.err
        enrolled = datalib("policy", "add-key", "policy.json", "--party", party, "--key", f"{name}.pub.pem")
        assert enrolled.status == 0, enrolled.err
    assert datalib("policy", "sign", "policy.json", "--key", "root.pem").status == 0


@pytest.fixture
def registry(datalib: Program, signed: Path) -> Registry:
    assert datalib("key", "new", "-o", "log.pem", "--no-password").status == 0
    made = datalib("log", "init", "registry", "--origin", ORIGIN, "--key", "log.pem", "--format", "json")
    assert made.status == 0, made.err
    vkey = made.data["vkey"]
    _policy(datalib, vkey)
    return Registry(run=datalib, vkey=vkey)


@pytest.fixture
def urls(registry: Registry) -> Iterator[list[str]]:
    """Two witnesses that answer; the third is offline: nobody listens at its port."""
    with ExitStack() as running:
        found = [running.enter_context(spawned(*registry.witness(name))) for name in WITNESSES[:2]]
        yield [*(f"{name}={url}" for name, url in zip(WITNESSES, found, strict=False)), "W3=http://127.0.0.1:9"]


def submit(datalib: Program, library: str = "library") -> Result:
    return datalib("log", "submit", "registry", library, *TRUST, "--format", "json")


def test_a_library_is_accepted_with_the_proofs_of_our_own_log(
    datalib: Program, registry: Registry, urls: list[str], tmp_path: Path
) -> None:
    assert registry.verify("library").data["code"] == "E-LOG-MISSING"
    done = submit(datalib)
    assert done.status == 0, done.err
    assert (len(done.data["admitted"]), done.data["published"], done.data["waiting"]) == (1, False, 2)
    published = registry.publish(*urls)
    assert published.status == 0, published.err
    assert "cosigned: w1.example" in published.out
    assert "not cosigned: http://127.0.0.1:9" in published.out
    assert submit(datalib).data["proven"] == done.data["admitted"]
    report = registry.verify("library", "--state", "state")
    assert report.data["accepted"], report.data
    assert set(report.data["not_checked"]) == {"purpose", "attestations"}
    with spawned("log", "serve", "registry") as url:
        watched = datalib("log", "monitor", url, *RULES, "--state", "monitor.state", "--format", "json")
        assert watched.data["accepted"]
        assert (watched.data["events"], watched.data["libraries"], watched.data["policies"]) == (1, 1, 1)
        assert watched.data["time"] == "2026-09-21T14:13:20Z"
        registry.publish(*urls)
        again = datalib("log", "monitor", url, *TRUST, "--state", "monitor.state")
        assert again.status == 0
        assert "faults: 0" in again.out
    assert (tmp_path / "monitor.state").exists()


def sell(datalib: Program) -> None:
    offered = datalib(
        *("transfer", "offer", "library", "--to", BUYER, "--to-name", "en=Buyer", "--basis", "contract 1"),
        *("--key", "producer.pem", "-o", "offer.json"),
    )
    assert offered.status == 0, offered.err
    accepted = datalib("transfer", "accept", "library", "--offer", "offer.json", "--key", "buyer.pem", *TRUST)
    assert accepted.status == 0, accepted.err


def test_truncation_a_hidden_transfer_and_old_heads_are_refused(
    datalib: Program, registry: Registry, urls: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(datalib)
    registry.publish(*urls)
    submit(datalib)
    shutil.copytree("library", "before")
    sell(datalib)
    shutil.copytree("library", "sold")
    assert len(submit(datalib).data["admitted"]) == 1
    registry.publish(*urls)
    proven = datalib("log", "prove", "registry", "library", *RULES, "--format", "json")
    assert proven.status == 0, proven.err
    assert registry.verify("library").data["accepted"]
    assert registry.verify("library").data["owner"] == BUYER
    # The sale as it was before it was logged: no proof; then with the proof of the event and the old head.
    assert registry.verify("sold").data["code"] == "E-LOG-MISSING"
    for proof in Path("library/proofs").glob("*.tlog-proof"):
        shutil.copy(proof, "sold/proofs")
    assert registry.verify("sold").data["code"] == "E-HEAD-OLD"
    # The library as it was before the sale, with the head of today.
    shutil.copytree("before", "truncated")
    shutil.copy("library/proofs/head.json", "truncated/proofs/head.json")
    assert registry.verify("truncated").data["code"] == "E-CHAIN-TRUNCATED"
    # The registry proves no copy that hides the sale, and admits no second one.
    assert "E-HEAD-ROLLBACK" in datalib("log", "prove", "registry", "before").err
    assert submit(datalib, "before").data["code"] == "E-HEAD-ROLLBACK"
    # Eight days later the old head alone says too little.
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(1_790_000_000 + 8 * 86_400))
    assert registry.verify("before").data["code"] == "E-HEAD-STALE"
    assert registry.verify("library").data["code"] == "E-HEAD-STALE"


def test_one_lying_witness_changes_nothing_two_stop_the_publication(
    datalib: Program, registry: Registry, urls: list[str], tmp_path: Path
) -> None:
    # A witness with another key than the policy knows under its name.
    assert datalib("key", "new", "-o", "other.pem", "--no-password").status == 0
    liar = ("log", "witness", "--key", "other.pem", "--name", "w3.example", "--log-vkey", registry.vkey)
    with spawned(*liar, "--state", "other.state") as url:
        done = registry.publish(*urls[:2], f"W3={url}")
        assert done.status == 0, done.err
        assert "without a cosignature of its key" in done.out
        submit(datalib)
        before = (tmp_path / "registry/checkpoint").read_bytes()
        refused = registry.publish(urls[0], f"W3={url}")
        assert refused.status == 1
        assert "E-LOG-QUORUM" in refused.err
    assert (tmp_path / "registry/checkpoint").read_bytes() == before
    completed = registry.publish(*urls)
    assert completed.status == 0, completed.err
    assert submit(datalib).data["published"]
    assert registry.verify("library").data["accepted"]


def test_a_witness_remembers_over_restarts_and_signs_no_rollback(
    datalib: Program, registry: Registry, tmp_path: Path
) -> None:
    lone = ("--log-policy", "lone")
    Path("lone").write_text(Path("log-policy").read_text().replace("group W 2", "group W 1"), encoding="utf-8")
    shutil.copytree("registry", "backup")
    with spawned(*registry.witness("W1")) as url:
        assert datalib("log", "publish", "registry", *lone, "--witness", f"W1={url}").status == 0
        assert datalib("log", "publish", "registry", *lone, "--witness", f"W1={url}").status == 0
    with spawned(*registry.witness("W1")) as url:
        refused = datalib("log", "publish", "backup", *lone, "--witness", f"W1={url}")
        assert refused.status == 1
        assert "has seen 2 entries already, the log has 1" in refused.err
    state = json.loads((tmp_path / "W1.state").read_bytes())
    assert state["logs"][ORIGIN]["size"] == 2


def test_a_monitor_reports_a_fork_with_its_place(datalib: Program, tmp_path: Path) -> None:
    from dataclasses import replace

    from tests.logs import SIGNER, chain, digest, heads_entry, write_log

    first, second = chain("a", 2)
    fork = replace(second, event=digest("sold twice"))
    heads = heads_entry(3, [(first.lib, second.event)])
    write_log(tmp_path / "forked", [entry.serialise() for entry in (first, second, fork, heads)])
    found = datalib("log", "monitor", "forked", "--log-vkey", SIGNER.key.vkey, "--state", "s", "--format", "json")
    assert found.status == 1
    assert (found.data["accepted"], found.data["code"], found.data["where"]) == (False, "E-MON-FORK", "entry 2")
    assert [each["code"] for each in found.data["findings"]] == ["E-MON-FORK"]
    assert not (tmp_path / "s").exists()
    told = datalib("log", "monitor", "forked", "--log-vkey", SIGNER.key.vkey)
    assert "E-MON-FORK: entry 2: The log holds two entries" in told.out


def test_what_was_admitted_without_witnesses_has_no_time(datalib: Program, registry: Registry) -> None:
    submit(datalib)
    done = datalib("log", "publish", "registry")
    assert done.status == 0
    assert "no witnesses" in done.out
    assert datalib("log", "prove", "registry", "library").status == 0
    assert registry.verify("library").data["code"] == "E-LOG-QUORUM"
    assert datalib("log", "monitor", "registry").status == 0


@pytest.mark.parametrize(
    ("arguments", "status", "code"),
    [
        (("log", "publish", "registry", *RULES, *TRUST), 2, "E-USAGE"),
        (("log", "publish", "registry", "--policy", "policy.json"), 2, "E-USAGE"),
        (("log", "publish", "registry", "--witness", "http://127.0.0.1:9"), 2, "E-USAGE"),
        (("log", "publish", "registry", *RULES, "--witness", "W9=http://127.0.0.1:9"), 2, "E-USAGE"),
        (("log", "publish", "registry", "--key", "producer.pem"), 2, "E-USAGE"),
        (("log", "publish", "library"), 2, "E-NOT-A-LOG"),
        (("log", "publish", "nothing"), 3, "E-IO"),
        (("log", "prove", "registry", "library"), 1, "E-LOG-MISSING"),
        (("log", "monitor", "http://127.0.0.1:9/"), 2, "E-USAGE"),
        (("log", "monitor", "http://127.0.0.1:9/", *RULES), 3, "E-IO"),
        (("log", "monitor", "registry", *RULES), 1, "E-LOG-QUORUM"),
        (("log", "monitor", "registry", *RULES, "--log-vkey", "x"), 2, "E-USAGE"),
        (("log", "monitor", "registry", "--log-vkey", "x"), 1, "E-LOG-POLICY"),
        (("log", "init", "library/log", "--origin", "x", "--key", "log.pem"), 2, "E-OUT-IN-LIBRARY"),
        (("log", "init", "registry", "--origin", "x", "--key", "log.pem"), 2, "E-LOG-EXISTS"),
        (("log", "init", "new", "--origin", "a b", "--key", "log.pem"), 2, "E-USAGE"),
        (("log", "init", "new", "--origin", "x", "--key", "p256.pem"), 1, "E-KEY-ALG"),
        (("log", "serve", "library"), 2, "E-NOT-A-LOG"),
        (("log", "witness", "--key", "log.pem", "--name", "w", "--state", "s"), 2, "E-USAGE"),
        (("log", "vkey", "roots.json", "--name", "w"), 1, "E-KEY-ENCODING"),
    ],
)
def test_mistakes_are_told_by_their_codes(
    datalib: Program, registry: Registry, arguments: tuple[str, ...], status: int, code: str
) -> None:
    assert datalib("key", "new", "-o", "p256.pem", "--alg", "p256", "--no-password").status == 0
    done = datalib(*arguments)
    assert (done.status, done.err.split(": ")[1]) == (status, code)


def test_a_policy_is_logged_alone_and_then_watched(datalib: Program, registry: Registry) -> None:
    first = datalib("log", "submit", "registry", *TRUST)
    assert first.out.startswith("admitted: the policy ")
    assert datalib("log", "submit", "registry", *TRUST).out == "nothing new\n"
    assert datalib("log", "publish", "registry").status == 0
    rules = Path("log-policy").read_text(encoding="utf-8").replace("quorum W", "quorum none")
    Path("lax").write_text(rules, encoding="utf-8")
    made = datalib(
        *("policy", "new", "-o", "other.json", "--roots-out", "other-roots.json", "--root", "root.pub.pem"),
        *("--log-policy", "lax"),
    )
    assert made.status == 0, made.err
    assert datalib("policy", "sign", "other.json", "--key", "root.pem").status == 0
    other = ("--policy", "other.json", "--roots", "other-roots.json")
    assert datalib("log", "monitor", "registry", *other, "--format", "json").data["code"] == "E-POLICY-LOG"
    assert datalib("log", "submit", "registry", *other, "--format", "json").data["code"] == "E-POLICY-FORK"


def test_a_witness_key_is_named_from_its_private_file_too(datalib: Program, registry: Registry) -> None:
    named = [datalib("log", "vkey", f"W1{end}", "--name", "w1.example").out for end in (".pem", ".pub.pem")]
    assert named[0] == named[1]
    assert named[0].strip() in Path("log-policy").read_text(encoding="utf-8")
