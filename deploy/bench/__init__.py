"""How fast the shop is and what a purchase costs: buyers, what they see, what the processes spend on it."""
