"""The lowest app subscribes to nobody: its facts go up."""
