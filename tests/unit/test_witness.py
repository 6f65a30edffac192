"""The protocol of witnesses, from both sides."""

from collections.abc import Callable

import pytest

from datalib import merkle
from datalib.errors import Refused
from datalib.formats import encode_base64
from datalib.trust import proving
from datalib.trust.notes import KeyType, Note, NoteSigner
from datalib.trust.state import Tree
from datalib.trust.witness import (
    MAX_HASHES,
    MAX_REQUEST,
    SIZE,
    Answer,
    Request,
    Status,
    Wanted,
    answer,
    converse,
    nobody,
    read_cosignature,
)
from tests.libraries import NOW, ORIGIN, WITNESSES, key
from tests.logs import SIGNER

NAME = "w1.example/w"
W1 = NoteSigner.named(NAME, KeyType.WITNESS, WITNESSES[NAME])
LEAVES = [merkle.leaf_hash(b"%d" % number) for number in range(20)]
OTHERS = [merkle.leaf_hash(b"x%d" % number) for number in range(20)]

#: The request that C2SP tlog-witness shows (CC BY 4.0); its keys are not published.
SIG = "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8="
EXAMPLE = f"""old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa {SIG}
"""


def note(size: int, leaves: list[bytes] = LEAVES, signer: NoteSigner = SIGNER, origin: str = ORIGIN) -> bytes:
    text = proving.checkpoint_text(origin, size, merkle.root_of_hashes(leaves[:size]))
    return Note(text=text, signatures=(signer.sign(text),)).serialise()


def known(size: int, leaves: list[bytes] = LEAVES) -> dict[str, Tree]:
    return {ORIGIN: Tree(size=size, root=merkle.root_of_hashes(leaves[:size]).hex())}


def request(old: int, size: int, leaves: list[bytes] = LEAVES) -> Request:
    path = merkle.consistency_path(leaves[:size], old) if 0 < old < size else []
    return Request(old=old, proof=tuple(path), note=note(size, leaves))


def ask(data: bytes, before: dict[str, Tree] | None = None) -> Answer:
    return answer(data, signer=W1, logs=[SIGNER.key], known=before or {}, now=NOW)


def test_the_request_of_the_specification_is_read_and_written() -> None:
    found = Request.parse(EXAMPLE.encode())
    assert found.old == 20_852_014
    assert len(found.proof) == 4
    assert found.serialise() == EXAMPLE.encode()
    assert ask(EXAMPLE.encode()).status == Status.NOT_FOUND


@pytest.mark.parametrize(("old", "size"), [(0, 5), (5, 5), (5, 9), (8, 20), (0, 0)])
def test_a_checkpoint_that_continues_the_known_one_is_cosigned(old: int, size: int) -> None:
    found = ask(request(old, size).serialise(), known(old) if old else None)
    assert found.status == Status.OK
    assert found.origin == ORIGIN
    assert found.tree == known(size)[ORIGIN]
    text = Note.parse(note(size), "E-X").text
    assert read_cosignature(found.body, text, [W1.key], NOW) == W1.sign(text, NOW)


BAD = {
    "empty": b"",
    "no old size": note(5),
    "leading zero": request(0, 5).serialise().replace(b"old 0", b"old 00"),
    "negative": request(0, 5).serialise().replace(b"old 0", b"old -1"),
    "no empty line": request(0, 5).serialise().replace(b"\n\n", b"\n"),
    "not base64": b"old 1\n!!\n\n" + note(5),
    "too many hashes": b"old 1\n" + (encode_base64(bytes(32)).encode() + b"\n") * (MAX_HASHES + 1) + b"\n" + note(5),
    "too long": request(0, 5).serialise() + b"x" * MAX_REQUEST,
    "no note": b"old 0\n\nhello\n",
    "no checkpoint": b"old 0\n\nhello\n\n" + SIGNER.sign(b"hello\n").line,
    "old size beyond": Request(old=9, proof=(), note=note(5)).serialise(),
    "not UTF-8": b"old 0\n\n\xff" + note(5),
}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD)
def test_what_is_no_request_is_a_bad_one(data: bytes) -> None:
    found = ask(data)
    assert (found.status, found.tree) == (Status.BAD_REQUEST, None)


def test_an_unknown_log_is_not_found() -> None:
    data = Request(old=0, proof=(), note=note(5, origin="other.example")).serialise()
    assert ask(data).status == Status.NOT_FOUND


def test_a_checkpoint_that_the_log_did_not_sign_is_forbidden() -> None:
    stranger = NoteSigner.named("stranger", KeyType.LOG, key("stranger"))
    for signed in (note(5, signer=stranger), note(5).replace(b"\n5\n", b"\n6\n")):
        found = ask(Request(old=0, proof=(), note=signed).serialise())
        assert (found.status, found.tree) == (Status.FORBIDDEN, None)


