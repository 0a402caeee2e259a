"""The rows of the partitions that this process owns: a fold of the log, kept so that a start needn't fold it all."""
