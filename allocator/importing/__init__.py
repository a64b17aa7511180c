"""First models from what other systems export."""
