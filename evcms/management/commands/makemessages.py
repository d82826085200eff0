"""Django's own, without guesses: a text that changed is untranslated until a person has seen it, never "fuzzy"."""

from django.core.management.commands import makemessages


class Command(makemessages.Command):
    msgmerge_options = [*makemessages.Command.msgmerge_options, "--no-fuzzy-matching"]
