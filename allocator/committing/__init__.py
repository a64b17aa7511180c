"""Bottom-up: what units and reps have offered, beside what they are asked for."""
