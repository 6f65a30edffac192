"""Tables of the page on rules, made from the data that the program reads."""

import re
from collections.abc import Iterator
from typing import Any

from datalib_manifests import schema
from datalib_vocab import article, rules

_TABLE = re.compile(r"(<!-- (rules|members) -->\n).*?(<!-- end -->)", re.DOTALL)
_OBJECTS = ("access", "quality", "rights", "synthetic", "personalData")


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _rules() -> Iterator[str]:
    yield _row("rule", "", "broken when", "article", "members") + "|---|---|---|---|---|\n"
    for rule, entry in rules()["rules"].items():
        members = ", ".join(f"`{member.removeprefix('datalib.')}`" for member in entry["members"])
        yield _row(rule, entry["severity"][0].upper(), entry["text"]["en"], article(rule, "en"), members)


def _used(member: str) -> str:
    """Name the rules that read a member, the parts of an object too."""
    return ", ".join(
        rule
        for rule, entry in rules()["rules"].items()
        if any(name == member or name.startswith(f"{member}.") for name in entry["members"])
    )


def _members() -> Iterator[str]:
    yield _row("member", "what stands there", "rules") + "|---|---|---|\n"
    declared: dict[str, Any] = schema("declared")["$defs"]
    for name in _OBJECTS:
        for member, form in declared[name]["properties"].items():
            yield _row(f"`{name}.{member}`", form["description"], _used(f"datalib.{name}.{member}"))


def renew(text: str) -> str:
    """Put the tables into a page between their marks."""
    tables = {"rules": _rules, "members": _members}
    return _TABLE.sub(lambda found: found[1] + "".join(tables[found[2]]()) + found[3], text)
