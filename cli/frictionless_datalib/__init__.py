"""A plugin of Frictionless 5: `frictionless validate` with the checks of datalib.

    datalib-producer   the package says who its producer is, in the form that a data library needs
    datalib-chain      the package is the signed library that the keys or the policy given vouch for
    datalib-optout     no row or file is there that a scan refused, held, or has not seen

Frictionless finds it by the name of this package, and imports it whenever it starts: what is heavy is imported later.
"""

from frictionless import Check, Error, Plugin


class DatalibPlugin(Plugin):
    """Names the checks and the errors that they raise."""

    def select_check_class(self, type: str | None = None) -> type[Check] | None:
        """Give the check of that type, if it is one of ours."""
        from frictionless_datalib import checks

        return checks.CHECKS.get(type or "")

    def select_error_class(self, type: str | None = None) -> type[Error] | None:
        """Give the error of that type, if it is one of ours."""
        from frictionless_datalib import checks

        return checks.ERRORS.get(type or "")
