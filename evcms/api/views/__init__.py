"""REST API v1, one file per room."""
