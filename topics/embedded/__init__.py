"""Logs that need no broker: a durable one on RocksDB (`rocks.py`) and one in memory for simulations (`memory.py`)."""
