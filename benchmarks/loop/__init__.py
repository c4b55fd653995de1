"""Many worlds with known truth, in which the loop is run beside other rules for twenty weeks."""
