import { useState } from 'preact/hooks';
import type { PartialCaption, RoomState, SpokenCaption } from '../room/core';
import { room as words } from '../text';
import { SpokenWord } from '../ui/spoken-word';

/** The last two lines: the newest clear, the older one dim. What is being said is one of them. */
const SHOWN = 2;

export function RoomCaptions(props: { state: RoomState }) {
  const [hidden, setHidden] = useState(false);
  const { captions, consents, partial, turn } = props.state;
  if (consents && !consents.transcription) {
    return <p class="captions-none">{words.captionsOff}</p>;
  }
  const lines = captions.slice(partial ? 1 - SHOWN : -SHOWN);
  const phase = turn?.phase;
  const waiting =
    phase === 'preparing' || phase === 'answering' || phase === 'thinking' || phase === 'probing';
  if (!waiting && lines.length === 0 && !partial) return null;
  return (
    <section class="captions" aria-label={words.captions}>
      {!hidden && (
        <div class={partial ? 'captions-lines captions-running' : 'captions-lines'}>
          {/* Only whole lines are read aloud: what is being said changes while it is read. */}
          <div aria-live="polite" class="captions-whole">
            {lines.length === 0 && waiting && !partial && (
              <p class="caption caption-empty">{words.captionsEmpty}</p>
            )}
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
          {partial && <Running partial={partial} />}
        </div>
      )}
      <button type="button" class="button button-quiet" onClick={() => setHidden(!hidden)}>
        {hidden ? words.showCaptions : words.hideCaptions}
      </button>
    </section>
  );
}

function Running(props: { partial: PartialCaption }) {
  return (
    <p class="caption caption-running" aria-hidden="true" data-testid="caption-partial">
      {props.partial.stable} <span class="caption-guess">{props.partial.unstable}</span>
    </p>
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
