"""The commands of `ablate`, one module each; `cli.py` names them. No stage depends on this package."""
