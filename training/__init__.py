"""Recording, importing and streaming gameplay; training and evaluating worlds."""
