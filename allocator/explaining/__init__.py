"""Why there is no plan, or why a wish is missed: what clashes, what is missing, and the ways out."""
