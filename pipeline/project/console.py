"""How a program of the project ends: a mistake that a person can mend is a line and exit status 2."""

import logging
import sys
from collections.abc import Callable
from typing import NoReturn

from pipeline.project.errors import UserError


def run(main: Callable[[list[str]], None]) -> NoReturn:
    """Call `main` with the command line's arguments and leave the process with its status."""
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    logging.getLogger("pipeline").setLevel(logging.INFO)
    try:
        main(sys.argv[1:])
    except UserError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
    sys.exit(0)
