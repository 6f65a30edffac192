"""What is measured, against whom, and how to run it again: ``python -m bench``.

Each suite is a module with ``run(tmp: Path, *, full: bool) -> list[Row]``: it makes its inputs below ``tmp`` (the same
bytes each time, large ones with ``full``), runs us and the peers as separate processes, and gives one row per figure.
"""
