"""`make notebook`: execute the example notebook and write it with its outputs.

It is committed as executed; tests/documentation/test_notebook.py executes it again and compares the tables.
"""

import sys
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

PATH = Path(__file__).parent / "how-to" / "notebook.ipynb"


def execute(path: Path = PATH) -> Any:
    """Return the notebook after its cells were executed in its folder, without times and versions."""
    notebook = nbformat.read(path, as_version=4)
    place = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, timeout=600, kernel_name="python3", record_timing=False, resources=place).execute()
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return notebook


def main() -> int:
    """Execute the notebook in place."""
    nbformat.write(execute(), PATH)
    return 0


if __name__ == "__main__":
    sys.exit(main())
