"""Tables -> Panel: what was spent and earned, by account, channel and period; findings in it.

Frames go in; a Panel on one calendar, with notes, comes out. The model, decisions and
views may import it; it knows tables and plans, no model.
"""
