"""C2PA manifest stores inside of files, read by the C2PA library with all its ways to the network switched off.

A manifest that stands elsewhere is never fetched: its work is held back. The store is read without validation, which is
only asked for where an allowance depends on it.
"""

import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, BinaryIO, Final

from datalib.optout import data_mining, jumbf, training_mining
from datalib.optout.model import NOTHING, Carrier, Reading, Signal, State
from datalib.optout.statement import TRAINING, Evidence

_SETTINGS: Final = {
    "version": 1,
    "core": {"allowed_network_hosts": [], "allow_redirects": False, "max_decompressed_manifest_size_in_mb": 64},
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},
}
_HOLD: Final = Reading.of(State.HOLD, *TRAINING)
_VALID: Final = frozenset({"Valid", "Trusted"})
_MAX_DEPTH: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One manifest of a store. ``assertions`` are ``{label, data}``, labels with their instance suffixes."""

    label: str
    active: bool
    assertions: tuple[Mapping[str, Any], ...]
    signed_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """A manifest store. ``boxes`` are its bytes, ``state`` the validation state, empty when nobody validated."""

    manifests: tuple[Manifest, ...] = ()
    boxes: bytes = b""
    state: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What became of asking a file for its store: there is one, none, one elsewhere, or one that cannot be read."""

    store: Store | None = None
    remote: str = ""
    trouble: str = ""


@dataclass(slots=True, kw_only=True)
class Statements:
    """Signals of a store, with the bytes they are from by digest. It grows manifest by manifest."""

    signals: list[Signal] = field(default_factory=list)
    proofs: dict[str, bytes] = field(default_factory=dict)


def ask(stream: BinaryIO, mime: str, *, validate: bool = False) -> Credentials:
    """Read the manifest store of a file."""
    import c2pa

    try:
        with _reading(stream, mime, validate=validate) as reader:
            return Credentials(store=_store(reader))
    except c2pa.C2paError.ManifestNotFound:
        return Credentials()
    except Exception as error:  # noqa: BLE001 (a native reader of untrusted bytes: whatever it ends in holds the work back)
        text = str(error)
        if text.startswith(("Remote", "RemoteManifest")):
            return Credentials(remote=text.rpartition(" ")[2])
        return Credentials(trouble=text.partition("\n")[0][:200] or type(error).__name__)


def statements(store: Store, locator: str, valid: bool) -> Statements:  # noqa: FBT001 (what validation said)
    """Give what the manifests of a store say of training. ``valid``: allowances of the active manifest count."""
    result = Statements()
    boxes = {item.path[1:]: item.data for item in jumbf.walk(store.boxes)}
    seen: set[tuple[str, str]] = set()
    for manifest in store.manifests:
        for assertion in manifest.assertions:
            label = str(assertion.get("label", ""))
            seen.add((manifest.label, label))
            data = boxes.get((manifest.label, "c2pa.assertions", label)) or _written(assertion)
            evidence = _evidence(f"{locator}#c2pa/{manifest.label}/{label}", data)
            counts = valid and manifest.active and bool(manifest.signed_by)
            found = list(_of_assertion(assertion, evidence, counts=counts))
            result.signals += found
            if found:
                result.proofs[evidence.sha256] = data
    for path, data in boxes.items():
        if len(path) == 3 and training_mining.concerns(path[2]) and (path[0], path[2]) not in seen:  # noqa: PLR2004 (manifest, assertions, label)
            evidence = _evidence(f"{locator}#c2pa/{'/'.join(path)}", data)
            note = "an assertion that its manifest does not claim"
            result.signals.append(
                evidence.signal("c2pa-training", Carrier.UNIT, path[2], spec=NOTHING, strict=_HOLD, note=note)
            )
            result.proofs[evidence.sha256] = data
    return result


def allows(store: Store) -> bool:
    """Say whether the active manifest allows something, so that its validity matters."""
    return any(m.active and training_mining.read_assertions(m.assertions).allows for m in store.manifests)


