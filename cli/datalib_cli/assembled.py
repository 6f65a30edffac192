"""An assembly, done or only looked ahead at, as text and as JSON."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import datalib_vocab
from datalib_cli.show import upstream_data
from datalib_cli.texts import Texts

if TYPE_CHECKING:
    from datalib.assembly.joined_rows import Joined
    from datalib.assembly.outlook import Outlook
    from datalib.assembly.placing import Placed
    from datalib.assembly.plan import Plan
    from datalib.assembly.survey import Upstream
    from datalib.errors import Refused


def plan_data(plan: "Plan", joined: "Iterable[Joined]") -> dict[str, Any]:
    """Give the inputs and the joined tables of an assembly as a JSON value."""
    made = {table.path: table for table in joined}
    return {
        "purposes": list(plan.purposes),
        "granted": list(plan.granted),
        "inputs": [
            {
                "name": part.name,
                "lib": part.item.lib,
                "head": part.item.head,
                "mode": part.item.mode,
                "prefix": part.item.prefix,
                "instead": part.instead or None,
                "change": str(part.change),
                "files": part.files,
                "bytes": part.bytes,
                "grants": list(part.manifest.purpose),
                "lacks": list(part.lacking),
                "scan": part.record.scan if part.record else None,
            }
            for part in plan.parts
        ],
        "joined": [
            {
                "path": join.path,
                "column": join.column,
                "of": [{"lib": table.lib, "resource": table.resource.name} for table in join.tables],
                "rows": made[join.path].rows,
                "bytes": made[join.path].bytes,
                "changed": made[join.path].changed,
            }
            for join in plan.joins
        ],
        "dropped": list(plan.dropped),
        "upstream": list(plan.libraries),
    }


def plan_lines(plan: "Plan", joined: "Iterable[Joined]", say: Texts) -> list[str]:
    """Write the inputs and the joined tables of an assembly for people."""
    changes = {"new": say("new"), "moved": say("moved on"), "same": say("as before"), "kept": say("not touched")}
    lines = []
    for part in plan.parts:
        counted = part.source is not None
        taken = say(", {count} files, {bytes} bytes", count=part.files, bytes=part.bytes) if counted else ""
        below = f" → {part.item.prefix}" if part.item.prefix else ""
        lines.append(f"{part.name}: {part.item.mode}{below} ({changes[part.change]}{taken})")
        if part.instead:
            lines.append("  " + say("not {prefix}, which is another's", prefix=part.instead))
        if part.scanned:
            counts = {"admitted": part.scanned.admitted, "works": part.scanned.works}
            lines.append("  " + say("a scan admitted {admitted} of {works} works", **counts))
        if part.lacking:
            lines.append("  " + say("does not grant: {codes}", codes=", ".join(part.lacking)))
    tables = {join.path: ", ".join(table.label for table in join.tables) for join in plan.joins}
    lines += [
        say("{path}: joined of {tables} ({rows} rows, {bytes} bytes)", **_sizes(made), tables=tables[made.path])
        for made in joined
    ]
    return [*lines, say("upstream libraries: {count}", count=len(plan.libraries))]


def _sizes(made: "Joined") -> dict[str, Any]:
    return {"path": made.path, "rows": made.rows, "bytes": made.bytes}


def placed_data(placed: "Placed") -> dict[str, int]:
    """Give how many files were copied, removed, and there already."""
    return {"copied": placed.copied, "removed": placed.removed, "kept": placed.kept}


def outlook_data(found: "Outlook", lang: str) -> dict[str, Any]:
    """Give what an assembly would do as a JSON value."""
    first = found.stops[0] if found.stops else None
    return {
        **plan_data(found.plan, found.joined),
        "dry_run": True,
        "accepted": first is None,
        "code": first.code if first else None,
        "stops": [_stop_data(stop, lang) for stop in found.stops],
        "placed": placed_data(found.placed),
        "renamed": [{"name": name, "becomes": becomes} for name, becomes in found.renamed],
        "graph": [upstream_data(each) for each in found.graph],
        "licences": {licence: list(names) for licence, names in found.licences.items()},
    }


def _stop_data(stop: "Refused", lang: str) -> dict[str, str]:
    message = datalib_vocab.text(stop.code, lang)
    return {"code": stop.code, "where": stop.where, "message": message, "detail": stop.detail}


def outlook_lines(found: "Outlook", say: Texts) -> list[str]:
    """Write what an assembly would do for people, what would stop it last."""
    lines = plan_lines(found.plan, found.joined, say)
    for each in {(each.by, each.item.lib, each.item.head): each for each in found.graph}.values():
        lines += _upstream_lines(each, say)
    lines.append(say("files: {copied} to copy, {removed} to remove, {kept} there already", **placed_data(found.placed)))
    lines += [
        say("the name {name} is another's: {becomes} instead", name=name, becomes=becomes)
        for name, becomes in found.renamed
    ]
    codes = ", ".join(found.plan.purposes)
    granted = ", ".join(found.plan.granted) or say("none")
    lines.append(say("purposes: {codes}; all inputs grant: {granted}", codes=codes, granted=granted))
    for stop in found.stops:
        detail = f" ({stop.detail})" if stop.detail else ""
        parts = [stop.code, stop.where, datalib_vocab.text(stop.code, say.lang) + detail]
        lines.append(say("would be refused: {fault}", fault=": ".join(part for part in parts if part)))
    return [*lines, say("nothing was written")]


def _upstream_lines(each: "Upstream", say: Texts) -> list[str]:
    """Write whose an upstream library is, under which licences, and what is known of opt-outs."""
    indent = "  " * each.depth
    examined = say("examined, {result}", result=each.optout) if each.optout else say("not examined")
    licences = ", ".join(each.licences) or say("none stated")
    facts = say("licences: {licences}; opt-outs: {examined}", licences=licences, examined=examined)
    lines = [f"{indent}- {each.name} ({each.producer.id}): {facts}"]
    if each.withdrawn:
        lines.append(f"{indent}  " + say("withdrawn: {reason}", reason=each.withdrawn))
    elif each.follow:
        lines.append(f"{indent}  " + say("amended since, and to be followed: {reason}", reason=each.follow))
    return lines
