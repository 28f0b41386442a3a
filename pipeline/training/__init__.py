"""Training of one run: by compiled kernels (`engine`), or by torch.nn (`concise`)."""
