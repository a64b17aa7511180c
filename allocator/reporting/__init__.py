"""What a plan looks like on disk and on the screen."""
