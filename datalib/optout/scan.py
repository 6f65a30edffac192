"""The scan: works and site snapshots in; decisions, signals, evidence and ``scan.json`` out.

    plan the works → import and compile the sites → hash the works → judge each shard → gather → scan.json

Every step leaves whole files, and each depends on its inputs only: a scan that was killed goes on where it was, and the
result is the same, byte for byte, for any number of workers and any size of batches.
"""

import errno
import fcntl
import hashlib
import json
import os
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import datalib
import datalib_vocab
from datalib.engine import Engine, run
from datalib.errors import Misuse, Refused, Unchecked
from datalib.formats import format_time
from datalib.library.store import inside_library, is_leftover
from datalib.optout import agents
from datalib.optout.archived_plan import Asked, read_archives
from datalib.optout.columns import Columns
from datalib.optout.decide import Profile
from datalib.optout.decisions import leaves_of
from datalib.optout.gather import gather
from datalib.optout.key_index import NAME as INDEX
from datalib.optout.licences import read as read_licences
from datalib.optout.outcome import BIT, CARRIERS
from datalib.optout.outputs import Look, replacing, sha256_of, sweep, trouble
from datalib.optout.registered import prepare_registry
from datalib.optout.registry_table import Registry
from datalib.optout.result import NAME, ScanFile, ScanResult, read_scan
from datalib.optout.rows import BATCH_ROWS
from datalib.optout.shard import WORK, Job, ShardTask, judge_shard
from datalib.optout.sites import Prepared, prepare
from datalib.optout.stored import Source, StoredTable
from datalib.optout.works import File, Plan, Shard, plan
from datalib.progress import Watch, adding, nobody, watched

VERSION: Final = 6
SITES: Final = "sites"
_DAY = 86_400
#: The folders of a result whose leftovers are removed, and what scans call the things in them.
_PART = re.compile(r"part-[0-9]{5,}\.parquet")
_FOLDERS = {
    "decisions": _PART,
    "admitted": re.compile(rf"{_PART.pattern}|part-[0-9]{{5,}}(?:\.(?:warc|arc|wet|wat|gz|zst))+"),
    WORK: re.compile(
        r"[0-9]{5,}\.[a-z.]+|registry-[0-9a-f]+|archive-[0-9a-f]+\.(?:read|sites|links|linked)|archived\.jsonl"
    ),
}
_HASHED_AT_ONCE = 256
#: How file systems of clusters say that they know no locks.
_NO_LOCKS: Final = frozenset({errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK})
#: Bytes that are hashed in less time than it takes to have others do it.
LITTLE = 128 << 20


