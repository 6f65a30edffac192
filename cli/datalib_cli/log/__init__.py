"""The commands of ``datalib log``: a registry, its witnesses, and those who watch it."""
