import { room as words } from '../text';
import type { InVoice } from './use-voice';

/** Whether the question is said aloud, again and at all. */
export function RoomVoiceControls(props: { voice: InVoice }) {
  const { voice } = props;
  return (
    <div class="stage-voice" data-testid="room-voice-state" data-state={voice.said}>
      <button
        type="button"
        class="button button-quiet"
        onClick={voice.repeat}
        disabled={voice.off || !voice.can}
        data-testid="room-repeat"
      >
        {words.repeat} <kbd>R</kbd>
      </button>
      <button type="button" class="button button-quiet" onClick={voice.toggle} data-testid="room-voice">
        {voice.off ? words.voiceOn : words.voiceOff}
      </button>
      <p class="quiet" role="status">
        {noteOf(voice)}
      </p>
    </div>
  );
}

function noteOf(voice: InVoice): string {
  if (voice.byProgram && !voice.off) return words.voiceProgram;
  if (voice.said === 'silent') return words.voiceSilent;
  return voice.said === 'waiting' ? words.voiceWaits : '';
}
