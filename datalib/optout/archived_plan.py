"""The archives of a scan, read before anything is judged: they hold rules of sites, by which all works are judged."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

import datalib
from datalib.engine import Engine, run
from datalib.optout.answers import to_json_line
from datalib.optout.archived import ANSWERS, ArchiveTask, read_archive
from datalib.optout.archived_linked import read_linked, to_read_again
from datalib.optout.archived_sites import read_collected
from datalib.optout.outputs import replacing
from datalib.optout.works import Part, Plan
from datalib.progress import Watch, nobody, watched

_VERSION: Final = 2
_ANSWERS: Final = "archived.jsonl"


class Asked(NamedTuple):
    """For whom archives are read, and whether by the SHA-256 of their contents too works may be named."""

    agent: str
    table: bytes
    digests: bool


def read_archives(
    planned: Plan,
    digests: Mapping[str, str],
    folder: Path,
    engine: Engine,
    asked: Asked,
    *,
    watch: Watch = nobody,
) -> tuple[Plan, list[Path]]:
    """Read the archives of a plan into ``folder``, unless that was done before.

    Gives the plan with what was left of each, and a snapshot of the answers of sites in them, if there are any.
    Raises Unchecked (E-IO).
    """
    tasks: dict[int, ArchiveTask] = {}
    for number, shard in enumerate(planned.shards):
        if shard.part is Part.RECORDS and shard.file:
            own = [_VERSION, datalib.__version__, digests[shard.file.name], shard.entry, asked.agent, asked.digests]
            key = hashlib.sha256(json.dumps(own).encode() + asked.table).hexdigest()
            tasks[number] = ArchiveTask(
                shard.file.local, shard.entry, folder / f"archive-{key[:32]}", asked.agent, asked.table, asked.digests
            )
    if not tasks:
        return planned, []
    done = watched(run(read_archive, tasks.values(), engine), watch, "read", len(tasks))
    read = dict(zip(tasks, done, strict=True))
    shards = tuple(
        replace(shard, read=read[number]) if number in read else shard for number, shard in enumerate(planned.shards)
    )
    bases = {task.base: (task.path, task.entry, task.base) for task in tasks.values()}
    collected = [base.with_suffix(ANSWERS) for base in sorted(bases)]
    collected += run(read_linked, to_read_again([bases[base] for base in sorted(bases)]), engine)
    with replacing(folder / _ANSWERS) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.writelines(to_json_line(answer) + "\n" for answer in read_collected(collected))
        some = file.tell() > 0
    return replace(planned, shards=shards), [folder / _ANSWERS] if some else []
