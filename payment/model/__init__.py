"""What a payment is and how it changes. Pure: a model checker runs over exactly these functions."""
