"""``datalib log``: the log of a registry, and those who watch it."""

from datalib_cli.base import group
from datalib_cli.log import registry, watching

command = group("log", "Run a transparency log: a registry, witnesses, monitors.")

for part in (
    registry.init,
    registry.submit,
    registry.publish,
    registry.prove,
    watching.monitor,
    watching.serve,
    watching.witness,
    watching.vkey,
):
    command.add_command(part)
