"""What a user asks of a project besides `dvc`: one module per command, all named in `cli.py`."""
