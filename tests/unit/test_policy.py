"""Policies: who must sign them, what they may say, and how new versions are made."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from datalib.canonical import canonical
from datalib.chain import envelope
from datalib.errors import Misuse, Refused
from datalib.trust import drafting
from datalib.trust.policy import Policy, Remembered, Role, Roots
from tests.libraries import BUYER, DAY, MAKER, NOW, ROOT_KEYS, ROOTS, SCANNER, START, draft_policy, key, sign_policy

Draft = dict[str, Any]


def load(data: bytes, **options: Any) -> Policy:
    usual: dict[str, Any] = {"roots": ROOTS, "now": NOW}
    return Policy.load(data, **(usual | options))


def code(data: bytes, **options: Any) -> str:
    with pytest.raises(Refused) as refused:
        load(data, **options)
    return refused.value.code


def changed(change: Callable[[Draft], object]) -> bytes:
    """Sign a policy that was changed; it need not be allowed."""
    draft = deepcopy(dict(draft_policy()))
    change(draft)
    return sign_policy(draft)


def test_a_policy_says_whom_we_believe() -> None:
    data = sign_policy(draft_policy(blocked=["a" * 64]))
    policy = load(data, remembered=Remembered(version=1, sha256=Policy.read_unverified(data).sha256))
    assert policy.roles(MAKER.id) == {Role.PRODUCER, Role.HOLDER}
    assert policy.roles("x-no:body") == frozenset()
    assert policy.keys[MAKER.key.public.keyid].party == MAKER.id
    assert policy.public_keys[BUYER.key.public.keyid] == BUYER.key.public
    assert (policy.max_age, policy.log_required, set(policy.blocked)) == (7 * DAY, True, {"a" * 64})
    assert (policy.vouched, policy.authorities) == (False, ())
    assert Policy.read_unverified(data) == policy


def test_signatures_of_strangers_are_ignored_but_those_of_roots_must_hold() -> None:
    stranger = key("stranger")
    load(sign_policy(draft_policy(), *ROOT_KEYS, stranger))
    sealed = envelope.sign(envelope.POLICY_TYPE, canonical(draft_policy()), [*ROOT_KEYS, stranger])
    for spoilt, expected in ((stranger, None), (ROOT_KEYS[0], "E-SIG-INVALID")):
        signatures = [
            envelope.Signature(keyid=item.keyid, sig=bytes(64) if item.keyid == spoilt.public.keyid else item.sig)
            for item in sealed.signatures
        ]
        line = envelope.build(sealed.payload_type, sealed.payload, signatures).line
        if expected:
            assert code(line) == expected
        else:
            load(line)


def test_too_few_roots() -> None:
    assert code(sign_policy(draft_policy(), ROOT_KEYS[0])) == "E-POLICY-SIG"
    assert code(sign_policy(draft_policy(), key("a"), key("b"))) == "E-POLICY-SIG"
    others = Roots(threshold=1, keys=(key("new").public.to_dict(),))
    assert code(sign_policy(draft_policy(roots=others.to_dict()))) == "E-POLICY-ROTATION"
    load(sign_policy(draft_policy(roots=others.to_dict()), *ROOT_KEYS[:2], key("new")))


@pytest.mark.parametrize(
    ("expected", "threshold", "keys"),
    [
        ("E-POLICY-THRESHOLD", 0, [0, 1]),
        ("E-POLICY-THRESHOLD", 3, [0, 1]),
        ("E-POLICY-DUPKEY", 1, [0, 0]),
    ],
)
def test_pinned_and_own_roots_must_make_sense(expected: str, threshold: int, keys: list[int]) -> None:
    roots = Roots(threshold=threshold, keys=tuple(ROOT_KEYS[number].public.to_dict() for number in keys))
    assert code(sign_policy(draft_policy()), roots=roots) == expected
    assert code(sign_policy(draft_policy(roots=roots.to_dict()))) == expected


@pytest.mark.parametrize("data", [b"", b"[]", b'{"threshold":1}', b'{"threshold":1,"keys":[]}', b"\xff"])
def test_a_file_of_roots_that_is_none_is_misuse(data: bytes) -> None:
    with pytest.raises(Misuse):
        Roots.parse(data)


def test_a_file_of_roots() -> None:
    assert Roots.parse(canonical(ROOTS.to_dict())) == ROOTS


def first_key(draft: Draft) -> Draft:
    value: Draft = draft["parties"][0]["keys"][0]
    return value


FAULTS: list[tuple[str, Callable[[Draft], object]]] = [
    ("E-SPEC-VERSION", lambda draft: draft.update(spec="2", foreign=1)),
    ("E-SPEC-VERSION", lambda draft: draft.pop("spec")),
    ("E-SCHEMA", lambda draft: draft.pop("blocked")),
    ("E-SCHEMA", lambda draft: draft.update(version=0)),
    ("E-SCHEMA-UNKNOWN", lambda draft: draft.update(foreign=1)),
    ("E-TIME-FORMAT", lambda draft: draft.update(issued="2026-01-01")),
    ("E-TIME-FORMAT", lambda draft: draft.update(expires="never")),
    ("E-POLICY-FUTURE", lambda draft: draft.update(issued="2026-11-01T14:20:00Z")),
    ("E-POLICY-EXPIRED", lambda draft: draft.update(expires="2026-10-31T14:13:20Z")),
    ("E-PARTY-ID", lambda draft: draft["parties"][0].update(id="kz-bin:1")),
    ("E-POLICY-DUPPARTY", lambda draft: draft["parties"].append(draft["parties"][0])),
    ("E-POLICY-DUPKEY", lambda draft: draft["parties"][1].update(keys=draft["parties"][0]["keys"])),
    ("E-POLICY-DUPKEY", lambda draft: draft["parties"][0]["keys"].append(first_key(draft))),
    ("E-KEY-ENCODING", lambda draft: first_key(draft).update(public="!")),
    ("E-KEY-ALG", lambda draft: first_key(draft).update(alg="rsa")),
    ("E-TIME-FORMAT", lambda draft: first_key(draft).update({"from": "2026"})),
    ("E-SCHEMA", lambda draft: first_key(draft).update(until=first_key(draft)["from"])),
    ("E-TIME-FORMAT", lambda draft: first_key(draft).update(revoked={"at": "x", "reason": "ceased"})),
    ("E-SCHEMA", lambda draft: first_key(draft).update(revoked={"at": "x", "reason": "lost"})),
    ("E-DIGEST-FORMAT", lambda draft: first_key(draft).update(evidence=[{"name": "n", "digest": {"sha256": "x"}}])),
    ("E-DIGEST-FORMAT", lambda draft: draft.update(blocked=["A" * 64])),
    ("E-TIME-FORMAT", lambda draft: draft.update(tsa=[{"root": "", "from": "x", "until": "y"}])),
    ("E-LOG-POLICY", lambda draft: draft["log"].update(policy="quorum W\n")),
]


@pytest.mark.parametrize(("expected", "change"), FAULTS, ids=[f"{n} {item[0]}" for n, item in enumerate(FAULTS)])
def test_each_fault_has_its_code(expected: str, change: Callable[[Draft], object]) -> None:
    assert code(changed(change)) == expected


def test_nothing_older_and_nothing_other_of_the_same_version() -> None:
    data = sign_policy(draft_policy(version=7))
    version, sha256 = 7, load(data).sha256
    load(data, remembered=Remembered(version=version, sha256=sha256))
    load(data, remembered=Remembered(version=6, sha256="a" * 64))
    assert code(data, remembered=Remembered(version=8, sha256=sha256)) == "E-POLICY-ROLLBACK"
    assert code(data, remembered=Remembered(version=7, sha256="a" * 64)) == "E-POLICY-FORK"


def test_the_form_is_checked_before_anything_else() -> None:
    data = sign_policy(draft_policy())
    assert code(data + b"\n") == "E-JSON-NONCANONICAL"
    assert code(envelope.sign(envelope.EVENT_TYPE, canonical(draft_policy()), ROOT_KEYS).line) == "E-ENV-TYPE"
    assert code(envelope.sign(envelope.POLICY_TYPE, b'{"a": 1}', ROOT_KEYS).line) == "E-JSON-NONCANONICAL"


@pytest.mark.parametrize(
    ("time", "expected"),
    [(-1, "E-KEY-NOTYET"), (0, None), (4, None), (5, "E-KEY-REVOKED"), (10, "E-KEY-EXPIRED")],
)
def test_windows(time: int, expected: str | None) -> None:
    draft = drafting.add_party(draft_policy(parties=[]), MAKER.id, {"ru": "А"}, [Role.PRODUCER])
    draft = drafting.add_key(draft, MAKER.id, MAKER.key.public, start=START, until=START + 10)
    draft = drafting.revoke_key(draft, MAKER.key.public.keyid, at=START + 5, reason="superseded")
    (enrolled,) = load(sign_policy(draft)).keys.values()
    if expected is None:
        enrolled.check_window(START + time)
    else:
        with pytest.raises(Refused, match=expected):
            enrolled.check_window(START + time)


def test_vouching_gives_every_role_and_needs_no_log() -> None:
    policy = Policy.vouch(
        [(MAKER.id, MAKER.key.public), (MAKER.id, key("second").public), (BUYER.id, BUYER.key.public)]
    )
    assert policy.roles(MAKER.id) == set(Role)
    assert len(policy.members[MAKER.id].keys) == 2
    assert (policy.vouched, policy.log_required, policy.max_age) == (True, False, None)
    policy.keys[BUYER.key.public.keyid].check_window(NOW)
    with pytest.raises(Refused, match="E-POLICY-DUPKEY"):
        Policy.vouch([(MAKER.id, MAKER.key.public), (BUYER.id, MAKER.key.public)])
    with pytest.raises(Refused, match="E-PARTY-ID"):
        Policy.vouch([("me", MAKER.key.public)])


def test_versions_are_made_from_versions() -> None:
    first = drafting.new(roots=ROOTS, issued=START, expires=START + DAY)
    second = drafting.next_version(first, issued=START, expires=START + 90 * DAY)
    second = drafting.add_party(second, MAKER.id, {"ru": "А"}, [Role.PRODUCER])
    second = drafting.add_party(second, MAKER.id, {"ru": "Б"}, [Role.PRODUCER, Role.HOLDER])
    second = drafting.add_key(second, MAKER.id, MAKER.key.public, start=START, until=START + 365 * DAY)
    second = drafting.add_key(second, MAKER.id, key("second").public, start=START, until=START + 365 * DAY)
    second = drafting.revoke_key(second, MAKER.key.public.keyid, at=START + 5, reason="compromised")
    second = drafting.revoke_key(second, MAKER.key.public.keyid, at=START + 9, reason="ceased")
    second = drafting.block(drafting.block(second, "b" * 64), "a" * 64)
    half = drafting.sign(second, ROOT_KEYS[:1])
    policy = load(envelope.cosign(half, ROOT_KEYS[2]).line)
    assert (first["version"], policy.version) == (1, 2)
    assert first["parties"] == []
    member = policy.members[MAKER.id]
    assert (dict(member.name), set(member.roles)) == ({"ru": "А"}, {Role.PRODUCER, Role.HOLDER})
    assert [(enrolled.revoked, enrolled.revoked_for) for enrolled in member.keys] == [
        (START + 5, "compromised"),
        (None, None),
    ]
    assert policy.blocked == {"a" * 64, "b" * 64}


def test_what_cannot_be_drafted() -> None:
    draft = draft_policy()
    with pytest.raises(Refused, match="E-POLICY-PARTY"):
        drafting.add_key(draft, "x-no:body", key("x").public, start=0, until=1)
    with pytest.raises(Refused, match="E-KEY-UNKNOWN"):
        drafting.revoke_key(draft, "a" * 64, at=0, reason="ceased")
    with pytest.raises(Refused, match="E-PARTY-ID"):
        drafting.add_party(draft, "nobody", {}, [])
    with pytest.raises(Refused, match="E-POLICY-DUPKEY"):
        drafting.serialise(drafting.add_key(draft, SCANNER.id, MAKER.key.public, start=0, until=1))
