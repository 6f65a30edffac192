"""Hand-overs as they happen: two machines, offers that die, race or lie, libraries that are lent and come back."""

import json
import shutil
from pathlib import Path

import pytest

from datalib.chain import envelope, events
from datalib.chain.envelope import EVENT_TYPE, Envelope
from datalib.chain.events import Transfer
from datalib.formats import parse_time
from datalib.trust.keys import PrivateKey
from datalib.trust.parties import Party
from tests.cli.conftest import AUDITOR, BUYER, PRODUCER, TRUST, Program, Result

OTHER = "x-test:auditor"  # the third person of the tests, here another buyer
MADE = "2026-09-25T00:00:00Z"
LAST = "2026-10-25T00:00:00Z"  # 30 days after
DEAD = "2026-10-25T00:00:01Z"
KEYS = {PRODUCER: "producer.pem", BUYER: "buyer.pem", AUDITOR: "auditor.pem"}


def offer(
    datalib: Program, *more: str, to: str = BUYER, by: str = PRODUCER, library: str = "library", out: str = "offer.json"
) -> Result:
    made = datalib(
        *("transfer", "offer", library, "--to", to, "--to-name", f"en={to}", "--basis", "contract 1"),
        *("--as", by, "--key", KEYS[by], "-o", out, *more),
    )
    assert made.status == 0, made.err
    return made


def accept(datalib: Program, *more: str, by: str = BUYER, library: str = "library", file: str = "offer.json") -> Result:
    return datalib("transfer", "accept", library, "--offer", file, "--key", KEYS[by], *TRUST, *more)


def give(datalib: Program, giver: str, taker: str, rights: str, at: str) -> None:
    offer(datalib, "--rights", rights, "--now", at, by=giver, to=taker)
    done = accept(datalib, "--now", at, by=taker)
    assert done.status == 0, done.err


def holders(datalib: Program, library: str = "library", now: str = DEAD) -> tuple[str, str]:
    report = datalib("verify", library, *TRUST, "--require", "none", "--now", now, "--format", "json")
    assert report.status == 0, report.out
    return report.data["owner"], report.data["possessor"]


def test_two_machines_hand_over_and_the_line_comes_back(datalib: Program, signed: Path, tmp_path: Path) -> None:
    shutil.copytree(signed, tmp_path / "copy")
    offer(datalib)
    done = accept(datalib, "-o", "line.json", library="copy")
    assert done.status == 0, done.err
    assert holders(datalib) == (PRODUCER, PRODUCER)
    completed = datalib("transfer", "complete", "library", "--line", "line.json", *TRUST)
    assert completed.status == 0, completed.err
    assert (signed / "chain.jsonl").read_bytes() == (tmp_path / "copy/chain.jsonl").read_bytes()
    assert holders(datalib) == holders(datalib, "copy") == (BUYER, BUYER)
    again = datalib("transfer", "complete", "library", "--line", "line.json", *TRUST)
    assert (again.status, again.out) == (0, completed.out)


def test_what_a_killed_run_left_is_in_nobodys_way(datalib: Program, signed: Path, tmp_path: Path) -> None:
    shutil.copytree(signed, tmp_path / "copy")
    offer(datalib)
    for library in (signed, tmp_path / "copy"):
        (library / ".datalib-tmp-35455573cba43154").write_bytes(b"half")
    done = accept(datalib, "-o", "line.json", library="copy")
    assert done.status == 0, done.err
    completed = datalib("transfer", "complete", "library", "--line", "line.json", *TRUST)
    assert completed.status == 0, completed.err
    assert holders(datalib) == holders(datalib, "copy") == (BUYER, BUYER)


def test_a_half_signed_line_completes_nothing(datalib: Program, signed: Path) -> None:
    offer(datalib)
    refused = datalib("transfer", "complete", "library", "--line", "offer.json", *TRUST)
    assert refused.status == 1
    assert "E-SIG-RECIPIENT" in refused.err
    assert datalib("transfer", "complete", "library", "--line", "offer.json").status == 2


@pytest.mark.parametrize(
    ("at", "code"), [(LAST, ""), (DEAD, "E-TIME-DELAY"), ("2026-09-24T23:00:00Z", "E-TIME-FUTURE")]
)
def test_an_offer_stands_for_thirty_days(datalib: Program, signed: Path, at: str, code: str) -> None:
    offer(datalib, "--now", MADE)
    done = accept(datalib, "--now", at)
    assert done.status == (1 if code else 0), done.err
    assert code in done.err


def test_an_offer_that_came_too_late_is_made_again(datalib: Program, signed: Path) -> None:
    offer(datalib, "--now", MADE)
    assert accept(datalib, "--now", DEAD).status == 1
    offer(datalib, "--now", DEAD)
    assert accept(datalib, "--now", DEAD).status == 0


