"""The engine: R networks trained as one tensor program (`loop`), and the same network by torch.nn (`concise`)."""
