#!/usr/bin/env python
"""Django's entry point."""

import os
import sys

from django.core.management import execute_from_command_line

from config import commands, process_hardening

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    process_hardening.protect_memory()
    commands.check_command_class(sys.argv)
    execute_from_command_line(sys.argv)
