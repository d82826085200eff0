"""The database backend of a SQLite file: Django's own, with another patience for the write lock."""
