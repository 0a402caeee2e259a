"""The worker: takes jobs off the log, runs them, tells how they ended. It keeps no state of its own."""
