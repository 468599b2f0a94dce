"""YAML presets for `simworld train`: they only fill the typed config dataclasses of `simworld.training`; read with hydra."""
