"""Chat services tell nothing after their answer."""