def test_what_is_offered_can_be_read_before_it_is_signed(datalib: Program, signed: Path) -> None:
    offer(datalib, "--now", MADE, "--rights", "possession")
    shown = datalib("transfer", "show", "offer.json", "--format", "json").data
    assert (shown["from"]["id"], shown["to"]["id"], shown["rights"]) == (PRODUCER, BUYER, ["possession"])
    assert (shown["made"], shown["until"], shown["signatures"]) == (MADE, LAST, 1)
    assert "contract 1" in datalib("transfer", "show", "offer.json").out
    chain = signed / "chain.jsonl"
    assert "E-EVENT-KIND" in datalib("transfer", "show", str(chain)).err


def test_a_refused_offer_leaves_the_library_as_it_was(datalib: Program, signed: Path) -> None:
    before = (signed / "chain.jsonl").read_bytes()
    offer(datalib)
    (signed / "notes.txt").write_text("not what was signed\n")
    refused = accept(datalib)
    assert refused.status == 1
    assert "E-FILE-DIGEST" in refused.err
    assert (signed / "chain.jsonl").read_bytes() == before


def test_the_giver_takes_an_offer_back_by_any_other_event(datalib: Program, signed: Path) -> None:
    offer(datalib)
    noted = datalib(
        *("attest", "library", "--as", PRODUCER, "--claim", "offer-withdrawn", "--result", "info"),
        *("--key", "producer.pem"),
    )
    assert noted.status == 0, noted.err
    late = accept(datalib)
    assert late.status == 1
    assert "E-OFFER-STALE" in late.err


def test_an_offer_for_another_library_is_refused(datalib: Program, signed: Path, tmp_path: Path) -> None:
    shutil.copytree(signed, tmp_path / "other")
    for name in ("chain.jsonl", "files.sha256"):
        (tmp_path / "other" / name).unlink()
    shutil.rmtree(tmp_path / "other/manifests")
    (tmp_path / "other/notes.txt").write_text("another library\n")
    made = datalib("sign", "other", "--key", "producer.pem")
    assert made.status == 0, made.err
    offer(datalib, library="other")
    refused = accept(datalib)
    assert refused.status == 1
    assert "E-CHAIN-LIB" in refused.err


def test_of_two_buyers_on_two_machines_one_wins(datalib: Program, signed: Path, tmp_path: Path) -> None:
    """Both hold a copy and an offer. What each writes is sound; whoever sees both, sees the fork."""
    for name in ("one", "two"):
        shutil.copytree(signed, tmp_path / name)
    offer(datalib, out="one.json")
    offer(datalib, to=OTHER, out="two.json")
    assert accept(datalib, "-o", "one.line", library="one", file="one.json").status == 0
    assert accept(datalib, "-o", "two.line", library="two", file="two.json", by=OTHER).status == 0
    asked = (*TRUST, "--require", "none", "--state", "state.json", "--format", "json")
    assert datalib("verify", "one", *asked).status == 0
    assert datalib("verify", "two", *asked).data["code"] == "E-CHAIN-FORK"
    assert datalib("transfer", "complete", "library", "--line", "one.line", *TRUST).status == 0
    second = datalib("transfer", "complete", "library", "--line", "two.line", *TRUST)
    assert second.status == 1
    assert "E-OFFER-STALE" in second.err


def test_what_was_accepted_is_accepted_after_later_events_too(datalib: Program, signed: Path) -> None:
    offer(datalib)
    assert accept(datalib).status == 0
    noted = datalib(
        *("attest", "library", "--as", AUDITOR, "--name", "en=A", "--claim", "quality", "--result", "pass"),
        *("--key", "auditor.pem"),
    )
    assert noted.status == 0
    before = (signed / "chain.jsonl").read_bytes()
    assert accept(datalib).status == 0
    assert (signed / "chain.jsonl").read_bytes() == before


def test_a_lent_library_comes_back(datalib: Program, signed: Path) -> None:
    give(datalib, PRODUCER, BUYER, "possession", "2026-09-25T00:00:00Z")
    assert holders(datalib) == (PRODUCER, BUYER)
    (signed / "notes.txt").write_text("the borrower corrects it\n")
    amended = datalib(
        *("sign", "library", "--as", BUYER, "--key", "buyer.pem", "--reason", "correction"),
        *("--now", "2026-09-26T00:00:00Z"),
    )
    assert amended.status == 0, amended.err
    give(datalib, BUYER, PRODUCER, "possession", "2026-09-27T00:00:00Z")
    assert holders(datalib) == (PRODUCER, PRODUCER)


def test_the_owner_moves_possession_away_from_who_does_not_return_it(datalib: Program, signed: Path) -> None:
    give(datalib, PRODUCER, BUYER, "possession", "2026-09-25T00:00:00Z")
    give(datalib, PRODUCER, OTHER, "possession", "2026-09-26T00:00:00Z")
    assert holders(datalib) == (PRODUCER, OTHER)
    give(datalib, OTHER, PRODUCER, "possession", "2026-09-27T00:00:00Z")
    assert holders(datalib) == (PRODUCER, PRODUCER)


