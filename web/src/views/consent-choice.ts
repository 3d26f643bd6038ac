import type { ConsentName, Consents } from '../api/types';

/** Assessment reads the transcript: taking that away takes assessment with it. */
export function withChoice(chosen: Consents, name: ConsentName, on: boolean): Consents {
  const next = { ...chosen, [name]: on };
  return next.transcription ? next : { ...next, assessment: false };
}
