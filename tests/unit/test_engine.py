import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from multiprocessing import parent_process
from pathlib import Path

import pytest

from datalib.engine import Engine, run
from datalib.errors import Refused, Unchecked

#: What Ray shall not do when it is started by a test.
ALONE = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0"}


@pytest.fixture(autouse=True)
def interruptible() -> Iterator[None]:
    """Let interrupts in: a shell that ran the tests in the background would have its children ignore them."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def double(number: int) -> int:
    return 2 * number


def refuse(number: int) -> int:
    raise Refused("E-X", f"task {number}", "no")


def die(_: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def interrupt(number: int) -> int:
    """Let the first task interrupt all processes; each goes on for long if that does not end it."""
    if number == 0:
        os.killpg(0, signal.SIGINT)
    time.sleep(600)
    return 0


def where(_: int) -> int:
    return os.getpid()


def family(_: int) -> list[int]:
    """Give this process and, as long as it is another than the program, the one that started it."""
    return [os.getpid(), *([os.getppid()] if os.getppid() != parent_pid() else [])]


def parent_pid() -> int:
    parent = parent_process()
    return parent.pid or 0 if parent else 0


def is_running(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_the_order_of_the_tasks(workers: int) -> None:
    def tasks() -> Iterator[int]:
        yield from range(20)

    assert list(run(double, tasks(), Engine(workers=workers))) == [2 * number for number in range(20)]


def test_one_worker_is_this_process() -> None:
    assert list(run(where, [1], Engine())) == [os.getpid()]
    assert os.getpid() not in list(run(where, [1], Engine(workers=2)))


@pytest.mark.parametrize("workers", [1, 2])
def test_refusals_cross_processes(workers: int) -> None:
    with pytest.raises(Refused, match="E-X: task 3: no"):
        list(run(refuse, [3], Engine(workers=workers)))


def test_a_worker_that_dies_is_named() -> None:
    with pytest.raises(Unchecked, match="a worker process died"):
        list(run(die, [1], Engine(workers=2)))


def die_or_wait(place: tuple[int, Path]) -> None:
    """Let the second task die as soon as the first has begun, which goes on for long."""
    number, folder = place
    if number == 1:
        die(number)
    (folder / "begun").touch()
    time.sleep(600)


def test_a_worker_that_dies_at_its_start_is_named(tmp_path: Path) -> None:
    """Hold up the start of the second worker, so that Python's pool begins to watch without it."""
    code = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from datalib.engine import Engine, run\n"
        "from datalib.errors import Unchecked\n"
        "from tests.unit.test_engine import die_or_wait\n"
        "folder = Path(sys.argv[1])\n"
        "def hold_up(event, _):\n"
        "    if event == 'socket.connect' and (folder / 'begun').exists():\n"
        "        time.sleep(0.5)\n"
        "def tasks():\n"
        "    yield 0, folder\n"
        "    while not (folder / 'begun').exists():\n"
        "        time.sleep(0.01)\n"
        "    sys.addaudithook(hold_up)\n"
        "    yield 1, folder\n"
        "try:\n"
        "    list(run(die_or_wait, tasks(), Engine(workers=2)))\n"
        "except Unchecked as error:\n"
        "    print(error)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run(
        [sys.executable, "-c", code, tmp_path], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert ran.stdout.startswith("E-IO: worker: a worker process died"), ran.stderr


def test_workers_serve_all_runs_of_a_block() -> None:
    with Engine(workers=2).begun("json") as engine:
        first = {*run(where, range(20), engine)}
        assert {*run(where, range(20), engine)} <= first
        assert len(first) <= 2


def test_an_error_leaves_the_workers_to_the_next_run() -> None:
    with Engine(workers=2).begun() as engine:
        with pytest.raises(Refused, match="E-X: task 3: no"):
            list(run(refuse, [3, 4, 5, 6, 7, 8], engine))
        assert list(run(double, [1, 2], engine)) == [2, 4]


