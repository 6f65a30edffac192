"""Libraries assembled from libraries: what is taken, what travels along, what stops a run."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from datalib import acts, unverified
from datalib.assembly.placing import place
from datalib.assembly.request import Pattern, Wish, check_prefixes
from datalib.assembly.trust import Trust
from datalib.chain.events import Evidence
from datalib.errors import Misuse, Refused
from datalib.formats import sha256_hex
from datalib.library.store import Folder
from datalib.trust.policy import Policy
from datalib.verify import load_state
from tests.assembling import (
    LOGGED,
    POLICY,
    VOUCHED,
    as_library,
    assemble,
    check,
    code,
    preview,
    publish,
    upstream,
)
from tests.libraries import BUYER, DAY, MAKER, MINISTRY, NOW, ROOTS, Library, Log, draft_policy, edit, sign_policy


def files(out: Path) -> set[str]:
    """Name the data files of a library."""
    return {line[66:] for line in (out / "files.sha256").read_text().splitlines()}


def document(out: Path) -> Any:
    return json.loads((out / "datapackage.json").read_bytes())


@pytest.fixture
def grain(tmp_path: Path) -> Library:
    library = upstream(tmp_path, Log())
    publish(library)
    return library


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "sector"


@pytest.mark.parametrize("trust", [LOGGED, VOUCHED], ids=["logged", "vouched"])
def test_a_verbatim_input_is_copied_carried_and_accepted(grain: Library, out: Path, trust: Trust) -> None:
    done = assemble(out, grain.folder, trust=trust)
    assert (done.act.kind, done.placed.copied, done.placed.removed) == ("genesis", 3, 0)
    assert files(out) == {"grain/grain.csv", "grain/a/1.txt", "grain/a/2.txt"}
    report = check(out, trust=trust)
    assert report.accepted, report.refusal
    assert set(report.require().producers) == {grain.lib, report.require().library}
    assert document(out)["datalib"]["inputs"] == [grain.input(grain, "verbatim", "grain/")]


def test_a_subset_takes_what_the_patterns_say(grain: Library, out: Path) -> None:
    done = assemble(out, f"{grain.folder},mode=subset,prefix=mill/g", take=["mill/g/*.csv", "mill/g/a/1.*"])
    assert files(out) == {"mill/g/grain.csv", "mill/g/a/1.txt"}
    assert (out / f"upstream/{grain.lib}/files.sha256").read_bytes() == grain.listing()
    assert check(out).accepted
    assert done.plan.parts[0].files == 2


def test_a_derived_input_is_declared_and_the_files_are_ones_own(grain: Library, out: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "deep").mkdir(parents=True)
    (data / "sums.csv").write_text("region,sum\nAqmola,5\n")
    (data / "deep/note.txt").write_text("made of it\n")
    assemble(out, f"{grain.folder},mode=derived", data=data)
    assert files(out) == {"sums.csv", "deep/note.txt"}
    assert check(out).accepted
    assert [item["name"] for item in document(out)["resources"]] == ["sums"]
    (data / "deep/note.txt").unlink()
    (data / "sums.csv").write_text("region,sum\nAqmola,6\n")
    done = assemble(out, f"{grain.folder},mode=derived", data=data, now=NOW + 60)
    assert (done.act.kind, done.placed.copied, done.placed.removed) == ("amend", 1, 1)
    assert files(out) == {"sums.csv"}
    assert check(out, now=NOW + 60).accepted


def test_files_of_ones_own_may_lie_there_already(grain: Library, out: Path) -> None:
    out.mkdir()
    (out / "own.txt").write_text("own\n")
    assemble(out, f"{grain.folder},mode=derived")
    assert files(out) == {"own.txt"}
    assert check(out).accepted


def test_a_table_that_is_gone_is_described_no_more(grain: Library, out: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for name in ("a", "b"):
        (data / f"{name}.csv").write_text(f"{name}\n1\n")
    assemble(out, f"{grain.folder},mode=derived", data=data)
    (data / "a.csv").unlink()
    assemble(out, f"{grain.folder},mode=derived", data=data, now=NOW + 60)
    assert [item["path"] for item in document(out)["resources"]] == ["b.csv"]
    assert check(out, now=NOW + 60).accepted


def test_sources_and_tables_are_carried_with_what_is_said_of_them(tmp_path: Path, out: Path) -> None:
    table = {"name": "harvest", "path": "grain.csv", "title": "The harvest", "hash": "sha256:" + "0" * 64}
    both = {"name": "texts", "path": ["a/1.txt", "a/2.txt"], "mediatype": "text/plain"}
    source = {"title": "Scales", "path": "https://scales.example", "method": "own"}
    grain = Library(
        folder=tmp_path / "grain",
        log=None,
        name="grain",
        files={"grain.csv": b"a\n1\n", "a/1.txt": b"1", "a/2.txt": b"2"},
    )
    table["hash"] = f"sha256:{sha256_hex(grain.files['grain.csv'])}"
    grain.document = {"resources": [table, both], "sources": [source], "licenses": [{"name": "CC0-1.0"}]}
    grain.genesis()
    sources = [{"title": "Assembled by hand"}, source]
    assemble(out, f"{grain.folder},mode=subset", take=["grain/*.csv", "grain/a/2.txt"], trust=VOUCHED, sources=sources)
    made = document(out)
    assert [(item["name"], item["path"]) for item in made["resources"]] == [
        ("grain-harvest", "grain/grain.csv"),
        ("grain-texts", "grain/a/2.txt"),
    ]
    assert made["resources"][0]["title"] == "The harvest"
    assert made["sources"] == [{**source, "license": "CC0-1.0"}, {"title": "Assembled by hand"}]
    assert check(out, trust=VOUCHED).accepted


def test_no_more_resources_are_carried_than_a_manifest_may_have(tmp_path: Path, out: Path) -> None:
    many = {f"t{n}.txt": str(n).encode() for n in range(600)}
    libraries = []
    for name in ("one", "two"):
        library = Library(folder=tmp_path / name, log=None, name=name, files=many)
        library.document = {"resources": [{"name": path, "path": path} for path in many]}
        libraries.append(library.genesis())
    assemble(out, *(library.folder for library in libraries), trust=VOUCHED)
    assert len(document(out)["resources"]) == 1000
    assert check(out, trust=VOUCHED).accepted


def test_a_dry_run_names_which_input_lacks_which_purpose(tmp_path: Path, out: Path) -> None:
    log = Log()
    grain, milk = upstream(tmp_path, log), upstream(tmp_path, log, "milk", block={"purpose": ["eval"]})
    publish(grain, milk)
    asked = (grain.folder, milk.folder)
    found = preview(out, *asked, purposes=["train:asr", "eval", "train:tts"])
    assert [(part.name, part.lacking) for part in found.plan.parts] == [
        ("grain", ("train:tts",)),
        ("milk", ("train:asr", "train:tts")),
    ]
    assert not out.exists()
    with pytest.raises(Refused, match="E-PURPOSE-UPSTREAM") as refused:
        assemble(out, *asked, purposes=["train:asr", "eval"])
    assert "milk lacks train:asr" in refused.value.detail
    assert not out.exists()


@pytest.mark.parametrize(
    ("inputs", "error"),
    [
        (["{0},prefix=x", "{1},prefix=x/y"], "E-PATH-COLLISION"),
        (["{0},prefix=x", "{1},prefix=X"], "E-PATH-COLLISION"),
        (["{0},prefix=proofs"], "E-PATH-RESERVED"),
        (["{0},prefix=a\\b"], "E-PATH-CHAR"),
        (["{0},mode=subset"], "E-USAGE"),
        (["{0},mode=other"], "E-USAGE"),
        (["{0},mode=derived,mode=derived"], "E-USAGE"),
        (["{0}/a"], "E-CHAIN-MISSING"),
        (["{0}/nowhere"], "E-IO"),
        ([], "E-USAGE"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(tmp_path: Path, out: Path, inputs: list[str], error: str) -> None:
    log = Log()
    libraries = [upstream(tmp_path, log), upstream(tmp_path, log, "milk")]
    publish(*libraries)
    with pytest.raises(Exception, match=error):
        assemble(out, *(text.format(*(library.folder for library in libraries)) for text in inputs))
    assert not out.exists()


def test_folders_must_lie_beside_each_other(grain: Library, out: Path, tmp_path: Path) -> None:
    for inside in (grain.folder, grain.folder / "sector", tmp_path):
        with pytest.raises(Misuse, match="E-USAGE"):
            assemble(inside, grain.folder)
    with pytest.raises(Misuse, match="E-USAGE"):
        assemble(out, f"{grain.folder},mode=derived", data=out / "data")
    (tmp_path / "datapackage.json").write_text("{}")
    with pytest.raises(Misuse, match="E-OUT-IN-LIBRARY"):
        assemble(out, grain.folder)


def test_a_name_that_is_no_prefix_wants_one(tmp_path: Path, out: Path) -> None:
    library = upstream(tmp_path, None)
    library.document = {"name": "a/b"}
    library.amend()
    with pytest.raises(Misuse, match="prefix="):
        assemble(out, library.folder, trust=VOUCHED)
    assemble(out, f"{library.folder},prefix=ab", trust=VOUCHED)
    assert check(out, trust=VOUCHED).accepted


@pytest.mark.parametrize("take", [["grain/*.cvs"], ["other/*"], ["grain/*.csv", "grain/b/"]])
def test_a_pattern_that_chooses_nothing_is_refused(grain: Library, out: Path, take: list[str]) -> None:
    with pytest.raises((Refused, Misuse), match=r"E-TAKE-NONE|E-USAGE"):
        assemble(out, f"{grain.folder},mode=subset", take=take)


@pytest.mark.parametrize(
    ("text", "path", "wanted"),
    [
        ("p/*.txt", "p/a.txt", True),
        ("p/*.txt", "p/a/b.txt", False),
        ("p/**.txt", "p/a/b.txt", True),
        ("p/?.txt", "p/a.txt", True),
        ("p/?.txt", "p//txt", False),
        ("p/a/", "p/a/b/c", True),
        ("p/a/", "p/ab", False),
        ("p/[a].txt", "p/a.txt", False),
        ("p/[a].txt", "p/[a].txt", True),
        ("p/**/x", "p/a/b/x", True),
    ],
)
def test_patterns(text: str, path: str, wanted: bool) -> None:
    assert Pattern.parse(text).matches(path) is wanted


def test_an_input_may_have_commas_in_its_name() -> None:
    found = Wish.parse("a,b=c,mode=derived,prefix=x/")
    assert (found.folder, found.mode, found.prefix) == (Path("a,b=c"), "derived", "x/")


def test_what_is_derived_may_share_a_folder() -> None:
    check_prefixes([("a/", "derived"), ("a/b/", "derived"), ("ab/", "verbatim")])
    with pytest.raises(Refused, match="E-PATH-COLLISION"):
        check_prefixes([("a/", "derived"), ("a/b/", "verbatim")])


def test_an_input_that_is_not_accepted_is_named(grain: Library, out: Path) -> None:
    edit(grain.path("a/1.txt"), lambda _: b"changed\n")
    with pytest.raises(Refused, match="E-FILE-DIGEST") as refused:
        assemble(out, grain.folder)
    assert refused.value.where == f"{grain.folder}: a/1.txt"
    assert not out.exists()


def test_a_withdrawn_input_is_not_assembled(tmp_path: Path, out: Path) -> None:
    grain = upstream(tmp_path, Log()).withdraw()
    publish(grain)
    with pytest.raises(Refused, match="E-LIB-WITHDRAWN"):
        assemble(out, grain.folder)


def test_a_blocked_library_is_not_assembled(grain: Library, out: Path) -> None:
    policy = sign_policy(draft_policy(blocked=[grain.lib]))
    with pytest.raises(Refused, match="E-LIB-BLOCKED"):
        assemble(out, grain.folder, trust=Trust(policy=policy, roots=ROOTS))


def test_an_opt_out_upstream_is_followed(grain: Library, out: Path) -> None:
    assemble(out, grain.folder)
    del grain.files["a/1.txt"]
    (grain.folder / "a/1.txt").unlink()
    grain.day = 41
    grain.amend(reason="optout")
    publish(grain, time=NOW + 3 * DAY)
    library = as_library(out, grain.log)
    done = assemble(out, grain.folder, now=NOW + 3 * DAY)
    assert (done.act.kind, done.placed.removed, done.placed.kept) == ("amend", 1, 2)
    assert files(out) == {"grain/grain.csv", "grain/a/2.txt"}
    report = check(out, now=NOW + 3 * DAY)
    assert report.accepted, report.refusal
    last = unverified.record(Folder(out).__enter__()).head.event
    assert getattr(last, "reason", "") == "optout"
    assert document(out)["datalib"]["inputs"][0]["head"] == grain.head
    assert library.lib == report.require().library


def test_a_subset_that_moves_keeps_what_it_had(grain: Library, out: Path) -> None:
    assemble(out, f"{grain.folder},mode=subset", take=["grain/a/"])
    del grain.files["a/1.txt"]
    (grain.folder / "a/1.txt").unlink()
    grain.files["a/3.txt"] = b"3\n"
    grain.day = 41
    grain.amend(reason="erasure")
    publish(grain, time=NOW + 3 * DAY)
    as_library(out, grain.log)
    done = assemble(out, f"{grain.folder},prefix=moved", now=NOW + 3 * DAY)
    assert files(out) == {"moved/a/2.txt"}
    assert done.plan.dropped == ("grain/",)
    assert (out / f"upstream/{grain.lib}/files.sha256").read_bytes() == grain.listing()
    assert check(out, now=NOW + 3 * DAY).accepted


def test_inputs_are_added_and_others_left_alone(tmp_path: Path, out: Path) -> None:
    log = Log()
    grain, milk = upstream(tmp_path, log), upstream(tmp_path, log, "milk")
    publish(grain, milk)
    assemble(out, f"{grain.folder},mode=subset", take=["grain/*.csv"])
    as_library(out, log)
    publish(grain, milk, time=NOW)
    done = assemble(out, milk.folder, now=NOW + 60)
    assert [(part.name, str(part.change)) for part in done.plan.parts] == [("grain", "kept"), ("milk", "new")]
    assert done.act.kind == "amend"
    assert files(out) == {"grain/grain.csv", "milk/milk.csv", "milk/a/1.txt", "milk/a/2.txt"}
    assert check(out, now=NOW + 60).accepted
    assert [item["name"] for item in document(out)["resources"]] == ["grain", "milk-r", "milk"]


def test_assembling_again_changes_nothing(grain: Library, out: Path) -> None:
    assemble(out, grain.folder)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    done = assemble(out, grain.folder, now=NOW + 60)
    assert (done.act.kind, done.placed.copied, done.carried) == ("none", 0, 0)
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_an_input_may_move_for_an_attestation_only(grain: Library, out: Path) -> None:
    assemble(out, grain.folder)
    grain.day = 41
    grain.attest()
    publish(grain, time=NOW + 3 * DAY)
    as_library(out, grain.log)
    done = assemble(out, grain.folder, now=NOW + 3 * DAY)
    assert (done.act.kind, done.placed.copied, str(done.plan.parts[0].change)) == ("amend", 0, "moved")
    assert check(out, now=NOW + 3 * DAY).accepted


def test_an_older_copy_of_an_input_is_refused(grain: Library, out: Path, tmp_path: Path) -> None:
    shutil.copytree(grain.folder, tmp_path / "old")
    grain.attest()
    publish(grain)
    assemble(out, grain.folder)
    with pytest.raises(Refused, match="E-HEAD-ROLLBACK"):
        assemble(out, tmp_path / "old", now=NOW + 60)


@pytest.mark.parametrize("where", ["grain/a/1.txt", "grain/zz.txt", "grain/0.txt"])
def test_what_lies_in_the_way_is_never_written_over(grain: Library, out: Path, where: str) -> None:
    (out / where).parent.mkdir(parents=True)
    (out / where).write_text("somebody's work\n")
    with pytest.raises(Refused, match="E-OUT-EXISTS"):
        assemble(out, grain.folder)
    assert (out / where).read_text() == "somebody's work\n"


def test_an_edited_copy_is_never_written_over(grain: Library, out: Path) -> None:
    assemble(out, grain.folder)
    (out / "grain/a/1.txt").write_text("edited\n")
    with pytest.raises(Refused, match="E-OUT-EXISTS"):
        assemble(out, grain.folder, now=NOW + 60)
    assert (out / "grain/a/1.txt").read_text() == "edited\n"


@pytest.mark.parametrize(("kind", "error"), [("link", "E-FILE-SYMLINK"), ("pipe", "E-FILE-TYPE")])
def test_links_and_pipes_in_the_way_are_refused(grain: Library, out: Path, kind: str, error: str) -> None:
    import os

    (out / "grain").mkdir(parents=True)
    if kind == "link":
        (out / "grain/a").symlink_to(grain.folder / "a")
    else:
        os.mkfifo(out / "grain/a")
    with pytest.raises(Refused, match=error):
        assemble(out, grain.folder)


def test_a_stray_file_upstream_is_refused_and_stays(grain: Library, out: Path) -> None:
    assemble(out, grain.folder)
    stray = out / f"upstream/{grain.lib}/note.txt"
    stray.write_text("mine\n")
    with pytest.raises(Refused, match="E-FILE-STRAY"):
        assemble(out, grain.folder, now=NOW + 60)
    assert stray.exists()


def test_clutter_among_ones_own_files_is_refused(grain: Library, out: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / ".git").mkdir(parents=True)
    (data / ".git/config").write_text("x")
    (data / "own.txt").write_text("x")
    with pytest.raises(Refused, match="E-CLUTTER"):
        assemble(out, f"{grain.folder},mode=derived", data=data)


def test_clutter_that_an_input_has_is_carried(tmp_path: Path, out: Path) -> None:
    library = upstream(tmp_path, None, files={"thumbs.db": b"x", "a.txt": b"a"})
    assemble(out, library.folder, trust=VOUCHED)
    assert check(out, trust=VOUCHED).accepted


@pytest.mark.parametrize("beside", [True, False])
def test_names_that_no_library_may_hold_are_refused(grain: Library, out: Path, tmp_path: Path, beside: bool) -> None:
    data = tmp_path / "data" if beside else out
    (data / ".git").mkdir(parents=True)
    (data / "a:b.txt").write_text("x")
    (data / ".git/config").write_text("x")
    (data / "link").symlink_to("a:b.txt")
    asked: dict[str, Any] = {"data": data} if beside else {}
    before = sorted(out.rglob("*"))
    found = preview(out, f"{grain.folder},mode=derived", **asked)
    assert [stop.code for stop in found.stops] == ["E-FILE-SYMLINK", "E-PATH-CHAR", "E-CLUTTER"]
    with pytest.raises(Refused, match="E-FILE-SYMLINK"):
        assemble(out, f"{grain.folder},mode=derived", **asked)
    assert sorted(out.rglob("*")) == before


def test_files_of_ones_own_do_not_lie_where_an_inputs_do(grain: Library, out: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "grain").mkdir(parents=True)
    (data / "grain/own.txt").write_text("x")
    assert [stop.code for stop in preview(out, grain.folder, data=data).stops] == ["E-PATH-COLLISION"]
    with pytest.raises(Refused, match="E-PATH-COLLISION"):
        assemble(out, grain.folder, data=data)
    assert not out.exists()


@pytest.mark.parametrize(("missing", "error"), [("purposes", "E-PURPOSE-MISSING"), ("producer", "E-PRODUCER-MISSING")])
def test_a_new_library_needs_purposes_and_a_producer(grain: Library, out: Path, missing: str, error: str) -> None:
    nothing: dict[str, Any] = {missing: ()}
    with pytest.raises(Refused, match=error):
        assemble(out, grain.folder, **nothing)
    assert not out.exists()


def test_another_producer_cannot_take_a_library_over(grain: Library, out: Path) -> None:
    assemble(out, grain.folder)
    for run in (assemble, preview):
        with pytest.raises(Refused, match="E-PRODUCER-CHANGED"):
            run(out, grain.folder, producer=BUYER.producer.to_dict())


def test_a_library_that_was_withdrawn_is_not_assembled_further(grain: Library, out: Path) -> None:
    assemble(out, grain.folder, trust=VOUCHED)
    acts.withdraw(out, key=MAKER.key, reason="over", now=NOW + 60)
    shutil.rmtree(out / "grain")
    for run in (assemble, preview):
        with pytest.raises(Refused, match="E-CHAIN-AFTER-WITHDRAW"):
            run(out, grain.folder, trust=VOUCHED)
    assert not (out / "grain").exists()


def test_a_purpose_of_ones_own_is_kept_or_narrowed(grain: Library, out: Path) -> None:
    assemble(out, grain.folder, purposes=["train:asr", "eval"])
    grain.day = 41
    grain.attest()
    publish(grain, time=NOW + 3 * DAY)
    as_library(out, grain.log)
    assemble(out, grain.folder, now=NOW + 3 * DAY, purposes=(), producer={})
    assert document(out)["datalib"]["purpose"] == ["train:asr", "eval"]
    assemble(out, grain.folder, now=NOW + 3 * DAY, purposes=["eval"], producer={})
    assert document(out)["datalib"]["purpose"] == ["eval"]
    assert check(out, now=NOW + 3 * DAY).accepted


def test_an_owner_widens_with_the_producer(grain: Library, out: Path) -> None:
    assemble(out, grain.folder)
    library = as_library(out, grain.log)
    library.day = 40
    library.transfer()
    now = library.time + 60
    publish(grain, time=now)
    wide: dict[str, Any] = {"purposes": ["train:asr", "eval"], "producer": {}}
    half = assemble(out, grain.folder, now=now, by=[BUYER], **wide)
    assert half.act.pending is not None
    assert half.act.event is None
    whole = assemble(out, grain.folder, now=now, by=[BUYER, MAKER], **wide)
    assert whole.act.kind == "amend"
    assert check(out, now=now).accepted


def test_who_does_not_hold_it_cannot_amend(grain: Library, out: Path) -> None:
    assemble(out, grain.folder)
    grain.day = 41
    grain.attest()
    publish(grain, time=NOW + 3 * DAY)
    as_library(out, grain.log)
    before = (out / "chain.jsonl").read_bytes()
    with pytest.raises(Refused, match="E-AMEND-TITLE"):
        assemble(out, grain.folder, now=NOW + 3 * DAY, by=[BUYER], actor=BUYER)
    with pytest.raises(Refused, match="E-SIG-ACTOR"):
        assemble(out, grain.folder, now=NOW + 3 * DAY, by=[BUYER])
    assert (out / "chain.jsonl").read_bytes() == before


def test_a_policy_that_does_not_know_the_assembler_judges_the_inputs(grain: Library, out: Path) -> None:
    known = Trust(policy=Policy.vouch([(person.id, person.key.public) for person in (BUYER, MINISTRY)]))
    ground = Library(folder=out.parent / "ground", log=None, name="ground", producer=BUYER).genesis()
    assemble(out, ground.folder, trust=known)
    ground.day = 41
    ground.document = {"version": "2.0.0"}
    ground.amend(BUYER)
    assemble(out, ground.folder, trust=known, now=NOW + 3 * DAY)
    assert code(check(out, trust=known)) == "E-KEY-UNKNOWN"
    assert check(out, trust=VOUCHED, now=NOW + 3 * DAY).accepted


def test_one_library_may_be_taken_twice(grain: Library, out: Path, tmp_path: Path) -> None:
    asked = (f"{grain.folder},mode=subset,prefix=raw", f"{grain.folder},mode=derived,prefix=made")
    (out / "made").mkdir(parents=True)
    (out / "made/sums.csv").write_text("a\n1\n")
    assemble(out, *asked, take=["raw/*.csv"])
    assert len(document(out)["datalib"]["inputs"]) == 2
    assert check(out).accepted
    again = assemble(out, *asked, take=["raw/*.csv"], now=NOW + 60)
    assert again.act.kind == "none"


def test_evidence_and_manifests_of_all_below_travel_along(tmp_path: Path, out: Path) -> None:
    log = Log()
    found = b"what the scan found\n"
    evidence = Evidence(name="report.json", sha256=sha256_hex(found))
    ground = upstream(tmp_path, log, "ground").attest(evidence=(evidence,))
    ground.path(f"evidence/{evidence.sha256}.json").write_bytes(found)
    ground.document = {"version": "2.0.0"}
    ground.amend()
    publish(ground)
    middle = tmp_path / "middle"
    assemble(middle, ground.folder)
    publish(as_library(middle, log), ground, time=NOW + 60)
    assemble(out, middle, now=NOW + 120)
    report = check(out, now=NOW + 120)
    assert report.accepted, report.refusal
    assert (out / f"evidence/{evidence.sha256}.json").read_bytes() == found
    assert len(report.require().producers) == 3
    assert not (out / f"upstream/{ground.lib}/files.sha256").exists()
    assert files(out) == {f"middle/ground/{path}" for path in ground.files}


def two_levels(tmp_path: Path) -> tuple[Library, Library, Library]:
    """Make two libraries of one ground; the second carries more of its chain."""
    log = Log()
    ground = upstream(tmp_path, log, "ground")
    publish(ground)
    assemble(tmp_path / "left", ground.folder)
    left = as_library(tmp_path / "left", log)
    ground.day = 42
    ground.attest()
    publish(ground, left, time=NOW + 4 * DAY)
    assemble(tmp_path / "right", ground.folder, now=NOW + 4 * DAY)
    return ground, left, as_library(tmp_path / "right", log)


@pytest.mark.parametrize("swapped", [False, True])
def test_of_two_copies_of_a_chain_the_newer_travels(tmp_path: Path, out: Path, swapped: bool) -> None:
    ground, left, right = two_levels(tmp_path)
    publish(left, right, ground, time=NOW + 5 * DAY)
    folders = [left.folder, right.folder]
    # What left carries is as old as its own assembly; its head proof of ground is of then.
    done = assemble(out, *(reversed(folders) if swapped else folders), now=NOW + 5 * DAY)
    assert check(out, now=NOW + 5 * DAY).accepted
    assert (out / f"upstream/{ground.lib}/chain.jsonl").read_bytes() == ground.path("chain.jsonl").read_bytes()
    assert [each.depth for each in done.plan.reached].count(2) == 2


def test_two_chains_that_part_are_refused(tmp_path: Path, out: Path) -> None:
    one = upstream(tmp_path / "1", None, "ground")
    two = Library(folder=tmp_path / "2/ground", log=None, name="ground", lines=one.lines[:1], day=1)
    shutil.copytree(one.folder, two.folder)
    two.files = one.files
    two.attest(note="another")
    for number, ground in enumerate((one, two)):
        assemble(tmp_path / f"m{number}", ground.folder, trust=VOUCHED)
    with pytest.raises(Refused, match="E-CHAIN-FORK"):
        assemble(out, tmp_path / "m0", f"{tmp_path / 'm1'},prefix=m1", trust=VOUCHED)


def test_a_tower_ends_at_eight(tmp_path: Path) -> None:
    last = upstream(tmp_path, None, "l0").folder
    for level in range(1, 8):
        assemble(tmp_path / f"l{level}", f"{last},prefix=b", trust=VOUCHED)
        last = tmp_path / f"l{level}"
    assert check(last, trust=VOUCHED).accepted
    with pytest.raises(Refused, match="E-INPUT-DEPTH"):
        assemble(tmp_path / "l8", f"{last},prefix=b", trust=VOUCHED)
    assert not (tmp_path / "l8").exists()


def test_a_library_is_no_input_of_itself(tmp_path: Path, out: Path) -> None:
    ground = upstream(tmp_path, None, "ground").folder
    assemble(out, ground, trust=VOUCHED)
    assemble(tmp_path / "above", out, trust=VOUCHED)
    with pytest.raises(Refused, match="E-INPUT-CYCLE"):
        assemble(out, tmp_path / "above", trust=VOUCHED, now=NOW + 60)


def test_what_was_accepted_is_remembered(grain: Library, out: Path, tmp_path: Path) -> None:
    trust = Trust(policy=POLICY, roots=ROOTS, state=tmp_path / "state.json")
    shutil.copytree(grain.folder, tmp_path / "old")
    grain.attest()
    publish(grain)
    assemble(out, grain.folder, trust=trust)
    assert load_state(tmp_path / "state.json").libraries[grain.lib].id == grain.head
    with pytest.raises(Refused, match="E-HEAD-ROLLBACK"):
        assemble(tmp_path / "other", tmp_path / "old", trust=trust)


def test_an_input_that_changes_meanwhile_is_not_signed(
    grain: Library, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of an input is changed after it was verified and before it is copied."""

    def changed(*arguments: Any, **options: Any) -> Any:
        edit(grain.path("a/1.txt"), lambda _: b"changed\n")
        return place(*arguments, **options)

    monkeypatch.setattr("datalib.assembly.assemble.place", changed)
    with pytest.raises(Refused, match="E-INPUT-CONTENT"):
        assemble(out, grain.folder)
    assert not (out / "chain.jsonl").exists()


