"""What alerts hears from below."""
