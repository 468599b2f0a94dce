"""The client: a Pygame window (or a video file) in which a person (or a wanderer) plays any world. See `app.play`."""
