"""The commands: one file each; parse, call the library, render, exit."""
