"""Anybody's table -> checked columns: names, dates, numbers, roles, and messages that name rows.

Frames and files go in; Series, arrays and notes come out. Everything above it may import it; it
knows only errors and money.
"""
