"""What charging hears from the street."""
