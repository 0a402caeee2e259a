"""Turns commands into events: one owner per partition, one step per command, effects after the acknowledgement."""
