"""Passwords of tests: the product's own format with one round, so that every process can check them, at no cost."""

from django.contrib.auth.hashers import PBKDF2PasswordHasher


class OneRound(PBKDF2PasswordHasher):
    iterations = 1
