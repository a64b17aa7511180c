"""The data dictionary, and the reading and checking of tables that follow from it."""
