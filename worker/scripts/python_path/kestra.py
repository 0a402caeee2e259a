"""The module `kestra` for Python scripts that know it: outputs, metrics and log lines by the line protocol.

Owns what scripts import; it runs in the script's process, not in the worker's, and needs nothing but Python. If the
package of that name is installed, it takes the place of this module.
"""

import importlib.machinery
import importlib.util
import json
import logging
import os
import sys
import time


def _say(**what):
    sys.stdout.write(f"::{json.dumps(what, default=str)}::\n")
    sys.stdout.flush()


class _Handler(logging.Handler):
    """Sends records with their level."""

    def emit(self, record):
        level = "WARN" if record.levelno == logging.WARNING else record.levelname
        _say(logs=[{"level": level, "message": self.format(record)}])


class Kestra:
    """What a script can tell the engine."""

    @staticmethod
    def outputs(map):
        """Add values to the task's outputs."""
        _say(outputs=map)

    @staticmethod
    def counter(name, value, tags=None):
        """Count something."""
        _say(metrics=[{"name": name, "type": "counter", "value": value, "tags": tags or {}}])

    @staticmethod
    def timer(name, duration, tags=None):
        """Tell how long something took, in seconds; a function is run and timed."""
        if callable(duration):
            began = time.perf_counter()
            duration()
            duration = time.perf_counter() - began
        _say(metrics=[{"name": name, "type": "timer", "value": duration, "tags": tags or {}}])

    @staticmethod
    def logger():
        """Return a logger whose records keep their level."""
        logger = logging.getLogger("Kestra")
        if not logger.handlers:
            logger.addHandler(_Handler())
            logger.setLevel(logging.DEBUG)
            logger.propagate = False
        return logger


def _give_way():
    here = os.path.dirname(os.path.abspath(__file__))
    elsewhere = [path for path in sys.path if os.path.abspath(path or ".") != here]
    found = importlib.machinery.PathFinder.find_spec(__name__, elsewhere)
    if found is not None and found.loader is not None:
        module = importlib.util.module_from_spec(found)
        sys.modules[__name__] = module
        found.loader.exec_module(module)


if __name__ == "kestra":
    _give_way()
