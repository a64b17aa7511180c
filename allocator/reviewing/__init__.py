"""Reviews: what happened against what was planned, and the rest of the year planned again."""
