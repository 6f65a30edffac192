"""Site snapshots made ready for a scan: imported once, compiled once, kept beside the result that refers to them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from datalib.engine import Engine
from datalib.optout.judges import Judges, compile_store, is_compiled, judges_key
from datalib.optout.outputs import replacing_folder, sha256_of, trouble
from datalib.optout.site import VERSION, SiteStore, is_store, open_store
from datalib.optout.site_import import import_sites
from datalib.optout.speaking import Speaking, prepare_speaking
from datalib.progress import Watch, nobody

_SHORT = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A snapshot that can be scanned with, and what of it speaks for each origin."""

    store: SiteStore
    judges: Judges
    speaking: Speaking


def prepare(
    sources: Sequence[Path],
    folder: Path,
    *,
    agent: str,
    table: bytes,
    since: int | None,
    engine: Engine,
    watch: Watch = nobody,
) -> Prepared | None:
    """Import and compile snapshots into ``folder``, unless that was done before; None when there are none.

    A single imported store is used where it lies. ``since``: older answers do not count, see `Speaking`.

    Raises Refused (E-SITES-FORMAT), Unchecked (E-IO).
    """
    if not sources:
        return None
    with trouble(folder):
        folder.mkdir(exist_ok=True)
    if len(sources) == 1 and is_store(sources[0]):
        store = open_store(sources[0])
    else:
        place = folder / _digest(sources)[:_SHORT]
        if not is_store(place):
            with replacing_folder(place) as temporary:
                import_sites(sources, temporary, watch)
        store = open_store(place)
    place = folder / f"judges-{judges_key(store, agent, table)[:_SHORT]}"
    if not is_compiled(place):
        with replacing_folder(place) as temporary:
            compile_store(store, temporary, agent, table, engine, watch=watch)
    judges = Judges(place)
    return Prepared(store=store, judges=judges, speaking=prepare_speaking(store, judges, since, folder))


def _digest(sources: Sequence[Path]) -> str:
    """Name what snapshots hold, without reading them as such, and the form in which they are imported."""
    return hashlib.sha256("\0".join([str(VERSION), *sorted(map(_digest_of, sources))]).encode()).hexdigest()


def _digest_of(source: Path) -> str:
    if is_store(source):
        return open_store(source).digest
    if not source.is_dir():
        return sha256_of(source)
    with trouble(source):
        files = sorted(path for path in source.rglob("*") if path.is_file() and not path.is_symlink())
        parts = [f"{path.relative_to(source).as_posix()}\0{sha256_of(path)}" for path in files]
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()
