"""What tests teach: rounds of planned, random and Thompson tests on worlds with known truth."""
