"""What a site needs: how many drivers come, how long they wait, what is worth building. Pure: no Django.

`arrivals` corrects what was seen for the hours in which nobody could plug in; `queueing` computes waits, `street` plays
them as a cross-check from the same `Demand` and `Layout`; `advice` compares layouts by money.
"""
