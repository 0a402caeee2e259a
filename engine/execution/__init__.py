"""The Execution aggregate: what one run of a flow does, from its creation to its end."""
