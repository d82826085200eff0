"""Early signs of a fault, per connector: does it still give what it used to give? Pure; rows live in services.early.

session's facts → telemetry.observe() → charts.step() for each sign → judge.verdict() → words.sentences()
"""
