"""What billing hears from charging."""
