"""Rules, constraints, balancing, safety, alerts: policy file + campaign table -> plan."""