def test_workers_have_the_environment_of_now(monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ("one", "two"):
        monkeypatch.setenv("DATALIB_TEST", value)
        assert list(run(os.getenv, ["DATALIB_TEST"], Engine(workers=2))) == [value]


def test_workers_end_with_the_program_that_is_killed() -> None:
    code = (
        "import time\n"
        "from datalib.engine import Engine, run\n"
        "from tests.unit.test_engine import family\n"
        "with Engine(workers=2).begun() as engine:\n"
        "    print(*next(run(family, [1], engine)), flush=True)\n"
        "    time.sleep(60)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout
        left = [int(pid) for pid in program.stdout.readline().split()]
        assert left
        program.kill()
    until = time.monotonic() + 30
    while any(map(is_running, left)):
        assert time.monotonic() < until
        time.sleep(0.01)


def test_workers_start_where_no_socket_can_be(tmp_path: Path) -> None:
    place = tmp_path / ("long" * 30)
    place.mkdir()
    code = (
        "from datalib.engine import Engine, run\n"
        "from tests.unit.test_engine import double\n"
        "print(*run(double, [1, 2], Engine(workers=2)))\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TMPDIR": str(place)}
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "2 4\n", "")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_neither_the_command_nor_its_workers_import_pandas(tmp_path: Path, workers: str) -> None:
    (tmp_path / "pandas.py").write_text(f"open({str(tmp_path / 'imported')!r}, 'w')\n", encoding="ascii")
    for name in "ab":
        (tmp_path / f"{name}.csv").write_text("url\nhttps://a.example/\n", encoding="ascii")
    program = Path(sys.executable).with_name("datalib")
    ran = subprocess.run(
        [program, "scan", tmp_path / "a.csv", tmp_path / "b.csv", "-o", tmp_path / "out", "--workers", workers],
        env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert not (tmp_path / "imported").exists()


@pytest.mark.parametrize(
    "moment", ["click", "datalib.optout.scan", "datalib.optout.shard", "multiprocessing.forkserver"]
)
def test_an_interrupt_is_answered_in_silence_at_the_beginning_too(tmp_path: Path, moment: str) -> None:
    """As Ctrl-C does, interrupt all processes: when each comes to import a module."""
    (tmp_path / "sitecustomize.py").write_text(
        "import os, signal, sys\n"
        "class Finder:\n"
        "    @staticmethod\n"
        "    def find_spec(name, *_):\n"
        f"        if name == {moment!r}:\n"
        "            os.killpg(0, signal.SIGINT)\n"
        "sys.meta_path.insert(0, Finder)\n",
        encoding="ascii",
    )
    (tmp_path / "a.csv").write_text("url\nhttps://a.example/\n", encoding="ascii")
    program = Path(sys.executable).with_name("datalib")
    ran = subprocess.run(
        [program, "scan", tmp_path / "a.csv", "-o", tmp_path / "out", "--workers", "2"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)}, start_new_session=True,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (ran.returncode, ran.stdout, ran.stderr.strip()) == (130, "", "")


def test_workers_finish_nothing_after_an_interrupt_and_say_nothing() -> None:
    code = (
        "from datalib.engine import Engine, run\n"
        "from tests.unit.test_engine import interrupt\n"
        "try:\n"
        "    list(run(interrupt, range(4), Engine(workers=2)))\n"
        "except KeyboardInterrupt:\n"
        "    print('interrupted')\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run(
        [sys.executable, "-c", code], env=environment, start_new_session=True,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (ran.stdout, ran.stderr) == ("interrupted\n", "")


def test_without_ray_one_line_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['ray'] = None\n"
        "from datalib.engine import Engine, Kind\n"
        "with Engine(kind=Kind.RAY).opened(): pass\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.stderr.splitlines()[-1].endswith("E-ENGINE: ray: pip install 'datalib-manifest[ray]'")


def write_for_long(place: tuple[int, Path]) -> None:
    """Let the first task fail once the other has begun, which writes on and on."""
    number, folder = place
    if number == 0:
        while not (folder / "1").exists():
            time.sleep(0.05)
        raise Refused("E-X", "task 0", "no")
    for count in range(6000):
        (folder / f"{number}").write_text(f"{count}")
        time.sleep(0.05)


def test_no_task_writes_on_after_an_error(tmp_path: Path) -> None:
    code = (
        "import sys, time, ray\n"
        "from pathlib import Path\n"
        "from datalib.engine import Engine, Kind, run\n"
        "from datalib.errors import Refused\n"
        "from tests.unit.test_engine import write_for_long\n"
        "ray.init(num_cpus=2, object_store_memory=80_000_000, include_dashboard=False)\n"
        "folder, engine = Path(sys.argv[1]), Engine(workers=2, kind=Kind.RAY)\n"
        "try:\n"
        "    with engine.opened() as opened:\n"
        "        list(run(write_for_long, [(0, folder), (1, folder)], opened))\n"
        "except Refused as error:\n"
        "    print(error.code)\n"
        "before = (folder / '1').read_text()\n"
        "time.sleep(0.5)\n"
        "print(ray.is_initialized(), (folder / '1').read_text() == before)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=False, env=ALONE | os.environ
    )
    assert ran.stdout.splitlines()[-2:] == ["E-X", "True True"], ran.stderr


def test_ray_leaves_a_program_its_environment_and_is_missed_once_it_has_ended() -> None:
    code = (
        "import os\n"
        "from datalib.engine import Engine, Kind, run\n"
        "from datalib.errors import Unchecked\n"
        "from tests.unit.test_engine import double\n"
        "os.environ['RAY_AUTH_TOKEN'] = 'mine'\n"
        "with Engine(workers=1, kind=Kind.RAY).opened() as engine:\n"
        "    print(list(run(double, [1, 2], engine)))\n"
        "print(os.environ['RAY_AUTH_TOKEN'], os.environ.get('RAY_AUTH_MODE'))\n"
        "try:\n"
        "    list(run(double, [1], Engine(kind=Kind.RAY)))\n"
        "except Unchecked as error:\n"
        "    print(error.code)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.stdout.splitlines() == ["[2, 4]", "mine None", "E-IO"], ran.stderr


def test_a_cluster_that_does_not_answer_is_named(tmp_path: Path) -> None:
    (tmp_path / "w.csv").write_text("url\nhttps://a.example/\n", encoding="utf-8")
    program = Path(sys.executable).with_name("datalib")
    ran = subprocess.run(
        [program, "scan", tmp_path / "w.csv", "-o", tmp_path / "out", "--engine", "ray"],
        env={**os.environ, "RAY_ADDRESS": "127.0.0.1:1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 3
    assert ran.stderr.startswith("datalib: E-ENGINE: 127.0.0.1:1: ")
    assert ran.stderr.count("\n") == 1
