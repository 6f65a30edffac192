"""Head proofs: signed evidence that an event was the newest of its library at a time. They defeat truncation.

The registry hashes the lines ``<head id>  <lib id>`` of all libraries to one root, which is the last entry of its log.
Source: datalib trust specification §9 and §10, step 6.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from datalib import schema
from datalib.canonical import canonical, parse_canonical
from datalib.errors import Refused
from datalib.formats import decode_base64
from datalib.merkle import leaf_hash, root_from_path
from datalib.trust import tlog
from datalib.trust.logpolicy import LogPolicy
from datalib.trust.tlog import Logged, TlogProof

NAME = "proofs/head.json"
#: In bytes (datalib trust specification §3, C7).
MAX_HEAD = 1024 * 1024

_CODE = "E-HEAD-PROOF"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadProof:
    """A head proof whose form is right. ``head`` is the id of the event, ``root`` that of all heads, in hex."""

    head: str
    size: int
    root: str
    tlog: TlogProof

    @classmethod
    def parse(cls, data: bytes, lib: str, where: str = NAME) -> Self:
        """Read the head proof of the library ``lib``.

        Raises ``Refused``: strict JSON, ``E-JSON-NONCANONICAL``, ``E-SCHEMA``, ``E-HEAD-PROOF``, ``E-LOG-PROOF``.
        """
        value = parse_canonical(data, limit=MAX_HEAD, where=where)
        schema.check("head", value, where)
        line, size = value["line"], value["size"]
        head = line[:64]
        if line != f"{head}  {lib}" or not _is_digest(head):
            raise Refused(_CODE, where, "the line is not one of this library")
        path = [decode_base64(item, _CODE, where) for item in value["path"]]
        root = root_from_path(leaf_hash(line.encode()), value["index"], size, path)
        if root is None:
            raise Refused(_CODE, where, "index, size and path do not fit")
        return cls(head=head, size=size, root=root.hex(), tlog=TlogProof.parse(value["tlog"].encode(), where))


def _is_digest(text: str) -> bool:
    return len(text) == 64 and not set(text) - set("0123456789abcdef")  # noqa: PLR2004  # SHA-256 in hex


def check(
    proof: HeadProof,
    events: Sequence[str],
    policy: LogPolicy,
    *,
    max_age: int | None,
    now: int,
    reference: int,
    where: str = NAME,
) -> Logged:
    """Check that the last of ``events`` (ids) was the newest, at most ``max_age`` seconds before ``reference``.

    Raises ``Refused``: codes of log proofs, ``E-HEAD-PROOF``, ``E-HEAD-STALE``, ``E-HEAD-OLD``, ``E-CHAIN-TRUNCATED``.
    """
    leaf = canonical({"at": proof.tlog.index, "heads": proof.root, "size": proof.size})
    logged = tlog.check(proof.tlog, leaf, policy, now, where)
    if logged.checkpoint.size != logged.index + 1:
        raise Refused(_CODE, where, "the heads are not the last entry of the checkpoint")
    if max_age is not None and (logged.time is None or logged.time < reference - max_age):
        raise Refused("E-HEAD-STALE", where, f"older than {max_age} s")
    if proof.head != events[-1]:
        known = proof.head in events
        raise Refused("E-HEAD-OLD" if known else "E-CHAIN-TRUNCATED", where, f"the newest event was {proof.head}")
    return logged
