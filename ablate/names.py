"""Names that a user gives: a wrong one ends in a line that says which there are, and which one was meant."""

from collections.abc import Iterable
from difflib import get_close_matches

from pipeline.core.errors import UserError, join_short
from pipeline.project import params
from pipeline.project.params import Params


def project_with(study: str) -> Params:
    """Return the project of the current folder.

    Raises:
        UserError: If it has no such study or is wrong.
    """
    project = params.load()
    check("study", [study], project.studies)
    return project


def check(what: str, named: Iterable[str], there: Iterable[str], of: str = "") -> None:
    """Refuse names that are not there.

    Args:
        what: What they name: `study`, `metric`, ...
        named: The names.
        there: All that are allowed.
        of: Whose they are, where not everybody's: ` for this study`.

    Raises:
        UserError: If one is not there; the line lists what is, and what was probably meant.
    """
    names = list(there)
    for name in named:
        if name not in names:
            allowed = join_short(names) if names else "none, as there are none"
            raise UserError(f"{what}: found {name!r}, allowed{of}: {allowed}{did_you_mean(name, names)}")


def did_you_mean(name: str, there: Iterable[str]) -> str:
    """The end of a line that refuses a name.

    >>> did_you_mean("dropuot", ["capacity", "dropout"])
    '; did you mean dropout?'
    >>> did_you_mean("x", ["capacity", "dropout"])
    ''
    """
    near = get_close_matches(name, list(there), n=3)
    return f"; did you mean {' or '.join(near)}?" if near else ""
