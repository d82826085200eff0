"""Public holidays as terms need them: ISO dates, by country or part of one. No network: the `holidays` package."""

from functools import lru_cache

import holidays as public


def regions() -> list[str]:
    """All that `dates` knows: "NL", "DE", "DE-BY" …"""
    supported = public.list_supported_countries(include_aliases=False)
    return sorted([*supported, *(f"{country}-{part}" for country, parts in supported.items() for part in parts)])


def known(region: str) -> bool:
    country, _, part = region.partition("-")
    parts = public.list_supported_countries(include_aliases=False).get(country)
    return parts is not None and (not part or part in parts)


@lru_cache(maxsize=512)
def dates(region: str, first_year: int, last_year: int) -> tuple[str, ...]:
    """The holidays of these years, both included, in order; none for an empty region. Raises ValueError for an unknown
    one.
    """
    if not region:
        return ()
    if not known(region):
        raise ValueError(f"no holidays known of {region}")
    country, _, part = region.partition("-")
    found = public.country_holidays(country, subdiv=part or None, years=range(first_year, last_year + 1))
    return tuple(sorted(day.isoformat() for day in found))