def test_signatures_by_unknown_keys_are_ignored() -> None:
    extra = note(5) + NoteSigner.named("stranger", KeyType.LOG, key("stranger")).sign(b"x").line
    assert ask(Request(old=0, proof=(), note=extra).serialise()).status == Status.OK


@pytest.mark.parametrize(("old", "size", "seen"), [(0, 9, 5), (5, 9, 0), (5, 9, 7), (9, 9, 5)])
def test_another_old_size_conflicts_and_the_known_one_is_told(old: int, size: int, seen: int) -> None:
    found = ask(request(old, size).serialise(), known(seen) if seen else None)
    assert (found.status, found.body, found.type, found.tree) == (Status.CONFLICT, b"%d\n" % seen, SIZE, None)


def test_another_root_of_the_known_size_conflicts() -> None:
    found = ask(request(5, 5, OTHERS).serialise(), known(5))
    assert (found.status, found.tree) == (Status.CONFLICT, None)


@pytest.mark.parametrize(
    "data",
    [
        Request(old=5, proof=(), note=note(9)),
        Request(old=5, proof=(bytes(32),) * 3, note=note(9)),
        Request(old=5, proof=(bytes(32),), note=note(5)),
        request(5, 9, OTHERS),
    ],
)
def test_a_proof_that_does_not_hold_is_unprocessable(data: Request) -> None:
    found = ask(data.serialise(), known(5))
    assert (found.status, found.tree) == (Status.UNPROCESSABLE_ENTITY, None)


def test_the_first_checkpoint_needs_no_proof_and_the_empty_tree_its_own_root() -> None:
    assert ask(Request(old=0, proof=(bytes(32),), note=note(5)).serialise()).status == Status.UNPROCESSABLE_ENTITY
    text = proving.checkpoint_text(ORIGIN, 0, bytes(32))
    wrong = Note(text=text, signatures=(SIGNER.sign(text),)).serialise()
    assert ask(Request(old=0, proof=(), note=wrong).serialise()).status == Status.CONFLICT


def wanted(size: int, before: int) -> Wanted:
    return Wanted(
        note=note(size),
        size=size,
        before=before,
        consistency=lambda old: merkle.consistency_path(LEAVES[:size], old) if 0 < old < size else [],
    )


def witness_that_knows(size: int, leaves: list[bytes] = LEAVES) -> Callable[[bytes], tuple[int, bytes]]:
    def post(data: bytes) -> tuple[int, bytes]:
        found = ask(data, known(size, leaves) if size else None)
        return found.status, found.body

    return post


@pytest.mark.parametrize("seen", [0, 3, 7, 9])
def test_a_witness_is_asked_again_from_what_it_knows(seen: int) -> None:
    found = converse(witness_that_knows(seen), wanted(9, 7), [W1.key], NOW)
    assert found == W1.sign(Note.parse(note(9), "E-X").text, NOW)


@pytest.mark.parametrize(
    ("post", "reason"),
    [
        (witness_that_knows(12), "has seen 12 entries already"),
        (witness_that_knows(9, OTHERS), "another tree of 9"),
        (witness_that_knows(7, OTHERS), "answers 422"),
        (lambda _data: (503, b"busy"), "answers 503: busy"),
        (lambda _data: (409, b"0x1\n"), "answers 409"),
        (lambda _data: (200, b""), "without a cosignature"),
        (lambda _data: (200, b"\xff\n"), "without a cosignature"),
        (lambda _data: (200, SIGNER.sign(b"x").line), "without a cosignature"),
        (lambda _data: (200, W1.sign(b"another text\n", NOW).line), "does not hold"),
        (lambda _data: (200, W1.sign(Note.parse(note(9), "E-X").text, NOW + 301).line), "clock"),
        (lambda _data: (200, W1.sign(Note.parse(note(9), "E-X").text, NOW - 301).line), "clock"),
    ],
)
def test_a_witness_that_does_not_cosign_as_it_should_is_told_by_its_fault(
    post: Callable[[bytes], tuple[int, bytes]], reason: str
) -> None:
    with pytest.raises(Refused, match="E-LOG-WITNESS") as refused:
        converse(post, wanted(9, 7), [W1.key], NOW)
    assert reason in str(refused.value)


def test_a_witness_that_changes_its_mind_is_not_asked_for_ever() -> None:
    sizes = iter(range(1, 9))
    with pytest.raises(Refused, match="changes its mind"):
        converse(lambda _data: (409, b"%d\n" % next(sizes)), wanted(9, 0), [W1.key], NOW)


def test_nobody_answers_nothing() -> None:
    assert not nobody(wanted(9, 7)).signatures
