"""Pages of drivers: no login, phone first."""
