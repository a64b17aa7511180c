"""The commands, one module for each group of them; nothing heavy is imported before it is needed."""
