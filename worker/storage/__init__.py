"""Files of executions: what a task leaves for later tasks and for people. Behind one small port, `port.py`."""