def scan(
    works: Sequence[Source],
    *,
    out: Path,
    sites: Sequence[Path] = (),
    profile: str = Profile.KZ,
    agent: str = "datalib",
    url_columns: Sequence[str] = (),
    header_column: str | None = None,
    html_column: str | None = None,
    basis_column: str | None = None,
    bytes_column: str | None = None,
    id_column: str | None = None,
    license_column: str | None = None,
    works_table: Path | None = None,
    licences: Path | None = None,
    registries: Sequence[Path] = (),
    require_carriers: Sequence[str] = (),
    sites_max_age: int | None = None,
    workers: int = 1,
    engine: Engine | None = None,
    watch: Watch = nobody,
    admitted: bool = False,
    receipts: bool = False,
    now: int,
    batch_rows: int = BATCH_ROWS,
) -> ScanResult:
    """Judge works by what their authors said, and write the result into ``out`` (opt-out specification §4).

    ``works``: tables, folders, libraries, tables in object stores. ``sites``: snapshots in any form. ``registries``:
    lists of refusals, by which ``id_column`` too is compared. ``works_table``: where files came from. ``licences``:
    records of what was granted.
    ``sites_max_age``: days after which an answer counts as not given. ``receipts``: also write what receipts of absence
    need. ``now``: seconds since 1970. ``engine``, by default ``workers`` processes here, and ``batch_rows`` do not
    change the result. ``watch`` is told how far it is.

    Raises Misuse (E-USAGE, E-OUT-IN-LIBRARY, E-OUT-EXISTS, E-BUSY), Refused (E-SITES-FORMAT, E-REGISTRY-FORMAT,
    E-LICENCES-FORMAT, E-WORKS-TABLE, E-JSON-SYNTAX), Unchecked (E-IO, E-FILE-CHANGED, E-ENGINE).
    """
    _check_out(out, works)
    required = _required(profile, require_carriers)
    columns = Columns(
        urls=tuple(url_columns), headers=header_column, html=html_column, basis=basis_column, contents=bytes_column,
        ids=id_column, licence=license_column,
    )  # fmt: skip
    planned, engine = plan(works, columns, works_table), engine or Engine(workers=workers)
    _check_earlier(out, planned)
    table = datalib_vocab.read("agents.json")
    with _room(out), engine.opened(judge_shard.__module__) as engine:
        digests = _hash_files(planned.files, engine, watch)
        registry = prepare_registry(registries, out / WORK, now)
        asked = Asked(agent, table, bool(registries or licences))
        planned, archived = read_archives(planned, digests, out / WORK, engine, asked, watch=watch)
        prepared = prepare(
            [*sites, *archived], out / SITES, agent=agent, table=table, engine=engine, watch=watch,
            since=None if sites_max_age is None else now - sites_max_age * _DAY,
        )  # fmt: skip
        job = Job(
            out=out,
            licences=read_licences(licences, now) if licences else None,
            **_folders(prepared, registry),
            agent=agent,
            table=table,
            profile=Profile(profile),
            required=sum(BIT[name] for name in required),
            licensed=planned.licensed,
            admitted=admitted,
            receipts=receipts,
            batch_rows=batch_rows,
        )
        done = _judge(list(_tasks(planned, job, _sites_key(prepared), digests)), engine, watch)
        _check_unchanged(planned.files, digests)
        found = _about(job, prepared, registry) | gather(job, done, engine)
        inputs = tuple(_inputs(planned, digests, done))
        found |= {"synthetic_stated": planned.synthetic, "unread": planned.unread, "sources": planned.sources}
        return _finish(out, ScanResult(time=format_time(now), inputs=inputs, **found))


def _folders(prepared: Prepared | None, registry: Registry | None) -> dict[str, Path | None]:
    """Name where lies what all shards need."""
    return {
        "store": prepared.store.folder if prepared else None,
        "judges": prepared.judges.folder if prepared else None,
        "speaking": prepared.speaking.folder if prepared else None,
        "registry": registry.folder if registry else None,
    }


def _about(job: Job, prepared: Prepared | None, registry: Registry | None) -> dict[str, Any]:
    """Say with what was judged: the program, the profile, the crawler names, the sites."""
    return {
        "tool": f"datalib {datalib.__version__}",
        "profile": job.profile.value,
        "required": tuple(name for name in CARRIERS if job.required & BIT[name]),
        "agent": job.agent,
        "agents_sha256": agents.read(job.table).sha256,
        "sites": _describe(prepared),
        "registries": tuple(file.to_dict() for file in registry.files) if registry else (),
        "licences": job.licences.sha256 if job.licences else None,
    }


def _check_out(out: Path, works: Sequence[Source]) -> None:
    library = inside_library(out)
    if library is not None:
        raise Misuse("E-OUT-IN-LIBRARY", str(out), f"{library} is a library")
    place = out.resolve()
    for root in works:
        if isinstance(root, Path) and root.is_dir() and place.is_relative_to(root.resolve()):
            raise Misuse("E-USAGE", str(out), f"lies inside the works {root}; choose a folder beside them")
    if out.exists() and not out.is_dir():
        raise Misuse("E-USAGE", str(out), "is not a folder")
    for name, ours in _FOLDERS.items():
        with trouble(out):
            found = sorted(path.name for path in (out / name).iterdir()) if (out / name).is_dir() else []
        foreign = next((each for each in found if not ours.fullmatch(each) and not is_leftover(each)), None)
        if foreign is not None:
            raise Misuse("E-USAGE", f"{out / name}", f"holds {foreign!r}, which is of no scan; choose another folder")


