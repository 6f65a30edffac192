"""Make and change policies, as values: a version in, the next version out. Nothing that old chains need is deleted.

Source: datalib trust specification §8.1, "Nothing is deleted".
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from datalib.canonical import canonical
from datalib.chain import envelope
from datalib.chain.envelope import POLICY_TYPE, Envelope
from datalib.errors import Refused
from datalib.formats import format_time
from datalib.trust.keys import PrivateKey, PublicKey
from datalib.trust.parties import check_party_id
from datalib.trust.policy import SPEC, Policy, Role, Roots

Draft = Mapping[str, Any]

#: A log policy without logs: nothing is logged, so nothing has a time but the clock's.
NO_LOG = "quorum none\n"


def new(
    *,
    roots: Roots,
    issued: int,
    expires: int,
    log_policy: str = NO_LOG,
    log_required: bool = False,
    max_age: int | None = None,
) -> Draft:
    """Start a policy at version 1, without persons. Times in seconds since 1970, ``max_age`` in seconds."""
    started = {
        "spec": SPEC,
        "version": 1,
        "issued": format_time(issued),
        "expires": format_time(expires),
        "roots": roots.to_dict(),
        "parties": [],
        "blocked": [],
    }
    return set_log(started, log_policy, required=log_required, max_age=max_age)


def next_version(draft: Draft, *, issued: int, expires: int) -> Draft:
    """Count up: what was signed under one number must not change."""
    return {**draft, "version": draft["version"] + 1, "issued": format_time(issued), "expires": format_time(expires)}


def add_party(draft: Draft, party: str, name: Mapping[str, str], roles: Iterable[Role]) -> Draft:
    """Add a person, or give more roles to one who is there; ``E-PARTY-ID``."""
    check_party_id(party)
    wanted = list(dict.fromkeys(str(role) for role in roles))
    parties = [dict(entry) for entry in draft["parties"]]
    for entry in parties:
        if entry["id"] == party:
            entry["roles"] = list(dict.fromkeys([*entry["roles"], *wanted]))
            return {**draft, "parties": parties}
    return {**draft, "parties": [*parties, {"id": party, "name": dict(name), "roles": wanted, "keys": []}]}


def add_key(
    draft: Draft,
    party: str,
    public: PublicKey,
    *,
    start: int,
    until: int,
    evidence: Sequence[Mapping[str, Any]] = (),
) -> Draft:
    """Enrol a key of a person; the window in seconds since 1970. ``E-POLICY-PARTY`` for a stranger.

    ``evidence`` holds names and digests of the papers that the enrolment rests on.
    """
    key: dict[str, Any] = {**public.to_dict(), "from": format_time(start), "until": format_time(until)}
    if evidence:
        key["evidence"] = [dict(item) for item in evidence]
    parties = [dict(entry) for entry in draft["parties"]]
    for entry in parties:
        if entry["id"] == party:
            entry["keys"] = [*entry["keys"], key]
            return {**draft, "parties": parties}
    raise Refused("E-POLICY-PARTY", party, "is not in the policy: add the party first")


def revoke_key(draft: Draft, keyid: str, *, at: int, reason: str) -> Draft:
    """Close a key from a time on; ``E-KEY-UNKNOWN`` if no person has it. An earlier closing stays."""
    parties, found = [], False
    for party in draft["parties"]:
        keys = []
        for key in party["keys"]:
            if PublicKey.from_dict({"alg": key["alg"], "public": key["public"]}).keyid == keyid:
                found = True
                keys.append({"revoked": {"at": format_time(at), "reason": reason}, **key})
            else:
                keys.append(key)
        parties.append({**party, "keys": keys})
    if not found:
        raise Refused("E-KEY-UNKNOWN", keyid, "no party of the policy has this key")
    return {**draft, "parties": parties}


def block(draft: Draft, library: str) -> Draft:
    """Put a library on the list of those that the gate refuses."""
    return {**draft, "blocked": sorted({*draft["blocked"], library})}


def set_log(draft: Draft, log_policy: str, *, required: bool, max_age: int | None) -> Draft:
    """Name the log whose proofs are believed; ``max_age`` of a head proof in seconds."""
    log: dict[str, Any] = {"policy": log_policy, "require": required}
    if max_age is not None:
        log["max_age"] = max_age
    return {**draft, "log": log}


def add_authority(draft: Draft, root: str, *, start: int, until: int, policy: str | None = None) -> Draft:
    """List a time-stamp authority by its root certificate (base64 DER) and when it is believed.

    ``policy`` is the object identifier under which its tokens must be issued.
    """
    listed = {"root": root, "from": format_time(start), "until": format_time(until)}
    if policy is not None:
        listed["policy"] = policy
    return {**draft, "tsa": [*draft.get("tsa", ()), listed]}


def set_roots(draft: Draft, roots: Roots) -> Draft:
    """Replace the roots; the next version is signed by enough of the old and enough of the new ones."""
    return {**draft, "roots": roots.to_dict()}


def serialise(draft: Draft) -> bytes:
    """Write the payload that is to be signed; what a reader would refuse is refused here."""
    payload = canonical(draft)
    Policy.from_payload(payload)
    return payload


def sign(draft: Draft, keys: Iterable[PrivateKey]) -> Envelope:
    """Sign with one root or several; others can be added with ``envelope.cosign``."""
    return envelope.sign(POLICY_TYPE, serialise(draft), keys)
