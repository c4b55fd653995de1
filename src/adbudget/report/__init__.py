"""Results -> something to look at. Decides nothing, computes nothing that is not in the results."""
