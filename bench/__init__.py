"""The measured table: suiren beside PyTorch, the same program text, the same threads, alternating in one process. `python -m bench`."""
