"""HTTP in, views out: the role that clients talk to. It validates and asks, but never decides."""
