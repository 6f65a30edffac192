"""The kinds of cases about what is embedded in files: assertions of C2PA manifests, XMP packets, whole files."""

import hashlib
import io
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from datalib.optout import content_credentials, tdmrep_embedded, training_mining, xmp
from datalib.optout.media.forms import form_of
from datalib.optout.media.source import Packet
from datalib.optout.model import NOTHING, Reading, Signal
from datalib.optout.unit import read_unit
from tests.conformance.optout_kinds import EVIDENCE, Case, NotHereError, Outcome, body_of, declared
from tests.shared import SHARED


def _file(case: Case) -> bytes:
    """Read the file of a case: beside its list, or among the real inputs, by its digest."""
    path = Path(case.get("folder", "."), case["file"])
    if not path.is_file():
        path = _media().get(case["sha256"], path)
    if not path.is_file():
        raise NotHereError(f"the file {case['file']} is not here")
    return path.read_bytes()


@cache
def _media() -> dict[str, Path]:
    files = (path for path in SHARED.rglob("media/**/*") if path.is_file())
    return {hashlib.sha256(path.read_bytes()).hexdigest(): path for path in files}


def _together(readings: Iterable[Reading]) -> Reading:
    result = NOTHING
    for reading in readings:
        result |= reading
    return result


def _labels(reading: Reading, wanted: Mapping[str, str]) -> dict[str, str]:
    return {name: reading[name].label for name in wanted}


def _strict(signals: Iterable[Signal]) -> Reading:
    return _together(signal.strict for signal in signals)


def assertions(case: Case) -> Outcome:
    read, expected = training_mining.read_assertions(case["input"]), case["expected"]
    outcome: dict[str, tuple[Any, Any]] = {
        "normalised": (expected["normalised"], _labels(read.spec, expected["normalised"]))
    }
    if "found" in expected:
        outcome["found"] = (expected["found"], read.found)
    if "strict" in expected:
        outcome["strict"] = (expected["strict"], _labels(read.strict, expected["strict"]))
    return outcome


def file(case: Case) -> Outcome:
    """A file with manifests is held against all four of its fields; one with XMP against the strict verdict.

    What the fixture's own tool answered, and which codes occur in its bytes, are facts about others.
    """
    data, expected = _file(case), case["expected"]
    signals = read_unit(io.BytesIO(data), len(data), case["file"]).signals
    if "assertions" not in expected:
        return {"strict": (expected["strict"], _strict(signals).tested.label)}
    form = form_of(case["file"], data[:4096])
    asked = content_credentials.ask(io.BytesIO(data), (form.mime if form else None) or "", validate=True)
    if asked.store is None:
        return {"store": (True, asked.trouble or asked.remote or None)}
    found = [
        {
            "manifest": "active" if manifest.active else manifest.label,
            "label": assertion["label"],
            "entries": assertion["data"]["entries"],
        }
        for manifest in asked.store.manifests
        for assertion in manifest.assertions
        if training_mining.concerns(assertion["label"])
    ]
    return {
        "assertions": (expected["assertions"], found),
        "normalised": (
            expected["normalised"],
            _labels(_together(signal.spec for signal in signals), expected["normalised"]),
        ),
        "strict": (expected["strict"], _labels(_strict(signals), expected["strict"])),
        "validation_state": (expected["validation_state"], asked.store.state),
    }


def packet(case: Case) -> Outcome:
    """Two suites have packets: one asks for TDMRep, one for the Data Mining property."""
    if "reservation" in case["expected"]:
        return declared(case, tdmrep_embedded.read_xmp(body_of(case)))
    expected = case["expected"]
    codes = [mining.code for mining in xmp.codes(body_of(case))]
    strict = _strict(xmp.read(Packet(data=body_of(case), place=""), EVIDENCE).signals)
    code = expected.get("dmi") if expected.get("dmi") in codes else next(iter(codes), None)
    outcome: dict[str, tuple[Any, Any]] = {"dmi": (expected.get("dmi"), code)}
    if "strict" in expected:
        outcome["strict"] = (expected["strict"], strict.tested.label)
    if "normalised" in expected:
        outcome["normalised"] = (expected["normalised"], _labels(strict, expected["normalised"]))
    return outcome


HANDLERS: Mapping[str, Callable[[Case], Outcome]] = {"assertions": assertions, "file": file, "xmp": packet}