def _check_earlier(out: Path, planned: Plan) -> None:
    """Refuse to replace the finished scan of other works: who mistakes the folder loses what may have been attested."""
    try:
        earlier = {file.path for file in read_scan(out).inputs}
    except Refused:  # there is none, or one that nobody can use
        return
    if earlier and earlier.isdisjoint(file.name for file in planned.files):
        raise Misuse("E-OUT-EXISTS", str(out), "holds the finished scan of other works")


def _required(profile: str, more: Sequence[str]) -> tuple[str, ...]:
    if profile not in set(Profile):
        raise Misuse("E-USAGE", profile, f"a profile is one of {', '.join(Profile)}")
    if unknown := [name for name in more if name not in BIT]:
        raise Misuse("E-USAGE", unknown[0], f"a carrier is one of {', '.join(CARRIERS)}")
    wanted = {*Profile(profile).required, *more}
    return tuple(name for name in CARRIERS if name in wanted)


@contextmanager
def _room(out: Path) -> Iterator[None]:
    """Keep the folder of the result to this scan; sweep leftovers, and withdraw an earlier result: it is not this one.

    Raises Misuse (E-BUSY) when another scan has it, Unchecked (E-IO).
    """
    with trouble(out):
        out.mkdir(parents=True, exist_ok=True)
        folder = os.open(out, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with trouble(out):
            _lock(folder, out)
            for name in _FOLDERS:
                (out / name).mkdir(exist_ok=True)
            sweep(out)
            (out / NAME).unlink(missing_ok=True)
            (out / INDEX).unlink(missing_ok=True)
            os.fsync(folder)  # before a shard's files are: they are not of the earlier result
        yield
    finally:
        os.close(folder)


def _lock(folder: int, out: Path) -> None:
    """Keep others out, where the file system can: the files of shards are held against their receipts in any case."""
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Misuse("E-BUSY", str(out)) from None
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise


def _hash_files(files: Sequence[File], engine: Engine, watch: Watch) -> dict[str, str]:
    """Give the digest of each regular file by name; others have none. Large ones come first: what is last is short."""
    regular = sorted((file for file in files if file.regular), key=lambda file: -(file.size // LITTLE))
    total = sum(file.size for file in regular)
    batches = list(_batches(regular))
    hashed = run(_hash, ([file.path for file in batch] for batch in batches), Engine() if total < LITTLE else engine)
    add = adding(watch, "hash", total)
    digests: dict[str, str] = {}
    for batch, found in zip(batches, hashed, strict=True):
        digests |= zip((file.name for file in batch), found, strict=True)
        add(sum(file.size for file in batch))
    return digests


def _batches(files: Iterable[File]) -> Iterator[list[File]]:
    """Put files together that are hashed by one task: neither many files nor many bytes, unless it is one."""
    batch: list[File] = []
    size = 0
    for file in files:
        if batch and (len(batch) == _HASHED_AT_ONCE or size + file.size > LITTLE):
            yield batch
            batch, size = [], 0
        batch.append(file)
        size += file.size
    if batch:
        yield batch


def _hash(paths: Sequence[Source]) -> list[str]:
    return [sha256_of(path) for path in paths]


def _tasks(planned: Plan, job: Job, sites: list[str] | None, digests: dict[str, str]) -> Iterable[ShardTask]:
    """Name, for each shard, all that its result depends on, so that a receipt can be trusted."""
    common = {
        "version": VERSION,
        "tool": datalib.__version__,
        "sites": sites,
        "agent": job.agent,
        "agents": hashlib.sha256(job.table).hexdigest(),
        "profile": job.profile,
        "required": job.required,
        "licensed": job.licensed,
        "admitted": job.admitted,
        "registry": job.registry.name if job.registry else None,
        "licences": job.licences.digest if job.licences else None,
        "receipts": job.receipts,
    }
    first: int | None = 0
    for number, shard in enumerate(planned.shards):
        named = [shard.file] if shard.file else shard.files
        own = {
            "number": number,
            "part": shard.part,
            "form": shard.form,
            "columns": asdict(shard.columns),
            "groups": [shard.groups.start, shard.groups.stop] if shard.groups else None,
            "files": [[file.name, digests.get(file.name), file.damaged] for file in named],
            "placed": [[file.placed, file.url, file.licence] for file in named],
            "beside": [_beside(file, digests) for file in named],
            "sources": shard.sources,
            "entry": shard.entry,
            "read": shard.read.name if shard.read else None,
        }
        key = hashlib.sha256(json.dumps(common | own, sort_keys=True).encode()).hexdigest()
        yield ShardTask(job, number, shard, key, tuple(digests.get(file.name, "") for file in shard.files), first)
        first = None if first is None or shard.rows is None else first + leaves_of(shard.rows)


def _judge(tasks: Sequence[ShardTask], engine: Engine, watch: Watch) -> list[dict[str, Any]]:
    """Give the receipts of all shards. Where some were left by an earlier scan, these come last: they are soon checked.

    So no worker is without work while another has yet to begin with a shard.
    """
    tasks = sorted(tasks, key=lambda task: task.receipt.exists())
    judged = watched(run(judge_shard, tasks, engine), watch, "judge", len(tasks))
    found = {task.number: receipt for task, receipt in zip(tasks, judged, strict=True)}
    return [found[number] for number in sorted(found)]


def _beside(file: File, digests: dict[str, str]) -> list[tuple[str, str | None]]:
    """Name what speaks about a file: its name says how it is read, and where it lies what it is about."""
    return [
        (os.path.relpath(each.local, file.local.parent), digests.get(each.name))
        for each in (*file.sidecars, *file.governors)
    ]


def _sites_key(prepared: Prepared | None) -> list[str] | None:
    """Name what is known of sites: what their answers say, and which of them speak."""
    return [prepared.judges.digest, prepared.speaking.digest] if prepared else None


def _check_unchanged(files: Sequence[File], digests: dict[str, str]) -> None:
    """Make sure that what was hashed is what was judged. Raises Unchecked (E-FILE-CHANGED).

    What nobody wrote to may have been linked to or given to others meanwhile, or be shown with another number by its
    file system: then its digest decides.
    """
    for file in files:
        if isinstance(file.path, StoredTable):
            file.path.check()
            continue
        with trouble(file.path):
            found = Look.of(file.path.lstat())
        written = file.look is None or (found.size, found.mtime) != (file.look.size, file.look.mtime)
        if written or (found != file.look and file.regular and sha256_of(file.path) != digests[file.name]):
            raise Unchecked("E-FILE-CHANGED", str(file.path), "changed while it was scanned")


def _inputs(planned: Plan, digests: dict[str, str], receipts: Sequence[dict[str, Any]]) -> Iterable[ScanFile]:
    works: Counter[str] = Counter()
    for shard, receipt in zip(planned.shards, receipts, strict=True):
        if shard.file:
            works[shard.file.name] += receipt["rows"]
        else:
            works.update(file.name for file in shard.files)
    for file in planned.files:
        # A link or a special file has no bytes of its own: its digest is that of nothing, and its verdict hold.
        digest = digests.get(file.name) or hashlib.sha256().hexdigest()
        yield ScanFile(path=file.name, sha256=digest, rows=works[file.name])


def _describe(prepared: Prepared | None) -> dict[str, Any] | None:
    if prepared is None:
        return None
    store = prepared.store
    return {"answers": store.answer_count, "origins": store.size, "sha256": store.digest}


def _finish(out: Path, result: ScanResult) -> ScanResult:
    """Write ``scan.json`` last, when nothing but this result is left in the folder."""
    kept = {file.path for file in result.outputs}
    with trouble(out):
        for name in ("decisions", "admitted"):
            for path in (out / name).iterdir():
                if f"{name}/{path.name}" not in kept:
                    path.unlink()
        if not any((out / "admitted").iterdir()):
            (out / "admitted").rmdir()
        with replacing(out / NAME) as temporary:
            temporary.write_bytes(result.to_bytes())
        shutil.rmtree(out / WORK)
    return result


__all__ = ["ScanFile", "ScanResult", "Shard", "read_scan", "scan"]
