"""Budgets split again and again in worlds of known truth: who learns fastest, at what cost."""