def test_two_runs_at_once_do_not_mix(grain: Library, out: Path) -> None:
    out.mkdir()
    with acts.writing(out), pytest.raises(Misuse, match="E-BUSY"):
        assemble(out, grain.folder)


def test_signing_refuses_what_an_input_does_not_have(grain: Library, out: Path) -> None:
    assemble(out, grain.folder)
    (out / "grain/a/1.txt").write_text("edited\n")
    with pytest.raises(Refused, match="E-INPUT-CONTENT"):
        acts.sign(out, keys=[MAKER.key], now=NOW + 60)
    shutil.copy(grain.folder / "a/1.txt", out / "grain/a/1.txt")
    edit(out / "datapackage.json", lambda data: data.replace(b'"train:asr"', b'"train:asr", "train:tts"'))
    with pytest.raises(Refused, match="E-PURPOSE-UPSTREAM"):
        acts.sign(out, keys=[MAKER.key], now=NOW + 60)


def test_signing_sweeps_drafts_but_nothing_that_upstream_names(grain: Library, out: Path) -> None:
    assemble(out, grain.folder)
    stray = out / f"manifests/{'0' * 64}.json"
    stray.write_text("{}")
    edit(out / "datapackage.json", lambda data: data.replace(b'"name": "sector"', b'"name": "other"'))
    acts.sign(out, keys=[MAKER.key], now=NOW + 60)
    assert not stray.exists()
    assert check(out, now=NOW + 60).accepted
