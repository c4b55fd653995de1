"""adbudget decides where an advertising budget should go, and says how sure it is."""
