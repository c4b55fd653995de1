"""What a metric is: its unit, parts, possible values and how it is shown, each in one place.

Names and numbers go in; units, bounded figures and texts come out. Campaign tables and the rule
language import it; it imports numpy only.
"""
