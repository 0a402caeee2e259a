"""The Slots aggregate: how many executions of a limited flow run at once, keyed by the flow's uid (`namespace/id`)."""
