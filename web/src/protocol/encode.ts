import type { FromPage } from './messages';

/** Writes one message for the server. */
export function encodeMessage(message: FromPage): string {
  return JSON.stringify(message);
}
