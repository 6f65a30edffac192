"""Whom we believe, and since when: persons, their keys with windows, their roles, the logs.

A policy is one signed file, read with pinned root keys. Source: datalib trust specification §8 and §10, step 1.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Self

from datalib import schema
from datalib.canonical import parse, parse_canonical
from datalib.chain import envelope
from datalib.chain.envelope import MAX_POLICY, POLICY_TYPE, Envelope
from datalib.errors import Misuse, Refused
from datalib.formats import check_digest, format_time, parse_time, sha256_hex
from datalib.trust import logpolicy
from datalib.trust.keys import PublicKey
from datalib.trust.logpolicy import LogPolicy
from datalib.trust.parties import check_party_id
from datalib.trust.timestamps import Authority
from datalib.trust.tlog import CLOCK_SKEW

SPEC = "1"
_MAX_ROOTS = 1024 * 1024
_FOREVER = 253_402_300_799  # 9999-12-31T23:59:59Z, the last time that can be written


class Role(StrEnum):
    """What a person may do. A registry operates the log and signs no event."""

    PRODUCER = "producer"
    HOLDER = "holder"
    ATTESTER = "attester"
    AUTHORITY = "authority"
    REGISTRY = "registry"


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolledKey:
    """A person's key and its window: ``start`` ≤ T < ``until``, and T < ``revoked``. Seconds since 1970."""

    party: str
    public: PublicKey
    start: int
    until: int
    revoked: int | None = None
    revoked_for: str | None = None

    def check_window(self, time: int, where: str = "") -> None:
        """Refuse a signature made outside the window: ``E-KEY-NOTYET``, ``E-KEY-EXPIRED``, ``E-KEY-REVOKED``."""
        name = f"key {self.public.keyid[:16]}… of {self.party}"
        if time < self.start:
            raise Refused("E-KEY-NOTYET", where, name)
        if time >= self.until:
            raise Refused("E-KEY-EXPIRED", where, name)
        if self.revoked is not None and time >= self.revoked:
            raise Refused("E-KEY-REVOKED", where, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A person of the policy."""

    id: str
    name: Mapping[str, str]
    roles: frozenset[Role]
    keys: tuple[EnrolledKey, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Roots:
    """Root keys as written, and how many of them must sign. Whether they are sound is found when they are used."""

    threshold: int
    keys: tuple[Mapping[str, str], ...]

    @classmethod
    def parse(cls, data: bytes, where: str = "roots") -> Self:
        """Read a file of pinned roots; a file that is none is ``Misuse``, with the code of its fault."""
        try:
            value = parse(data, limit=_MAX_ROOTS, where=where)
            schema.check("roots", value, where)
        except Refused as error:
            raise Misuse(error.code, error.where, error.detail) from error
        return cls.from_dict(value)

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Self:
        """Read a value that the schema allowed."""
        return cls(threshold=int(value["threshold"]), keys=tuple(value["keys"]))

    def to_dict(self) -> dict[str, Any]:
        """Give the JSON value."""
        return {"threshold": self.threshold, "keys": [dict(key) for key in self.keys]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """The policy that was accepted last: its version and the SHA-256 of its payload."""

    version: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Whom we believe. ``vouched``: the caller vouches for the keys, no roots signed this, there is no log."""

    version: int
    sha256: str
    issued: int
    expires: int
    roots: Roots
    members: Mapping[str, Member]
    log: LogPolicy
    log_required: bool
    max_age: int | None
    blocked: frozenset[str]
    authorities: tuple[Authority, ...] = ()
    vouched: bool = False
    keys: Mapping[str, EnrolledKey] = field(init=False, repr=False, compare=False)
    public_keys: Mapping[str, PublicKey] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        enrolled = {key.public.keyid: key for member in self.members.values() for key in member.keys}
        object.__setattr__(self, "keys", enrolled)
        object.__setattr__(self, "public_keys", {keyid: key.public for keyid, key in enrolled.items()})

    @classmethod
    def load(
        cls,
        data: bytes,
        *,
        roots: Roots,
        now: int,
        remembered: Remembered | None = None,
        where: str = "policy",
    ) -> Self:
        """Read a policy file and check all that makes it believable; ``now`` in seconds since 1970.

        Raises ``Refused`` with the first error in the order of the datalib trust specification, §10, step 1.
        """
        sealed = envelope.parse(data, payload_type=POLICY_TYPE, limit=MAX_POLICY, where=where)
        _check_signed(sealed, roots, "E-POLICY-SIG", f"{where}: pinned roots")
        value = _payload(sealed.payload, where)
        own = Roots.from_dict(value["roots"])
        _check_signed(sealed, own, "E-POLICY-ROTATION", f"{where}#/roots")
        sha256 = sha256_hex(sealed.payload)
        check_not_older(value["version"], sha256, remembered, where)
        issued = parse_time(value["issued"], f"{where}#/issued")
        _check_issued(issued, now, where)
        expires = parse_time(value["expires"], f"{where}#/expires")
        _check_expires(expires, now, where)
        return cls._typed(value, sha256, issued, expires, where)

    def check_in_force(self, *, now: int, remembered: Remembered | None = None, where: str = "policy") -> None:
        """Check again, at another time and with another memory, what ``load`` checked when the policy was read.

        Raises ``Refused``: ``E-POLICY-ROLLBACK``, ``-FORK``, ``-FUTURE``, ``-EXPIRED``. One that the caller vouched for
        is always in force.
        """
        if not self.vouched:
            check_not_older(self.version, self.sha256, remembered, where)
            _check_issued(self.issued, now, where)
            _check_expires(self.expires, now, where)

    @classmethod
    def read_unverified(cls, data: bytes, where: str = "policy") -> Self:
        """Read a policy without asking who signed it or whether it is in force: to show it, never to believe it."""
        return cls.from_payload(envelope.parse(data, payload_type=POLICY_TYPE, limit=MAX_POLICY, where=where).payload)

    @classmethod
    def from_payload(cls, payload: bytes, where: str = "policy") -> Self:
        """Read the payload of a policy; nothing is known of its signatures."""
        value = _payload(payload, where)
        _sound_roots(Roots.from_dict(value["roots"]), f"{where}#/roots")
        issued, expires = (parse_time(value[name], f"{where}#/{name}") for name in ("issued", "expires"))
        return cls._typed(value, sha256_hex(payload), issued, expires, where)

    @classmethod
    def vouch(cls, keys: Iterable[tuple[str, PublicKey]]) -> Self:
        """Make a policy in memory: the caller vouches for each person's key, in every role, at all times.

        Raises ``Refused``: ``E-PARTY-ID``, ``E-POLICY-DUPKEY``.
        """
        owners: dict[str, str] = {}
        members: dict[str, Member] = {}
        for party, public in keys:
            _add_owner(owners, public, check_party_id(party), party)
            key = EnrolledKey(party=party, public=public, start=0, until=_FOREVER)
            before = members[party].keys if party in members else ()
            members[party] = Member(id=party, name={}, roles=frozenset(Role), keys=(*before, key))
        log = LogPolicy(logs=(), witnesses={}, groups={}, quorum=None)
        return cls(
            version=0,
            sha256="",
            issued=0,
            expires=_FOREVER,
            roots=Roots(threshold=0, keys=()),
            members=members,
            log=log,
            log_required=False,
            max_age=None,
            blocked=frozenset(),
            vouched=True,
        )

    @classmethod
    def _typed(cls, value: Mapping[str, Any], sha256: str, issued: int, expires: int, where: str) -> Self:
        members = _members(value["parties"], where)
        _check_forms(value, where)
        complete = (_with_revocations(*pair) for pair in zip(members, value["parties"], strict=True))
        log = value["log"]
        return cls(
            version=int(value["version"]),
            sha256=sha256,
            issued=issued,
            expires=expires,
            roots=Roots.from_dict(value["roots"]),
            members={member.id: member for member in complete},
            log=logpolicy.parse(log["policy"], f"{where}#/log/policy"),
            log_required=log["require"],
            max_age=int(log["max_age"]) if "max_age" in log else None,
            blocked=frozenset(value["blocked"]),
            authorities=tuple(map(_authority, value.get("tsa", ()))),
        )

    def roles(self, party: str) -> frozenset[Role]:
        """Give the roles of a person; none for a stranger."""
        member = self.members.get(party)
        return member.roles if member else frozenset()


def _payload(payload: bytes, where: str) -> dict[str, Any]:
    value = parse_canonical(payload, limit=MAX_POLICY, where=where)
    if value.get("spec") != SPEC:
        raise Refused("E-SPEC-VERSION", where, f"spec {str(value.get('spec'))[:40]!r}, this program knows {SPEC!r}")
    schema.check("policy", value, where)
    return value


def _sound_roots(roots: Roots, where: str) -> dict[str, PublicKey]:
    keys: dict[str, PublicKey] = {}
    for entry in roots.keys:
        key = PublicKey.from_dict(entry, where)
        if key.keyid in keys:
            raise Refused("E-POLICY-DUPKEY", where, f"key {key.keyid[:16]}… twice among the roots")
        keys[key.keyid] = key
    if not 1 <= roots.threshold <= len(keys):
        raise Refused("E-POLICY-THRESHOLD", where, f"{roots.threshold} of {len(keys)} roots")
    return keys


def _check_signed(sealed: Envelope, roots: Roots, too_few: str, where: str) -> None:
    """Count the roots that signed; signatures by others are ignored, by these they must hold."""
    keys = _sound_roots(roots, where)
    ours = [signature for signature in sealed.signatures if signature.keyid in keys]
    for signature in ours:
        keys[signature.keyid].verify(signature.sig, sealed.signed_bytes, where)
    if len(ours) < roots.threshold:
        raise Refused(too_few, where, f"signed by {len(ours)} of {roots.threshold} needed")


def _check_issued(issued: int, now: int, where: str) -> None:
    if issued > now + CLOCK_SKEW:
        raise Refused("E-POLICY-FUTURE", where, f"issued {format_time(issued)}")


def _check_expires(expires: int, now: int, where: str) -> None:
    if expires <= now:
        raise Refused("E-POLICY-EXPIRED", where, f"expired {format_time(expires)}")


def check_not_older(version: int, sha256: str, remembered: Remembered | None, where: str) -> None:
    """Refuse a policy older than the remembered one, or another of its version.

    Raises ``Refused``: ``E-POLICY-ROLLBACK``, ``E-POLICY-FORK``.
    """
    if remembered is None:
        return
    if version < remembered.version:
        raise Refused("E-POLICY-ROLLBACK", where, f"version {version}, seen before: {remembered.version}")
    if version == remembered.version and sha256 != remembered.sha256:
        raise Refused("E-POLICY-FORK", where, f"another version {version} was seen before")


def _members(parties: Iterable[Mapping[str, Any]], where: str) -> list[Member]:
    """Read the persons and their keys, without revocations: these are times, whose form is checked later."""
    members: dict[str, Member] = {}
    owners: dict[str, str] = {}
    for number, value in enumerate(parties):
        place = f"{where}#/parties/{number}"
        party = check_party_id(value["id"], f"{place}/id")
        if party in members:
            raise Refused("E-POLICY-DUPPARTY", place, f"{party} twice")
        keys = tuple(_key(item, party, owners, f"{place}/keys/{n}") for n, item in enumerate(value["keys"]))
        roles = frozenset(map(Role, value["roles"]))
        members[party] = Member(id=party, name=value["name"], roles=roles, keys=keys)
    return list(members.values())


def _key(value: Mapping[str, Any], party: str, owners: dict[str, str], where: str) -> EnrolledKey:
    public = PublicKey.from_dict({"alg": value["alg"], "public": value["public"]}, where)
    _add_owner(owners, public, party, where)
    start, until = parse_time(value["from"], f"{where}/from"), parse_time(value["until"], f"{where}/until")
    if start >= until:
        raise Refused("E-SCHEMA", where, "the window ends before it begins")
    return EnrolledKey(party=party, public=public, start=start, until=until)


def _with_revocations(member: Member, value: Mapping[str, Any]) -> Member:
    keys = (
        replace(key, revoked=parse_time(revoked["at"]), revoked_for=revoked["reason"]) if revoked else key
        for key, revoked in zip(member.keys, (entry.get("revoked") for entry in value["keys"]), strict=True)
    )
    return replace(member, keys=tuple(keys))


def _add_owner(owners: dict[str, str], public: PublicKey, party: str, where: str) -> None:
    if public.keyid in owners:
        raise Refused("E-POLICY-DUPKEY", where, f"the key stands in the policy already, at {owners[public.keyid]}")
    owners[public.keyid] = party


def _authority(value: Mapping[str, str]) -> Authority:
    """Read a time-stamp authority whose times were checked; its root is read when there is a token."""
    start, until = parse_time(value["from"]), parse_time(value["until"])
    return Authority(root=value["root"], start=start, until=until, policy=value.get("policy"))


def _check_forms(value: Mapping[str, Any], where: str) -> None:
    """Check the digests and times that nothing above has read."""
    for number, party in enumerate(value["parties"]):
        for key in party["keys"]:
            for evidence in key.get("evidence", ()):
                check_digest(evidence["digest"]["sha256"], f"{where}#/parties/{number}/keys")
    for blocked in value["blocked"]:
        check_digest(blocked, f"{where}#/blocked")
    for number, party in enumerate(value["parties"]):
        for key in party["keys"]:
            if "revoked" in key:
                parse_time(key["revoked"]["at"], f"{where}#/parties/{number}/keys")
    for number, authority in enumerate(value.get("tsa", ())):
        for name in ("from", "until"):
            parse_time(authority[name], f"{where}#/tsa/{number}/{name}")
