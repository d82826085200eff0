"""Reads that mix rooms for operators' pages, all cut to what `access` may see."""
