"""10,000 stations, 1 million sessions, 50 million readings: how that is filled, and how long pages take in it."""
