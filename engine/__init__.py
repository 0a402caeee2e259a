"""What a flow means. Pure: no I/O, no clock, no chance, no threads; time and ids come in with the command."""
