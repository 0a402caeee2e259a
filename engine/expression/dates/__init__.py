"""Dates as Java's `java.time` reads and writes them: zones, patterns, named formats, units."""
