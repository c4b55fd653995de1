"""Campaign tables -> Readings: what is known of every campaign at one moment, by metric.

Frames go in; checked figures, given or derived, come out. The rule language and everything in
``policy`` import it; it knows tables and money, no rules.
"""
