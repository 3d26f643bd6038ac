import { useState } from 'preact/hooks';
import type { RoomState, SpokenCaption } from '../room/core';
import { room as words } from '../text';
import { SpokenWord } from '../ui/spoken-word';

/** The last two lines: the newest clear, the older one dim. */
const SHOWN = 2;

export function RoomCaptions(props: { state: RoomState }) {
  const [hidden, setHidden] = useState(false);
  const { captions, consents, turn } = props.state;
  if (consents && !consents.transcription) {
    return <p class="captions-none">{words.captionsOff}</p>;
  }
  const lines = captions.slice(-SHOWN);
  const waiting = turn?.phase === 'answering' || turn?.phase === 'preparing';
  if (!waiting && lines.length === 0) return null;
  return (
    <section class="captions" aria-label={words.captions}>
      {!hidden && (
        <div aria-live="polite" class="captions-lines">
          {lines.length === 0 && waiting && <p class="caption caption-empty">{words.captionsEmpty}</p>}
          {lines.map((line) => (
            <p
              key={`${line.epoch}-${line.sequence}`}
              class={line.failed ? 'caption caption-failed' : 'caption'}
              data-testid={line.failed ? 'caption-failed' : 'caption'}
            >
              {line.failed ? line.text : <CaptionWords caption={line} />}
            </p>
          ))}
        </div>
      )}
      <button
        type="button"
        class="button button-quiet"
        onClick={() => setHidden(!hidden)}
        aria-pressed={hidden}
      >
        {hidden ? words.showCaptions : words.hideCaptions}
      </button>
    </section>
  );
}

function CaptionWords(props: { caption: SpokenCaption }) {
  const { text, doubtful, repaired } = props.caption;
  return (
    <>
      {text.split(' ').map((word, i) => (
        <SpokenWord
          key={i}
          text={word}
          doubtful={doubtful?.includes(i) === true}
          heard={repaired?.find((r) => r.word === i)?.heard}
        />
      ))}
    </>
  );
}
