"""The Flow catalogue aggregate: revisions of one flow, keyed by its uid (`namespace/id`)."""
