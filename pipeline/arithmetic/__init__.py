"""Numbers that are the same on every processor: kernels of vectors (`vector`), and functions of arrays (`arrays`)."""
