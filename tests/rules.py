"""Cases of rules, from vectors: a base manifest, a merge patch, a chain, a register, a day."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from datalib.chain.events import Attest, Claim, Event, Transfer
from datalib.errors import Refused
from datalib.formats import parse_time
from datalib.library import manifest
from datalib.personal.found import Looked, Place
from datalib.rules import deadlines, reading
from datalib.rules.case import Case, Past
from datalib.trust.parties import Party, Producer

VECTORS = Path(__file__).parent / "vectors" / "rules"
BASES: Mapping[str, Any] = json.loads((VECTORS / "bases.json").read_bytes())
#: Noon in Kazakhstan on a Wednesday.
NOW = parse_time("2026-11-25T07:00:00Z")
TODAY = date(2026, 11, 25)
SIGNED = "a" * 64
REGISTER = {"register": 1, "reviews": [{"ref": "risks", "started": "2026-10-01", "kind": "risk"}]}
ATTESTED = [{"attest": "optout", "result": "pass", "time": "2026-11-20T00:00:00Z"}]


def merged(base: Any, patch: Any) -> Any:
    """Apply a JSON merge patch (RFC 7396)."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(base) if isinstance(base, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def case_of(vector: Mapping[str, Any]) -> Case:
    """Make the case of a vector."""
    base = merged(BASES["plain"], BASES[vector.get("on", "plain")])
    document = merged(base, vector.get("manifest", {}))
    fault = None
    try:
        manifest.parse_draft(manifest.serialise(document))
    except Refused as error:
        fault = error
    register = json.dumps(vector.get("register", REGISTER)).encode()
    chain = vector.get("chain", {})
    return Case(
        document=document,
        today=TODAY,
        now=NOW,
        fault=fault,
        past=None if chain is None else past_of(chain, base, document),
        deadlines=deadlines.read(register, "register", calendar=reading.calendar(None), today=TODAY),
        found=found_of(vector.get("found", {}), vector.get("columns", [])),
        acts=frozenset(vector.get("acts", ["kz-925", "kz-202"])),
        purpose=vector.get("purpose"),
    )


def found_of(counts: Mapping[str, int] | None, columns: Sequence[str] = ()) -> Looked | None:
    """Make what a search of all data found; none if nobody searched."""
    if counts is None:
        return None
    places = tuple(Place(where="table", column=column, counts=counts) for column in columns)
    return Looked(full=True, files=1, read=1, bytes=1, counts=counts, places=places, beyond=0, unread={})


def past_of(chain: Mapping[str, Any], base: Mapping[str, Any], document: Mapping[str, Any]) -> Past:
    """Make a chain whose producer is that of the base, so that a patched producer is a changed one."""
    said = chain.get("producer", base["datalib"]["producer"])
    producer = document["datalib"]["producer"] if said == "same" else said
    return Past(
        verified=chain.get("verified", True),
        refusal=chain.get("refusal", ""),
        producer=Producer(
            id=producer["id"],
            name=producer["name"],
            kind=producer.get("kind"),
            country=producer.get("country"),
            organised=tuple(producer["organised"]) if "organised" in producer else None,
        ),
        owner=producer["id"],
        current=SIGNED,
        events=tuple(_event(number, value) for number, value in enumerate(chain.get("events", ATTESTED), 1)),
        before=chain.get("before"),
    )


def _event(seq: int, value: Mapping[str, Any]) -> Event:
    time = parse_time(value["time"])
    if "transfer" in value:
        sender, recipient = (Party(id=party, name={"en": "A"}) for party in ("x-test:a", value["transfer"]))
        return Transfer(
            seq=seq, time=time, manifest=SIGNED, sender=sender, recipient=recipient, rights=("ownership",), basis="sale"
        )
    until = parse_time(value["until"]) if "until" in value else None
    claim = Claim(type=value["attest"], result=value["result"], until=until)
    return Attest(
        seq=seq,
        time=time,
        manifest=value.get("manifest", SIGNED),
        by=Party(id="x-test:auditor", name={"en": "Auditor"}),
        claim=claim,
    )
