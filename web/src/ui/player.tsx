import type { Ref } from 'preact';
import { useEffect, useImperativeHandle, useRef, useState } from 'preact/hooks';
import { app, report as words } from '../text';

export interface PlayerHandle {
  playFrom: (ms: number, untilMs?: number) => void; // without an end it goes on
}

const FIRST_PICTURE_S = 0.001;

export interface PlayerProps {
  src: string;
  captions: string | null;
  video: boolean;
  onTime: (ms: number) => void;
  handle: Ref<PlayerHandle>;
}

/**
 * A plain media element. When it goes, or gets another source, the old source and its buffer are
 * dropped at once: what is no longer shared must not stay in the page.
 */
export function Player(props: PlayerProps) {
  const ref = useRef<HTMLMediaElement | null>(null);
  const until = useRef<number | null>(null);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    setFailed(false);
    element.src = props.src;
    return () => {
      element.pause();
      element.removeAttribute('src');
      for (const track of element.querySelectorAll('track')) track.remove();
      element.load();
    };
  }, [props.src, props.video]);
  useImperativeHandle(
    props.handle,
    () => ({
      playFrom: (ms: number, untilMs?: number) => {
        const element = ref.current;
        if (!element) return;
        until.current = untilMs ?? null;
        element.currentTime = ms / 1000;
        void element.play().catch(() => undefined); // said by the error event
      },
    }),
    [],
  );
  const again = () => {
    const element = ref.current;
    if (!element) return;
    const at = element.currentTime;
    setFailed(false);
    element.load();
    element.currentTime = at;
  };
  const shared = {
    controls: true,
    preload: 'metadata' as const,
    onTimeUpdate: () => {
      const ms = (ref.current?.currentTime ?? 0) * 1000;
      props.onTime(ms);
      if (until.current === null || ms < until.current) return;
      until.current = null;
      ref.current?.pause();
    },
    onPause: () => {
      until.current = null; // whoever plays on by hand hears all of it
    },
    // A browser may show black until it plays: a seek of nothing makes it fetch the first picture.
    onLoadedMetadata: () => {
      const element = ref.current;
      if (props.video && element && element.currentTime === 0) element.currentTime = FIRST_PICTURE_S;
    },
    onError: () => ref.current?.hasAttribute('src') && setFailed(true),
    'data-testid': 'report-video',
  };
  const track = props.captions ? (
    <track kind="captions" srcLang="en" label={words.transcript} src={props.captions} />
  ) : null;
  const take = (element: HTMLMediaElement | null) => {
    ref.current = element;
  };
  return (
    <div class="player">
      {props.video ? (
        <video {...shared} ref={take} playsInline aria-label={words.player}>
          {track}
        </video>
      ) : (
        <div class="player-sound">
          <p class="player-sound-words">{words.soundOnly}</p>
          <audio {...shared} ref={take} aria-label={words.player}>
            {track}
          </audio>
        </div>
      )}
      {failed && (
        <p class="note note-error note-row" role="alert">
          {words.playFailed}
          <button type="button" class="button" onClick={again}>
            {app.retry}
          </button>
        </p>
      )}
    </div>
  );
}