def test_a_borrower_cannot_sell(datalib: Program, signed: Path) -> None:
    give(datalib, PRODUCER, BUYER, "possession", "2026-09-25T00:00:00Z")
    sold = datalib(
        *("transfer", "offer", "library", "--to", OTHER, "--to-name", "en=Other", "--basis", "x", "--as", BUYER),
        *("--key", "buyer.pem", "-o", "offer.json", "--now", "2026-09-26T00:00:00Z"),
    )
    assert sold.status == 1
    assert "E-TRANSFER-TITLE" in sold.err


def forged(signed: Path, **changes: object) -> Envelope:
    """Sign, with the producer's key, a transfer that the program would not offer."""
    lines = (signed / "chain.jsonl").read_bytes().splitlines()
    head = envelope.parse(lines[-1], payload_type=EVENT_TYPE)
    value = {
        "seq": 1,
        "time": parse_time(MADE),
        "manifest": events.parse(head.payload).manifest,
        "lib": head.id,
        "prev": head.id,
        "sender": Party(id=PRODUCER, name={"en": "Test Producer"}),
        "recipient": Party(id=BUYER, name={"en": "Buyer"}),
        "rights": ("ownership", "possession"),
        "basis": "x",
    }
    event = Transfer(**{**value, **changes})  # type: ignore[arg-type]  # members of an event, changed by a test
    key = PrivateKey.from_pem((signed.parent / "producer.pem").read_bytes(), None)
    return envelope.sign(EVENT_TYPE, events.serialise(event), [key])


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"manifest": "a" * 64}, "E-MANIFEST-MISSING"),
        ({"seq": 7}, "E-OFFER-STALE"),
        ({"prev": "a" * 64}, "E-OFFER-STALE"),
        ({"lib": "a" * 64}, "E-CHAIN-LIB"),
        ({"sender": Party(id=OTHER, name={"en": "O"})}, "E-SIG-TRANSFEROR"),
        ({"recipient": Party(id=PRODUCER, name={"en": "P"})}, "E-SIG-RECIPIENT"),
        ({"time": parse_time("2026-09-01T00:00:00Z")}, "E-TIME-ORDER"),
    ],
)
def test_an_offer_made_by_hand_breaks_no_chain(
    datalib: Program, signed: Path, changes: dict[str, object], code: str
) -> None:
    before = (signed / "chain.jsonl").read_bytes()
    (signed.parent / "offer.json").write_bytes(forged(signed, **changes).line + b"\n")
    refused = accept(datalib, "--now", MADE)
    assert refused.status == 1
    assert code in refused.err
    assert (signed / "chain.jsonl").read_bytes() == before


def test_a_former_owner_cannot_sell_again(datalib: Program, signed: Path) -> None:
    """The seller of yesterday signs by hand what the program refuses to offer."""
    give(datalib, PRODUCER, OTHER, "ownership,possession", MADE)
    sold = (signed / "chain.jsonl").read_bytes().splitlines()[-1]
    head = envelope.parse(sold, payload_type=EVENT_TYPE)
    lie = forged(signed, seq=2, prev=head.id, lib=events.parse(head.payload).lib)
    (signed.parent / "offer.json").write_bytes(lie.line)
    refused = accept(datalib, "--now", MADE)
    assert refused.status == 1
    assert "E-TRANSFER-TITLE" in refused.err


def test_a_third_signature_is_refused(datalib: Program, signed: Path) -> None:
    offer(datalib)
    assert datalib("cosign", "offer.json", "--key", "auditor.pem").status == 0
    refused = accept(datalib)
    assert refused.status == 1
    assert "E-SIG-EXTRA" in refused.err


def test_a_hand_over_is_not_cosigned_past_the_checks(datalib: Program, signed: Path) -> None:
    offer(datalib)
    refused = datalib("cosign", "offer.json", "--key", "buyer.pem", "--into", "library")
    assert refused.status == 2
    assert "E-NO-TRUST" in refused.err


def test_a_half_signed_purpose_is_not_put_into_the_chain(datalib: Program, signed: Path) -> None:
    give(datalib, PRODUCER, BUYER, "ownership,possession", MADE)
    document = json.loads((signed / "datapackage.json").read_text())
    document["datalib"]["purpose"].append("eval")
    (signed / "datapackage.json").write_text(json.dumps(document))
    assert datalib("sign", "library", "--key", "buyer.pem", "-o", "half.json", "--now", MADE).status == 0
    refused = datalib("cosign", "half.json", "--key", "buyer.pem", "--into", "library", "--now", MADE)
    assert (refused.status, "E-SIG-PENDING" in refused.err) == (2, True)
    assert datalib("cosign", "half.json", "--key", "producer.pem", "--into", "library", "--now", MADE).status == 0


def test_a_library_received_without_its_kept_version_is_handed_over(datalib: Program, signed: Path) -> None:
    shutil.rmtree(signed / "manifests")
    offer(datalib)
    assert accept(datalib).status == 0
    assert holders(datalib) == (BUYER, BUYER)
