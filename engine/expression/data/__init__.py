"""Data formats that templates read and write: JSON, ION's text form, YAML."""
