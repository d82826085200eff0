"""Regions of public holidays to choose from, by name."""

from functools import lru_cache

from holidays import registry

from . import holidays


@lru_cache(maxsize=1)
def known() -> frozenset[str]:
    return frozenset(holidays.regions())


@lru_cache(maxsize=1)
def _names() -> list[tuple[str, str]]:
    named = {entry[1]: module.replace("_", " ").title() for module, entry in registry.COUNTRIES.items()}
    return sorted(((code, name) for code, name in named.items() if code in known()), key=lambda each: each[1])


def choices(countries: frozenset[str], chosen: str = "") -> list[tuple[str, str]]:
    """All countries, and the parts of those that matter here: where the network stands."""
    rows = []
    for code, name in _names():
        rows.append((code, f"{name} ({code})"))
        if code in countries or chosen.startswith(f"{code}-"):
            parts = sorted(region for region in known() if region.startswith(f"{code}-"))
            rows += [(region, f"{name}: {region.partition('-')[2]}") for region in parts]
    return rows
