"""Playing without a window: the same session, as fast as the world goes, into a video. Imports no Pygame."""

import time
from functools import partial

from simworld.client import worlds
from simworld.client.given_start import read_start
from simworld.client.options import PlayOptions
from simworld.client.pacer import Pacer
from simworld.client.player import Nobody, WorldItself
from simworld.client.replay import Replay
from simworld.client.requests import Answer, Ready, Reset
from simworld.client.session import Session, draw_seed
from simworld.client.stats import Stats
from simworld.client.video import Video
from simworld.client.wander import Wanderer
from simworld.client.worker import Worker

FALLBACK_FRAMES = 600
"""Half a minute: what is played where nothing else is said."""
_PATIENCE_SECONDS = 0.5


def play_headless(options: PlayOptions, started: float) -> Stats:
    """Play `options.frames` pictures (600 unless given) into `options.out` (play.mp4 unless given): the wanderer with
    `options.bot`, the world itself with `options.auto`, a recording's actions with `options.replay`, else nobody, standing
    still. `started`: when play began. Raises as `app.play`; Ctrl+C keeps what has been played.
    """
    stats, given = Stats(started), read_start(options.image, options.panorama, options.video)
    path = options.out or "play.mp4"
    replay = Replay(options.replay) if options.replay else None
    num_frames = options.frames or (len(replay) + 1 if replay else FALLBACK_FRAMES)
    video = Video(path, options.scale)
    worker = Worker(partial(worlds.make, options), ahead=True)
    seed = draw_seed() if options.seed is None else options.seed
    player = replay or (WorldItself() if options.auto else Wanderer(seed) if options.bot else Nobody())

    def hear(answer: Answer) -> None:
        if isinstance(answer, Ready) and replay is not None:
            replay.type = session.set_prompt
            session.begin(replay.start(worlds.title(options), answer.takes_pictures))
            session.seed = replay.seed

    begin = None if replay else Reset(seed, options.prompt, given)
    session = Session(worker, player, Pacer(interval=0), stats, begin=begin, say=print, hear=hear)
    try:
        with video:
            while stats.pictures < num_frames:
                picture = session.tick(time.perf_counter())
                if picture is None:
                    worker.wait(min(_PATIENCE_SECONDS, session.wait(time.perf_counter())))
                    continue
                video.write(picture.frame)
                session.shown(picture, time.perf_counter())
    except KeyboardInterrupt:
        pass
    finally:
        worker.close()
    if stats.pictures:
        print(f"{path}: {stats}; seed {session.seed}")
    return stats
