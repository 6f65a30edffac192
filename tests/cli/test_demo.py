import json
import subprocess
import sys
from pathlib import Path


def test_the_demo_tells_its_story_and_every_step_ends_as_told(tmp_path: Path) -> None:
    out = tmp_path / "demo"
    command = [sys.executable, "-m", "datalib_cli.entry", "demo", "-o", str(out), "--format", "json"]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    told = json.loads(done.stdout)
    assert [step["status"] for step in told["steps"]] == [step["expected"] for step in told["steps"]]
    assert sum(step["expected"] == 1 for step in told["steps"]) == 4
    assert all(Path(path).exists() for path in told["made"])
    story = (out / "STORY.txt").read_text(encoding="utf-8")
    for code in ("E-PURPOSE-REFUSED", "E-FILE-DIGEST", "E-MANIFEST-DIGEST", "E-ATTEST-FAILED"):
        assert code in story
