"""Networks, sampler and checkpoints: torch and einops only; knows no file format of gameplay, no window, no environment."""
