"""Where script tasks run: as processes on this host."""
