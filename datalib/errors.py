"""Every way datalib says no.

    DatalibError(code, where, detail)
      Refused      the answer is no: what was read is not what it claims to be        exit 1
      Misuse       the caller asked for something that makes no sense                 exit 2
      Unchecked    there is no answer: something could not be read or is not covered  exit 3

A code (``E-CHAIN-LINK``) is stable and has one meaning; its text in Kazakh, Russian and English, and the remedy, stand
in ``datalib_vocab``. ``where`` names a file, line, member or party; ``detail`` is what only this place knows.
"""

from typing import ClassVar


class DatalibError(Exception):
    """Base of all errors that datalib raises on purpose."""

    exit_status: ClassVar[int]

    def __init__(self, code: str, where: str = "", detail: str = "") -> None:
        super().__init__(code, where, detail)
        self.code = code
        self.where = where
        self.detail = detail

    def __str__(self) -> str:
        return ": ".join(part for part in (self.code, self.where, self.detail) if part)


class Refused(DatalibError):
    """The answer is no: integrity, the gate, or an input that is not what it claims to be."""

    exit_status = 1


class Misuse(DatalibError):
    """The request itself is wrong: an option, a path, a role."""

    exit_status = 2


class Unchecked(DatalibError):
    """No answer: the library, the policy or another input could not be read, or is not covered."""

    exit_status = 3
