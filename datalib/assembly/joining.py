"""Tables of inputs that become one: which tables, whether their columns agree, how the result is described.

    prices.csv = inflation/consumer + gdp/deflator     rows one under another, one column more: ``source_library``

The column holds the id of the library that a row is from. The resource says of which tables it was made, so that a
later run makes it anew when one of them has moved on. Nothing here is read but what tables say of their columns.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from datalib.assembly.request import DERIVED, Order, check_joined
from datalib.assembly.standing import Given, Standing
from datalib.errors import Misuse, Refused
from datalib.library import arrow_schema, draft, tables
from datalib.library.manifest import Resource
from datalib.library.names import slug
from datalib.library.paths import fold, readable
from datalib.library.resources import members
from datalib.library.store import Folder

if TYPE_CHECKING:
    import pyarrow as pa

#: The member of a resource that says of what it was joined.
MEMBER: Final = "joined"

_TEXT: Final = frozenset({"csv", "tsv"})
_MEANT: Final = ("type", "format")  # of a field: what its values mean
_LABEL: Final = "The id of the library that the row is from"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of an input: the folder, the library's id, the digest of its listing, and what is said of the table."""

    folder: Path
    lib: str
    listing: str
    resource: Resource
    fields: tuple[Mapping[str, Any], ...]

    @property
    def label(self) -> str:
        """The table in messages."""
        return f"{self.folder}/{self.resource.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """One table that is made of several; ``schema`` is the Arrow schema of a Parquet file without the new column."""

    path: str
    column: str
    tables: tuple[Table, ...]
    schema: "pa.Schema | None"

    @property
    def libs(self) -> tuple[str, ...]:
        """The libraries, each once."""
        return tuple(dict.fromkeys(table.lib for table in self.tables))

    def resource(self) -> dict[str, Any]:
        """Describe the joined table as its manifest does."""
        kind = tables.format_of(self.path) or ""
        source = {
            "name": self.column,
            "type": "string",
            "description": _LABEL,
            "constraints": {"required": True, "enum": list(self.libs)},
        }
        fields = [*map(_common, zip(*(table.fields for table in self.tables), strict=True)), source]
        schema: dict[str, Any] = {"fields": fields}
        if (missing := _missing(self.tables[0])) is not None:
            schema["missingValues"] = missing
        table = tables.Table(format=kind, mediatype=tables.MEDIATYPES[kind], schema=schema)
        made_of = [{"lib": table.lib, "resource": table.resource.name} for table in self.tables]
        return {
            "name": slug(Path(self.path).stem),
            "path": self.path,
            **members(table),
            MEMBER: {"column": self.column, "of": made_of},
        }


def joins(order: Order, before: Standing, given: Sequence[Given]) -> tuple[Join, ...]:
    """Resolve what is to be joined: what is asked for, and what was joined before of an input that is given again.

    Raises ``Misuse`` (``E-USAGE``), ``Refused``: ``E-JOIN-SCHEMA``, ``E-JOIN-COLUMN``, ``E-TABLE-READ``.
    """
    asked = {join.path: join for join in order.joins}
    if len(asked) != len(order.joins):
        raise Misuse("E-USAGE", "--join", "two joined tables at one path")
    found = [_checked(join.path, join.column, [_asked(text, given) for text in join.tables]) for join in order.joins]
    at_hand = {each.facts.library: each for each in given}
    for path, column, made_of in _remembered(before):
        if path not in asked and not at_hand.keys().isdisjoint(lib for lib, _ in made_of):
            found.append(_checked(path, column, [_again(path, lib, name, at_hand) for lib, name in made_of]))
    return tuple(found)


def joined_paths(before: Standing) -> tuple[str, ...]:
    """Name the files of the library that were joined."""
    return tuple(path for path, _, _ in _remembered(before))


def named(order: Order) -> frozenset[Path]:
    """Give the folders of inputs of which tables are asked to be joined."""
    folders = {wish.folder for wish in order.inputs}
    return frozenset(
        folder for folder in folders for join in order.joins for text in join.tables if _within(text, folder)
    )


def _within(text: str, folder: Path) -> str:
    """Give the name of the table if ``DIR/RESOURCE`` is one of this folder, else nothing."""
    path = Path(text)
    return str(path.relative_to(folder)) if path != folder and path.is_relative_to(folder) else ""


def _asked(text: str, given: Sequence[Given]) -> Table:
    known = list[str]()
    for each in given:
        for resource in each.facts.manifest.resources:
            if resource.name == _within(text, each.wish.folder):
                return _table(each, resource)
            known.append(f"{each.wish.folder}/{resource.name}")
    raise Misuse(
        "E-USAGE", "--join", f"no table {text!r} among the inputs; there are {', '.join(dict.fromkeys(known))}"
    )


def _again(path: str, lib: str, name: str, at_hand: Mapping[str, Given]) -> Table:
    """Find a table of which the library was joined before."""
    if lib not in at_hand:
        raise Misuse("E-USAGE", "--input", f"{path} was joined of {name} of library {lib} too: give that one as well")
    for resource in at_hand[lib].facts.manifest.resources:
        if resource.name == name:
            return _table(at_hand[lib], resource)
    raise Misuse("E-USAGE", "--join", f"{at_hand[lib].wish.folder} has no table {name!r} any more: join {path} anew")


def _remembered(before: Standing) -> Iterator[tuple[str, str, list[tuple[str, str]]]]:
    """Give what the library says of its own joined tables; those below the prefix of an input are the input's."""
    carried = tuple(item.prefix for item in before.inputs if item.prefix and item.mode != DERIVED)
    for resource in before.document.get("resources", ()):
        paths, said = draft.paths_of(resource), resource.get(MEMBER)
        if said is None or len(paths) != 1 or paths[0].startswith(carried):
            continue
        check_joined(paths[0])
        try:
            yield paths[0], str(said["column"]), [(str(each["lib"]), str(each["resource"])) for each in said["of"]]
        except (KeyError, TypeError) as error:
            raise Refused("E-SCHEMA", f"datapackage.json: {readable(paths[0])}", f"its member {MEMBER!r}") from error


