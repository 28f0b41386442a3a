"""What the commands of `ablate` do, one module each; `cli.py` only names them."""
