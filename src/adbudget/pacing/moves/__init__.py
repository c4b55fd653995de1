"""Money between deals: measures + plan -> moves with verdicts, decided and locked by people.

Measures go in; moves in whole minor units and their ledger entries come out. The engine imports it.
"""
