"""Values of inputs: what was given, defaults, dependencies, types; for the API and for executions that start others."""
