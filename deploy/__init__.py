"""The composition root and what an operator touches: settings, the command line, the roles' processes.

Owns which objects meet which; no rule of flows, of the log or of HTTP is here.
"""
