"""The reference block game: the default source of gameplay and the ground truth that the dream is measured against."""
