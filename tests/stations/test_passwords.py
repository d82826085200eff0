"""Station passwords: text, hexadecimal text, raw bytes."""

import pytest
from django.core.exceptions import ValidationError

from stations import passwords


def test_a_made_password_fits_as_text_and_as_the_bytes_that_it_names():
    password = passwords.make()
    kept = passwords.digest(password, generated=True)
    assert len(password) == 40
    assert passwords.verify(kept, password.encode())
    assert passwords.verify(kept, password.upper().encode())
    assert passwords.verify(kept, bytes.fromhex(password))
    assert passwords.is_quick(kept, b"")
    assert password not in kept


@pytest.mark.parametrize("generated", [True, False])
@pytest.mark.parametrize("wrong", [b"", b"x", b"\xff" * 20, b"0" * 40, b"\0" * 2000])
def test_nothing_else_fits(wrong, generated):
    assert not passwords.verify(passwords.digest(passwords.make(), generated=generated), wrong)


def test_a_chosen_password_gets_the_slow_hash_once():
    kept = passwords.digest("correct horse battery", generated=False)
    assert kept.startswith("slow$pbkdf2")
    assert len(kept) <= 160
    assert not passwords.is_quick(kept, b"correct horse battery")
    assert passwords.verify(kept, b"correct horse battery")
    assert passwords.is_quick(kept, b"correct horse battery")
    assert not passwords.verify(kept, b"correct horse batterY")


def test_a_chosen_key_of_hex_digits_fits_as_raw_bytes():
    kept = passwords.digest("00112233445566778899AABBCCDDEEFF", generated=False)
    assert passwords.verify(kept, bytes.fromhex("00112233445566778899aabbccddeeff"))


@pytest.mark.parametrize("kept", ["", "md5$x", "plain"])
def test_a_station_without_a_password_lets_nobody_in(kept):
    assert not passwords.verify(kept, b"")
    assert not passwords.verify(kept, kept.encode())


def test_another_pepper_is_another_password(settings):
    kept = passwords.digest("0" * 40, generated=True)
    settings.STATION_PASSWORD_PEPPER = "another"
    assert not passwords.verify(kept, b"0" * 40)


@pytest.mark.parametrize("password", ["short", "x" * 65, "pässword pässword", "tab\tin the password", ""])
def test_a_password_that_no_charger_can_have_is_refused(password):
    with pytest.raises(ValidationError):
        passwords.check_chosen(password)
