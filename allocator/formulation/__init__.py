"""The mathematics: families of columns and rules."""