def _table(given: Given, resource: Resource) -> Table:
    manifest = given.facts.manifest
    return Table(
        folder=given.wish.folder,
        lib=given.facts.library,
        listing=manifest.bound.sha256,
        resource=resource,
        fields=_fields(given.wish.folder, resource),
    )


def _fields(folder: Path, resource: Resource) -> tuple[Mapping[str, Any], ...]:
    """Give the fields of a table, as its library describes them or, where it does not, as its first file has them."""
    schema = resource.value.get("schema")
    fields = schema.get("fields") if isinstance(schema, dict) else None
    if not fields and resource.paths:
        with Folder(folder) as opened, opened.open(resource.paths[0], missing="E-FILE-CHANGED") as file:
            fields = tables.read(file, resource.paths[0]).schema["fields"]
    if not isinstance(fields, list) or not all(
        isinstance(each, dict) and _is_name(each.get("name")) for each in fields
    ):
        raise Refused("E-TABLE-READ", f"{folder}/{readable(resource.name)}", "its schema names no columns")
    return tuple(fields)


def _is_name(name: object) -> bool:
    return isinstance(name, str)


def _checked(path: str, column: str, found: Sequence[Table]) -> Join:
    """Make sure that the tables agree, and that the new column is new."""
    text = tables.format_of(path) == "csv"
    for table in found:
        kinds = {tables.format_of(each) for each in table.resource.paths}
        if not kinds or not kinds <= (_TEXT if text else {"parquet"}):
            wanted = "CSV or TSV" if text else "Parquet"
            raise Refused("E-JOIN-SCHEMA", path, f"{table.label} is no table in {wanted}, as {path} is to be one")
    schemas = [] if text else [(table, schema) for table in found for schema in _schemas(table)]
    for table in found[1:]:
        difference = _difference(found[0], table)
        if difference:
            raise Refused("E-JOIN-SCHEMA", path, difference)
    for table, schema in schemas[1:]:
        difference = _arrow_difference(found[0], schemas[0][1], table, schema)
        if difference:
            raise Refused("E-JOIN-SCHEMA", path, difference)
    if fold(column) in {fold(field["name"]) for field in found[0].fields}:
        raise Refused("E-JOIN-COLUMN", path, f"{found[0].label} has a column {column!r}")
    return Join(path=path, column=column, tables=tuple(found), schema=_united([schema for _, schema in schemas]))


def _difference(one: Table, two: Table) -> str:
    """Name the first difference in what two tables say of their columns."""
    for number, (left, right) in enumerate(zip_longest(one.fields, two.fields), 1):
        if left is None or right is None:
            only, table = (right, two) if left is None else (left, one)
            return f"column {number}, {only['name']!r}, is in {table.label} only"
        if left["name"] != right["name"]:
            return f"column {number} is {left['name']!r} in {one.label} and {right['name']!r} in {two.label}"
        for member in _MEANT:
            mine, its = left.get(member, "default"), right.get(member, "default")
            if mine != its:
                return f"{member} of column {left['name']!r} is {mine} in {one.label} and {its} in {two.label}"
    if _missing(one) != _missing(two):
        return f"missing values are written otherwise in {one.label} than in {two.label}"
    return ""


def _missing(table: Table) -> Any:
    schema = table.resource.value.get("schema")
    return schema.get("missingValues") if isinstance(schema, dict) else None


def _schemas(table: Table) -> "Iterator[pa.Schema]":
    for path in table.resource.paths:
        with Folder(table.folder) as folder, folder.open(path, missing="E-FILE-CHANGED") as file:
            yield arrow_schema.parquet_schema(file, path)


def _arrow_difference(one: Table, mine: "pa.Schema", two: Table, its: "pa.Schema") -> str:
    """Name the first difference of two Parquet files: names and types; whether values may be missing is no matter."""
    for number, (left, right) in enumerate(zip_longest(mine, its), 1):
        if left is None or right is None or left.name != right.name:
            return f"column {number} is {_said(left)} in {one.label} and {_said(right)} in {two.label}"
        if left.type != right.type:
            return f"column {left.name!r} is {left.type} in {one.label} and {right.type} in {two.label}"
    return ""


def _said(field: "pa.Field | None") -> str:
    return "missing" if field is None else repr(field.name)


def _united(schemas: "Sequence[pa.Schema]") -> "pa.Schema | None":
    """Give the schema of all: what may be missing in one may be missing in the whole."""
    if not schemas:
        return None
    import pyarrow as pa

    columns = zip(*schemas, strict=True)
    return pa.schema(
        pa.field(each[0].name, each[0].type, nullable=any(field.nullable for field in each)) for each in columns
    )


def _common(fields: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Give what all tables say alike of one column."""
    return {name: value for name, value in fields[0].items() if all(field.get(name) == value for field in fields[1:])}
