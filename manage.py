#!/usr/bin/env python
"""EVCMS's command line."""

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evcms.settings")
    if sys.argv[1:2] == ["up"]:
        from evcms.supervisor import plan

        plan.prepare(demo="--demo" in sys.argv)
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
