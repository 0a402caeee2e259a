"""The front door: YAML text of either generation to one immutable `Flow`, with every error at once."""
