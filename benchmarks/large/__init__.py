"""A network of 10,000 stations, 1 million sessions and 50 million readings: how it is filled, how long its pages take."""