def is_valid(state: str) -> bool:
    """Say whether a validation state lets an allowance count."""
    return state in _VALID


def values_of(data: Any, name: str, depth: int = 0) -> Iterator[str]:
    """Find the values of a member in the JSON of an assertion, under any prefix: ``plus:DataMining``."""
    if depth > _MAX_DEPTH:
        return
    if isinstance(data, Mapping):
        for key, value in data.items():
            if str(key).rpartition(":")[2] == name:
                yield from _texts(value)
            yield from values_of(value, name, depth + 1)
    elif isinstance(data, list):
        for value in data:
            yield from values_of(value, name, depth + 1)


def _of_assertion(assertion: Mapping[str, Any], evidence: Evidence, *, counts: bool) -> Iterator[Signal]:
    said = training_mining.read_assertions([assertion])
    if said.found:
        strict = said if counts else said.without_allowances()
        if said.spec != NOTHING or said.strict != NOTHING:
            note = "" if counts or not said.allows else "an allowance of a manifest that is not valid does not count"
            raw = training_mining.quote(assertion)
            yield evidence.signal(
                "c2pa-training", Carrier.UNIT, raw, spec=said.spec, strict=strict.strict, note=note
            )  # fmt: skip
    for value in values_of(assertion.get("data"), "DataMining"):
        mining = data_mining.judge_value(value)
        if mining.strict != NOTHING:
            raw = f"DataMining: {value}"
            yield evidence.signal("iptc-data-mining", Carrier.UNIT, raw, spec=mining.spec, strict=mining.strict)


def _written(assertion: Mapping[str, Any]) -> bytes:
    """Write an assertion whose bytes are not at hand."""
    return training_mining.quote(assertion).encode("utf-8", "replace")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        yield from (item for item in value if isinstance(item, str))
    elif isinstance(value, Mapping):
        yield from (item for key, item in value.items() if key in {"@id", "@value"} and isinstance(item, str))


def _evidence(locator: str, data: bytes) -> Evidence:
    return Evidence(locator=locator, sha256=hashlib.sha256(data).hexdigest())


# -- the library


@lru_cache(2)
def _context(validate: bool) -> Any:  # noqa: FBT001 (a key of the cache)
    import c2pa

    settings = {**_SETTINGS, "verify": {**_SETTINGS["verify"], "verify_after_reading": validate}}  # type: ignore[dict-item]  # the value is a table
    return c2pa.Context.from_dict(settings)


@contextmanager
def _reading(stream: BinaryIO, mime: str, *, validate: bool) -> Iterator[Any]:
    import c2pa

    stream.seek(0)
    with c2pa.Reader(mime, stream, context=_context(validate)) as reader:
        yield reader


def _store(reader: Any) -> Store:
    value = json.loads(reader.json())
    active = value.get("active_manifest")
    manifests = tuple(_manifest(label, body, active) for label, body in sorted(value["manifests"].items()))
    boxes = io.BytesIO()
    if manifests:
        reader.resource_to_stream(f"self#jumbf=/c2pa/{manifests[0].label}", boxes)
    return Store(manifests=manifests, boxes=boxes.getvalue(), state=str(value.get("validation_state") or ""))


def _manifest(label: str, body: Mapping[str, Any], active: str | None) -> Manifest:
    signer = body.get("signature_info") or {}
    return Manifest(
        label=label,
        active=label == active,
        assertions=tuple(
            {"label": _full_label(item), "data": item.get("data")}
            for item in (*(body.get("assertions") or ()), {"label": "metadata", "data": body.get("metadata")})
        ),
        signed_by=str(signer.get("issuer") or signer.get("common_name") or ""),
    )


def _full_label(assertion: Mapping[str, Any]) -> str:
    label, instance = str(assertion.get("label", "")), assertion.get("instance")
    return f"{label}__{instance}" if isinstance(instance, int) and instance > 0 else label
