import { room as words } from '../text';
import type { InVoice } from './use-voice';

/** Whether the question is said aloud, again and at all. */
export function RoomVoiceControls(props: { voice: InVoice }) {
  const { voice } = props;
  const note = voice.said === 'silent' ? words.voiceSilent : voice.said === 'waiting' ? words.voiceWaits : '';
  return (
    <div class="stage-voice" data-testid="room-voice-state" data-state={voice.said}>
      <button
        type="button"
        class="button button-quiet"
        onClick={voice.repeat}
        disabled={voice.off}
        data-testid="room-repeat"
      >
        {words.repeat} <kbd>R</kbd>
      </button>
      <button
        type="button"
        class="button button-quiet"
        onClick={voice.toggle}
        aria-pressed={!voice.off}
        data-testid="room-voice"
      >
        {voice.off ? words.voiceOn : words.voiceOff}
      </button>
      <p class="quiet" role="status">
        {note}
      </p>
    </div>
  );
}
