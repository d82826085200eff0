"""One process tree: what `manage.py up` starts, watches and stops."""
