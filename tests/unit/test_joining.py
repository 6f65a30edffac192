"""Tables of several libraries joined into one: same columns, a column more, made anew when one of them moves on."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datalib.assembly.request import Joining
from datalib.errors import Misuse, Refused
from datalib.library.store import TEMPORARY
from tests.assembling import VOUCHED, assemble, check, preview
from tests.libraries import DAY, NOW, Library

GRAIN = b"region,tonnes\nAqmola,5\nTurkistan,7\n"
MAIZE = b"region,tonnes\nZhambyl,3\n"


def parquet(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


def library(tmp_path: Path, name: str, *, log: None = None, **files: bytes | pa.Table) -> Library:
    """Sign a library whose tables are these, each a resource of its own name; nothing is said of their columns."""
    made: dict[str, bytes] = {}
    for file, data in files.items():
        stem, _, kind = file.rpartition("_")
        made[f"{stem}.{kind}"] = data if isinstance(data, bytes) else parquet(data)
    resources = [{"name": path.partition(".")[0], "path": path} for path in made]
    found = Library(folder=tmp_path / name, log=log, name=name, files=made)
    found.document = {"resources": resources}
    return found.genesis()


def sold(tmp_path: Path, out: Path, **options: Any) -> tuple[Library, Library]:
    """Join the tables of two libraries into ``all.csv``."""
    grain, maize = library(tmp_path, "grain", t_csv=GRAIN), library(tmp_path, "maize", m_csv=MAIZE)
    assemble(
        out, grain.folder, maize.folder, joins=[f"all.csv={grain.folder}/t,{maize.folder}/m"], **TRUSTED, **options
    )
    return grain, maize


TRUSTED: dict[str, Any] = {"trust": VOUCHED}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "sector"


def rows(out: Path, name: str = "all.csv") -> list[list[str]]:
    return list(csv.reader(io.StringIO((out / name).read_text(), newline="")))


def document(out: Path) -> Any:
    return json.loads((out / "datapackage.json").read_bytes())


def test_two_tables_become_one_and_the_inputs_are_derived(tmp_path: Path, out: Path) -> None:
    grain, maize = sold(tmp_path, out)
    assert rows(out) == [
        ["region", "tonnes", "source_library"],
        ["Aqmola", "5", grain.lib],
        ["Turkistan", "7", grain.lib],
        ["Zhambyl", "3", maize.lib],
    ]
    made = document(out)
    assert [(item["lib"], item["mode"]) for item in made["datalib"]["inputs"]] == [
        (grain.lib, "derived"),
        (maize.lib, "derived"),
    ]
    (resource,) = made["resources"]
    assert resource["joined"] == {
        "column": "source_library",
        "of": [{"lib": grain.lib, "resource": "t"}, {"lib": maize.lib, "resource": "m"}],
    }
    assert [(field["name"], field["type"]) for field in resource["schema"]["fields"]] == [
        ("region", "string"),
        ("tonnes", "integer"),
        ("source_library", "string"),
    ]
    assert resource["schema"]["fields"][2]["constraints"]["enum"] == [grain.lib, maize.lib]
    report = check(out, trust=VOUCHED)
    assert report.accepted, report.refusal
    assert "derived" in report.require().not_checked


def test_the_tables_of_one_resource_are_all_taken_and_one_library_may_have_two(tmp_path: Path, out: Path) -> None:
    one = Library(
        folder=tmp_path / "one", log=None, name="one", files={"a/1.csv": GRAIN, "a/2.csv": MAIZE, "b.csv": MAIZE}
    )
    one.document = {"resources": [{"name": "both", "path": ["a/1.csv", "a/2.csv"]}, {"name": "b", "path": "b.csv"}]}
    one.genesis()
    joins = [f"in/all.csv={one.folder}/both,{one.folder}/b,source-column=from"]
    assemble(out, one.folder, joins=joins, **TRUSTED)
    assert [row[0] for row in rows(out, "in/all.csv")] == ["region", "Aqmola", "Turkistan", "Zhambyl", "Zhambyl"]
    assert rows(out, "in/all.csv")[0][2] == "from"
    assert check(out, trust=VOUCHED).accepted


def test_texts_stay_the_texts_they_were_whatever_cuts_them(tmp_path: Path, out: Path) -> None:
    one = library(tmp_path, "one", t_csv=b'id;text\r\n007;"a ""b""; c"\r\n;NA\r\n')
    two = library(tmp_path, "two", t_tsv='id\ttext\n1e3\t"x,\ny"\n08\tқазақ\n'.encode())
    three = library(tmp_path, "three", t_csv="id,text\n5,\u044f\n".encode("utf-16"))
    tables = ",".join(f"{each.folder}/t" for each in (one, two, three))
    said = {"fields": [{"name": "id", "type": "string"}, {"name": "text", "type": "string"}]}
    for each in (one, two, three):
        each.document["resources"][0] |= {"schema": said}
    for each, more in ((one, {"dialect": {"delimiter": ";"}}), (two, {}), (three, {"encoding": "utf-16"})):
        each.document["resources"][0] |= more
        each.amend()
    assemble(out, one.folder, two.folder, three.folder, joins=[f"all.csv={tables}"], **TRUSTED)
    assert [row[:2] for row in rows(out)] == [
        ["id", "text"],
        ["007", 'a "b"; c'],
        ["", "NA"],
        ["1e3", "x,\ny"],
        ["08", "қазақ"],
        ["5", "я"],
    ]


def test_parquet_keeps_its_types(tmp_path: Path, out: Path) -> None:
    schema = pa.schema([pa.field("id", pa.int32(), nullable=False), pa.field("words", pa.list_(pa.string()))])
    loose = pa.schema([pa.field("id", pa.int32()), pa.field("words", pa.list_(pa.string()))], metadata={"a": "b"})
    one = library(tmp_path, "one", t_parquet=pa.table({"id": [1, 2], "words": [["a"], []]}, schema=schema))
    two = library(tmp_path, "two", t_parquet=pa.table({"id": [None], "words": [None]}, schema=loose))
    assemble(out, one.folder, two.folder, joins=[f"all.parquet={one.folder}/t,{two.folder}/t"], **TRUSTED)
    made = pq.read_table(out / "all.parquet")
    assert made.to_pylist() == [
        {"id": 1, "words": ["a"], "source_library": one.lib},
        {"id": 2, "words": [], "source_library": one.lib},
        {"id": None, "words": None, "source_library": two.lib},
    ]
    assert [str(field.type) for field in made.schema] == ["int32", "list<element: string>", "string"]
    assert [field.nullable for field in made.schema] == [True, True, False]
    assert check(out, trust=VOUCHED).accepted


def test_a_table_without_rows_is_joined(tmp_path: Path, out: Path) -> None:
    none = pa.table({"a": pa.array([], pa.int64())})
    one, two = library(tmp_path, "one", t_parquet=none), library(tmp_path, "two", t_parquet=none)
    done = assemble(out, one.folder, two.folder, joins=[f"all.parquet={one.folder}/t,{two.folder}/t"], **TRUSTED)
    assert done.joined[0].rows == pq.read_table(out / "all.parquet").num_rows == 0
    assert pq.read_schema(out / "all.parquet").names == ["a", "source_library"]


def test_row_groups_are_filled_however_the_inputs_were_cut(tmp_path: Path, out: Path) -> None:
    sink = io.BytesIO()
    pq.write_table(pa.table({"id": range(150_000)}), sink, row_group_size=1000)
    many, one = (
        library(tmp_path, "many", t_parquet=sink.getvalue()),
        library(tmp_path, "one", t_parquet=sink.getvalue()),
    )
    done = assemble(out, many.folder, one.folder, joins=[f"all.parquet={many.folder}/t,{one.folder}/t"], **TRUSTED)
    with pq.ParquetFile(out / "all.parquet") as file:
        assert file.metadata.num_rows == done.joined[0].rows == 300_000
        assert file.metadata.num_row_groups == 3
    assert pq.read_table(out / "all.parquet", columns=["id"]).column("id").to_pylist() == [*range(150_000)] * 2


@pytest.mark.parametrize(
    ("left", "right", "said"),
    [
        (b"a,b\n1,x\n", b"a,c\n1,x\n", "column 2 is 'b' in {0}/t and 'c' in {1}/t"),
        (b"a,b\n1,x\n", b"a\n1\n", "column 2, 'b', is in {0}/t only"),
        (b"a\n1\n", b"a,b\n1,x\n", "column 2, 'b', is in {1}/t only"),
        (b"a,b\n1,x\n", b"a,b\n1.5,x\n", "type of column 'a' is integer in {0}/t and number in {1}/t"),
    ],
)
def test_the_first_difference_is_named(tmp_path: Path, out: Path, left: bytes, right: bytes, said: str) -> None:
    one, two = library(tmp_path, "one", t_csv=left), library(tmp_path, "two", t_csv=right)
    with pytest.raises(Refused, match="E-JOIN-SCHEMA") as refused:
        assemble(out, one.folder, two.folder, joins=[f"all.csv={one.folder}/t,{two.folder}/t"], **TRUSTED)
    assert refused.value.detail == said.format(one.folder, two.folder)
    assert not out.exists()


def test_missing_values_must_be_written_alike(tmp_path: Path, out: Path) -> None:
    one, two = library(tmp_path, "one", t_csv=GRAIN), library(tmp_path, "two", t_csv=MAIZE)
    fields = [{"name": "region", "type": "string", "title": "Region"}, {"name": "tonnes", "type": "integer"}]
    one.document["resources"][0]["schema"] = {"fields": fields, "missingValues": ["-"]}
    one.amend()
    joins = [f"all.csv={one.folder}/t,{two.folder}/t"]
    with pytest.raises(Refused, match="missing values are written otherwise"):
        assemble(out, one.folder, two.folder, joins=joins, **TRUSTED)
    two.document["resources"][0]["schema"] = {"fields": fields, "missingValues": ["-"]}
    two.amend()
    assemble(out, one.folder, two.folder, joins=joins, **TRUSTED)
    schema = document(out)["resources"][0]["schema"]
    assert (schema["missingValues"], schema["fields"][0]) == (["-"], fields[0])


def test_types_of_parquet_are_compared_in_the_files(tmp_path: Path, out: Path) -> None:
    one = library(tmp_path, "one", t_parquet=pa.table({"a": pa.array([1], pa.int32())}))
    two = library(tmp_path, "two", t_parquet=pa.table({"a": pa.array([1], pa.int64())}))
    with pytest.raises(Refused, match=r"column 'a' is int32 in .* and int64 in"):
        assemble(out, one.folder, two.folder, joins=[f"all.parquet={one.folder}/t,{two.folder}/t"], **TRUSTED)


def test_columns_of_parquet_are_those_of_the_files(tmp_path: Path, out: Path) -> None:
    one = library(tmp_path, "one", t_parquet=pa.table({"a": [1], "b": [1]}))
    two = library(tmp_path, "two", t_parquet=pa.table({"a": [1]}))
    for each in (one, two):
        each.document["resources"][0]["schema"] = {"fields": [{"name": "a", "type": "integer"}]}
        each.amend()
    with pytest.raises(Refused, match=r"column 2 is 'b' in .*/one/t and missing in .*/two/t"):
        assemble(out, one.folder, two.folder, joins=[f"all.parquet={one.folder}/t,{two.folder}/t"], **TRUSTED)


@pytest.mark.parametrize(
    ("joins", "error"),
    [
        (["all.csv={0}/t"], "E-USAGE"),
        (["all.csv={0}/t,{0}/t"], "E-USAGE"),
        (["all.csv"], "E-USAGE"),
        (["={0}/t,{1}/m"], "E-USAGE"),
        (["all.csv={0}/t,{1}/m,source-column="], "E-USAGE"),
        (["all.csv={0}/t,{1}/m,source-column=a,source-column=b"], "E-USAGE"),
        (["all.xlsx={0}/t,{1}/m"], "E-USAGE"),
        (["../all.csv={0}/t,{1}/m"], "E-PATH"),
        (["upstream/all.csv={0}/t,{1}/m"], "E-PATH-RESERVED"),
        (["all.csv={0}/t,{1}/nothing"], "there are .*/grain/t, .*/maize/m"),
        (["all.csv={0}/t,nowhere/m"], "E-USAGE"),
        (["all.csv={0}/t,{1}/m", "all.csv={1}/m,{0}/t"], "two joined tables at one path"),
        (["all.parquet={0}/t,{1}/m"], "E-JOIN-SCHEMA.*no table in Parquet"),
        (["all.csv={0}/t,{1}/m,source-column=Region"], "E-JOIN-COLUMN"),
    ],
)
def test_what_cannot_be_joined_is_refused(tmp_path: Path, out: Path, joins: list[str], error: str) -> None:
    grain, maize = library(tmp_path, "grain", t_csv=GRAIN), library(tmp_path, "maize", m_csv=MAIZE)
    with pytest.raises((Refused, Misuse), match=error):
        assemble(
            out,
            grain.folder,
            maize.folder,
            joins=[text.format(grain.folder, maize.folder) for text in joins],
            **TRUSTED,
        )
    assert not out.exists()


def test_an_input_that_is_copied_must_be_said_to_be_derived_too(tmp_path: Path, out: Path) -> None:
    grain, maize = library(tmp_path, "grain", t_csv=GRAIN), library(tmp_path, "maize", m_csv=MAIZE)
    joins = [f"all.csv={grain.folder}/t,{maize.folder}/m"]
    with pytest.raises(Misuse, match=r"say --input .*/grain,mode=derived as well"):
        assemble(out, f"{grain.folder},mode=verbatim", maize.folder, joins=joins, **TRUSTED)
    copied = (f"{grain.folder},mode=verbatim", f"{grain.folder},mode=derived", maize.folder)
    below = [f"grain/all.csv={grain.folder}/t,{maize.folder}/m"]
    with pytest.raises(Refused, match="E-PATH-COLLISION"):
        assemble(out, *copied, joins=below, **TRUSTED)
    assemble(out, *copied, joins=joins, **TRUSTED)
    assert (out / "grain/t.csv").read_bytes() == GRAIN
    assert len(rows(out)) == 4
    assert check(out, trust=VOUCHED).accepted


def test_a_damaged_row_stops_the_run_and_leaves_nothing_half_written(tmp_path: Path, out: Path) -> None:
    grain, maize = library(tmp_path, "grain", t_csv=GRAIN), library(tmp_path, "maize", m_csv=MAIZE + b"a,1,2\n")
    asked = (out, grain.folder, maize.folder)
    joins = [f"x/all.csv={grain.folder}/t,{maize.folder}/m"]
    with pytest.raises(Refused, match="E-TABLE-READ"):
        preview(*asked, joins=joins, **TRUSTED)
    assert not out.exists()
    with pytest.raises(Refused, match="E-TABLE-READ"):
        assemble(*asked, joins=joins, **TRUSTED)
    assert [path.name for path in out.rglob("*") if path.is_file()] == []
    assert not any(TEMPORARY in path.name for path in out.rglob("*"))


def test_columns_that_the_manifest_names_otherwise_are_refused(tmp_path: Path, out: Path) -> None:
    grain, maize = library(tmp_path, "grain", t_csv=GRAIN), library(tmp_path, "maize", m_csv=MAIZE)
    for each in (grain, maize):
        each.document["resources"][0]["schema"] = {"fields": [{"name": "r"}, {"name": "t"}]}
        each.amend()
    with pytest.raises(Refused, match=r"E-TABLE-READ.*its columns are others"):
        assemble(out, grain.folder, maize.folder, joins=[f"all.csv={grain.folder}/t,{maize.folder}/m"], **TRUSTED)


def test_a_joined_table_is_made_anew_when_an_input_has_moved_on(tmp_path: Path, out: Path) -> None:
    grain, maize = sold(tmp_path, out)
    again = assemble(out, grain.folder, maize.folder, now=NOW + 60, **TRUSTED)
    assert (again.act.kind, again.joined[0].changed) == ("none", False)
    grain.files["t.csv"] = b"region,tonnes\nTurkistan,7\n"
    (grain.folder / "t.csv").write_bytes(grain.files["t.csv"])
    grain.day = 41
    grain.amend(reason="optout")
    now = NOW + 3 * DAY
    with pytest.raises(Misuse, match=f"all.csv was joined of m of library {maize.lib} too"):
        assemble(out, grain.folder, now=now, **TRUSTED)
    done = assemble(out, grain.folder, maize.folder, now=now, **TRUSTED)
    assert (done.act.kind, done.joined[0].changed) == ("amend", True)
    assert [row[0] for row in rows(out)] == ["region", "Turkistan", "Zhambyl"]
    assert check(out, trust=VOUCHED, now=now).accepted


def test_a_table_that_is_gone_upstream_stops_the_run(tmp_path: Path, out: Path) -> None:
    grain, maize = sold(tmp_path, out)
    grain.document["resources"][0]["name"] = "other"
    grain.day = 41
    grain.amend()
    with pytest.raises(Misuse, match="has no table 't' any more"):
        assemble(out, grain.folder, maize.folder, now=NOW + 3 * DAY, **TRUSTED)


def test_joined_tables_live_beside_files_of_ones_own(tmp_path: Path, out: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "note.txt").write_text("mine\n")
    grain, maize = sold(tmp_path, out, data=data)
    ground = library(tmp_path, "ground", g_csv=GRAIN)
    assemble(out, ground.folder, data=data, now=NOW + 60, **TRUSTED)
    assert {path.name for path in out.iterdir() if path.is_file()} >= {"note.txt", "all.csv"}
    assert [item["name"] for item in document(out)["resources"]] == ["all", "ground-g"]
    assert check(out, trust=VOUCHED, now=NOW + 60).accepted
    (data / "all.csv").write_bytes(GRAIN)
    with pytest.raises(Refused, match="E-PATH-COLLISION"):
        assemble(out, grain.folder, maize.folder, data=data, now=NOW + 120, **TRUSTED)


def test_a_joined_table_is_described_however_many_tables_there_are(tmp_path: Path, out: Path) -> None:
    many = {f"t{n}.txt": str(n).encode() for n in range(1000)}
    crowd = Library(folder=tmp_path / "crowd", log=None, name="crowd", files=many)
    crowd.document = {"resources": [{"name": path, "path": path} for path in many]}
    crowd.genesis()
    grain, maize = library(tmp_path, "grain", t_csv=GRAIN), library(tmp_path, "maize", m_csv=MAIZE)
    joins = [f"all.csv={grain.folder}/t,{maize.folder}/m"]
    assemble(out, crowd.folder, grain.folder, maize.folder, joins=joins, **TRUSTED)
    found = document(out)["resources"]
    assert len(found) == 1000
    assert [item["path"] for item in found if "joined" in item] == ["all.csv"]


def test_a_joined_table_is_never_written_over_a_file_of_somebody(tmp_path: Path, out: Path) -> None:
    out.mkdir()
    (out / "all.csv").write_text("mine\n")
    with pytest.raises(Refused, match="E-OUT-EXISTS"):
        sold(tmp_path, out)
    assert (out / "all.csv").read_text() == "mine\n"
    assert [path.name for path in out.iterdir()] == ["all.csv"]


def test_what_an_input_joined_is_the_inputs(tmp_path: Path, out: Path) -> None:
    """A joined table that is taken whole from an input is a table like others."""
    grain, _ = sold(tmp_path, out)
    assemble(tmp_path / "above", out, grain.folder, **TRUSTED)
    again = assemble(tmp_path / "above", grain.folder, now=NOW + 60, **TRUSTED)
    assert again.act.kind == "none"
    assert (tmp_path / "above/sector/all.csv").read_bytes() == (out / "all.csv").read_bytes()
    assert check(tmp_path / "above", trust=VOUCHED).accepted


def test_a_record_of_a_join_that_is_no_record_is_refused(tmp_path: Path, out: Path) -> None:
    grain, maize = sold(tmp_path, out)
    made = document(out)
    made["resources"][0]["joined"] = {"of": "all"}
    (out / "datapackage.json").write_text(json.dumps(made))
    with pytest.raises(Refused, match=r"E-SCHEMA.*joined"):
        assemble(out, grain.folder, maize.folder, now=NOW + 60, **TRUSTED)


@pytest.mark.parametrize(
    "said",
    [
        {"schema": {"fields": "region"}},
        {"schema": {"fields": ["region", "tonnes"]}},
        {"schema": {"fields": [{"name": 1}, {"name": 2}]}},
        {"schema": ["region"], "dialect": {"headerRows": [99]}},
        {"dialect": {"delimiter": 7}},
        {"dialect": {"headerRows": "first"}},
        {"dialect": [","]},
        {"encoding": "no-such-encoding"},
        {"encoding": 8},
    ],
)
def test_what_strangers_say_of_a_table_ends_in_one_of_our_errors(tmp_path: Path, out: Path, said: Any) -> None:
    one, two = library(tmp_path, "one", t_csv=GRAIN), library(tmp_path, "two", t_csv=GRAIN)
    for each in (one, two):
        each.document["resources"][0] |= said
        each.amend()
    with pytest.raises(Refused, match="E-TABLE-READ"):
        assemble(out, one.folder, two.folder, joins=[f"all.csv={one.folder}/t,{two.folder}/t"], **TRUSTED)


@pytest.mark.parametrize(("path", "error"), [("../all.csv", "E-PATH"), ("all.xlsx", "E-USAGE")])
def test_a_record_of_a_join_elsewhere_is_refused(tmp_path: Path, out: Path, path: str, error: str) -> None:
    grain, maize = sold(tmp_path, out)
    made = document(out)
    made["resources"][0]["path"] = path
    (out / "datapackage.json").write_text(json.dumps(made))
    with pytest.raises((Refused, Misuse), match=error):
        assemble(out, grain.folder, maize.folder, now=NOW + 60, **TRUSTED)
    assert not (tmp_path / "all.csv").exists()


def test_a_folder_is_found_however_it_is_written() -> None:
    found = Joining.parse("a/b.csv=x/y/t,./x/z/u,source-column=s p")
    assert (found.path, found.tables, found.column) == ("a/b.csv", ("x/y/t", "./x/z/u"), "s p")
