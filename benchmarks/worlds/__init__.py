"""The proving ground: tools on worlds with known truth, scored by what their plans really earn."""
