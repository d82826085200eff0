"""VAT numbers: one good and one wrong of each country that we know."""

import pytest

from billing.vat import RULES, WrongVatNumber, check, is_valid

GOOD = {
    "AT": ["ATU13585627", "ATU 1358 5627"],
    "BE": ["BE0403019261", "BE 0403.019.261"],
    "BG": ["BG175074752", "BG7523169263", "BG7111042925"],
    "CHE": ["CHE-107.787.577 IVA", "CHE107787577MWST", "CHE-100.155.212"],
    "CY": ["CY10259033P"],
    "CZ": ["CZ25123891", "CZ7103192745", "CZ991231123", "CZ640903926"],
    "DE": ["DE136695976", "DE 136 695 976"],
    "DK": ["DK13585628"],
    "EE": ["EE100931558", "EE100594102"],
    "EL": ["EL094259216", "GR023456780"],
    "ES": ["ESB58378431", "ES54362315K", "ESX2482300W", "ESJ99216582", "ESA13585625"],
    "FI": ["FI20774740"],
    "FR": ["FR40303265045", "FR23334175221", "FRK7399859412", "FR4Z123456782"],
    "GB": ["GB980780684", "GB 980 7806 84", "GBGD001", "GBHA500"],
    "HR": ["HR33392005961"],
    "HU": ["HU12892312"],
    "IE": ["IE6433435F", "IE6433435OA", "IE8D79739I"],
    "IT": ["IT00743110157"],
    "LT": ["LT119511515", "LT100001919017", "LT100004801610"],
    "LU": ["LU15027442"],
    "LV": ["LV40003521600", "LV16117519997"],
    "MT": ["MT11679112"],
    "NL": ["NL004495445B01", "NL 0044.95.445.B01", "NL000099998B57"],
    "NO": ["NO995525828MVA", "NO 995 525 828"],
    "PL": ["PL8567346215"],
    "PT": ["PT501964843"],
    "RO": ["RO18547290"],
    "SE": ["SE123456789701"],
    "SI": ["SI50223054"],
    "SK": ["SK2022749619"],
    "XI": ["XI980780684"],
}
NEIGHBOURS = {"GB", "XI", "CHE", "NO"}


def test_every_country_of_the_union_is_known_and_three_neighbours():
    assert len(set(RULES) - NEIGHBOURS) == 27
    assert set(RULES) >= NEIGHBOURS
    assert set(GOOD) == set(RULES)


@pytest.mark.parametrize(("country", "text"), [(country, text) for country, texts in GOOD.items() for text in texts])
def test_a_good_number_is_taken_in_its_canonical_form(country, text):
    found = check(text)
    assert found.country == country
    assert str(found).isalnum()
    assert check(str(found)) == found


def mistyped(text):
    """Every number that differs from this one in one of its first eight digits."""
    found = str(check(text))
    places = [place for place, char in enumerate(found) if char.isdigit()][:8]
    for place in places:
        for digit in "0123456789":
            if digit != found[place]:
                yield found[:place] + digit + found[place + 1 :]


@pytest.mark.parametrize("country", sorted(set(GOOD)))
def test_most_typing_mistakes_are_found(country):
    """A check digit finds nine of ten at least; some countries' rules leave more open."""
    wrong = list(mistyped(GOOD[country][0]))
    found = [text for text in wrong if not is_valid(text)]
    assert len(found) >= 0.8 * len(wrong), [text for text in wrong if is_valid(text)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "begins with its country"),
        ("136695976", "begins with its country"),
        ("US123456789", "begins with its country"),
        ("DE12", "looks otherwise"),
        ("DE136695975", "check digits"),
        ("NL004495445C01", "looks otherwise"),
        ("DE1366959७6", "no VAT number"),
        ("DE" + "1" * 40, "no VAT number"),
        ("DE13669<b>", "no VAT number"),
    ],
)
def test_a_wrong_number_is_refused_with_a_reason(text, said):
    with pytest.raises(WrongVatNumber) as refused:
        check(text)
    assert said in refused.value.reason
