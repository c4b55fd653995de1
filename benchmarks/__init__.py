"""Accuracy, speed and scale, side by side with peers. Not installed; README.md has the commands."""
