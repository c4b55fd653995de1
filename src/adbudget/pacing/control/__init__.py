"""Daily budgets of a flight, and made-up flights to try them on."""
