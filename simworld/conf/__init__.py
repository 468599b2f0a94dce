"""YAML presets for `simworld train`: they only fill the config dataclasses of `simworld.training`; hydra reads them."""
