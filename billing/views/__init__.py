"""Pages of this room. `doors`: for the provider and the returning driver; `tariffs`, `money`: for operators."""
