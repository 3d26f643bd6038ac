import { describe, expect, it } from 'vitest';
import type { Session } from '../api/types';
import { emptyRoom, type RoomState } from '../room/core';
import { firstPage, safeNext } from '../state';
import { room as words } from '../text';
import {
  addDays,
  bytes,
  clock,
  countdown,
  dateTime,
  endOfDay,
  isoDay,
  listed,
  period,
  spoken,
} from '../ui/format';
import { withChoice } from './consent-choice';
import { noticeParts } from './notice-text';
import { passwordRules } from './password-rules';
import { announcement, connectionSentence, endReason, markWords, phaseLabel } from './room-words';
import { nextStep, sessionPath } from './steps';

const none = { recording: false, transcription: false, assessment: false };

function session(id: string, state: Session['state'], created_at = '2026-01-01T00:00:00Z'): Session {
  const asked = { role: 'r', role_title: 'R', mode: 'practice', questions: 4, takes: 3 } as const;
  return { id, state, ...asked, consents: none, created_at };
}

describe('consent choices', () => {
  it('assessment falls with the transcription that it reads', () => {
    const both = withChoice(withChoice(none, 'transcription', true), 'assessment', true);
    expect(both).toEqual({ recording: false, transcription: true, assessment: true });
    expect(withChoice(both, 'transcription', false)).toEqual(none);
    expect(withChoice(none, 'assessment', true)).toEqual(none);
  });
});

describe('noticeParts', () => {
  it('makes headings and paragraphs of plain text', () => {
    expect(noticeParts('Before.\r\n\r\n# One\n\nFirst\nline.\n\n\nSecond.\n\n# Two\nClose.')).toEqual([
      { heading: null, paragraphs: ['Before.'] },
      { heading: 'One', paragraphs: ['First line.', 'Second.'] },
      { heading: 'Two', paragraphs: ['Close.'] },
    ]);
  });
  it('never makes markup of markup', () => {
    expect(noticeParts('<b># not a heading</b>')[0]?.paragraphs).toEqual(['<b># not a heading</b>']);
    expect(noticeParts('  \n\n ')).toEqual([]);
  });
});

describe('passwordRules', () => {
  const unmet = (password: string, email = '') =>
    passwordRules(password, email)
      .filter((r) => !r.met)
      .map((r) => r.id);
  it.each([
    ['', '', ['min', 'email']],
    ['fourteen chars', '', ['min']],
    ['fifteen chars..', '', []],
    ['😀'.repeat(14), '', ['min']], // a person counts 14
    ['x'.repeat(129), '', ['max']],
    ['Somebody@Example.org', 'somebody@example.org', ['email']],
  ])('%s', (password, email, want) => {
    expect(unmet(password, email)).toEqual(want);
  });
});

describe('steps', () => {
  it.each([
    ['scheduled', '/sessions/a/consent'],
    ['consented', '/sessions/a/devices'],
    ['live', '/sessions/a/room'],
    ['ended', '/sessions/a/report'],
    ['assessed', '/sessions/a/report'],
    ['abandoned', '/sessions/a/report'],
  ] as const)('%s leads to %s', (state, want) => {
    expect(sessionPath(session('a', state))).toBe(want);
  });

  it('puts an open interview before a newer report, and a newer report before an older', () => {
    const old = session('old', 'live', '2026-01-01T00:00:00Z');
    const new1 = session('new1', 'assessed', '2026-02-01T00:00:00Z');
    const new2 = session('new2', 'ended', '2026-03-01T00:00:00Z');
    expect(nextStep([new1, old, new2])).toEqual({ session: old, kind: 'live' });
    expect(nextStep([new1, new2])).toEqual({ session: new2, kind: 'report' });
    expect(nextStep([session('x', 'abandoned')])).toBeNull();
  });
});

describe('the way back after a log-in', () => {
  it.each([
    ['/home', '/home'],
    ['/sessions/a/report?x=1', '/sessions/a/report?x=1'],
    [undefined, '/else'],
    ['https://evil.example', '/else'],
    ['//evil.example', '/else'],
    ['/\\evil.example', '/else'],
    ['javascript:alert(1)', '/else'],
  ])('%s leads to %s', (next, want) => {
    expect(safeNext(next, '/else')).toBe(want);
  });
  it('begins where the account belongs', () => {
    const account = { id: '', email: '', display_name: '', second_factor: 'on' as const };
    expect(firstPage({ ...account, kind: 'employer' })).toBe('/org');
    expect(firstPage(null)).toBe('/');
  });
});

describe('connectionSentence', () => {
  const state = (change: Partial<RoomState>): RoomState => ({ ...emptyRoom, ...change });
  const say = words.connection;
  it.each([
    [{ link: 'connecting' }, say.connecting, false],
    [{ link: 'open', peer: 'connecting' }, say.media, false],
    [{ link: 'open', peer: 'connected' }, say.good, false],
    [{ link: 'open', peer: 'lost' }, say.lost, true],
    [
      { link: 'open', peer: 'connected', received: { audio: 'missing', video: 'off' } },
      say.missingAudio,
      true,
    ],
    [
      { link: 'open', peer: 'connected', received: { audio: 'receiving', video: 'missing' } },
      say.missingVideo,
      true,
    ],
    [{ link: 'open', peer: 'connected', received: { audio: 'muted', video: 'off' } }, say.good, false],
    [{ link: 'reconnecting', attempt: 3, peer: 'connected' }, say.reconnecting(3), true],
    [
      { link: 'open', program: 'sending', received: { audio: 'receiving', video: 'off' } },
      say.program,
      false,
    ],
    [
      { link: 'open', program: 'sending', received: { audio: 'off', video: 'off' } },
      say.programMissing,
      true,
    ],
    [{ link: 'open', program: 'stopped', peer: 'none' }, say.programStopped, true],
    [{ link: 'reconnecting', attempt: 1, program: 'sending' }, say.reconnecting(1), true],
    [{ link: 'closed' }, say.closed, true],
  ] as const)('%o', (change, want, bad) => {
    expect(connectionSentence(state(change))).toEqual({ words: want, bad });
  });

  it('knows why the room is left', () => {
    expect(endReason(state({ ended: 'taken_over', link: 'closed' }))).toBe('taken_over');
    expect(endReason(state({ link: 'closed' }))).toBe('gone');
    expect(endReason(state({ link: 'open' }))).toBeNull();
    const problem = { code: 'bad_version', message: '', fatal: true };
    expect(endReason(state({ link: 'closed', problem }))).toBeNull();
  });
});

describe('recording mark', () => {
  it('has the time only while it runs', () => {
    expect(markWords({ state: 'on', elapsedMs: 252_900 })).toBe('Recording 4:12');
    expect(markWords({ state: 'delayed', elapsedMs: 0 })).toBe('Recording, stored later 0:00');
    expect(markWords({ state: 'failed', elapsedMs: 5 })).toBe('Not being recorded');
    expect(markWords({ state: 'unknown' })).toBe('Checking the recording');
  });
});

describe('announcement', () => {
  it.each([
    [31_000, 30_000, 30],
    [30_000, 29_000, 0],
    [12_000, 4_000, 5], // a tab that slept says only the newest
    [5_200, 4_900, 5],
    [4_900, 30_000, 0], // the next question
    [null, 5_000, 0],
    [6_000, null, 0],
  ])('from %s to %s', (before, now, seconds) => {
    expect(announcement(before, now)).toBe(seconds === 0 ? '' : words.announce(seconds));
  });
});

describe('format', () => {
  it('times', () => {
    expect([clock(0), clock(252_999), clock(3_852_000), clock(-5)]).toEqual([
      '0:00',
      '4:12',
      '1:04:12',
      '0:00',
    ]);
    expect([countdown(9_001), countdown(1), countdown(0)]).toEqual(['0:10', '0:01', '0:00']);
    expect([spoken(252_000), spoken(61_000), spoken(0)]).toEqual([
      '4 minutes 12 seconds',
      '1 minute 1 second',
      '0 seconds',
    ]);
    expect(dateTime('nonsense')).toBe('');
  });
  it('days', () => {
    expect(isoDay(addDays(new Date(2026, 0, 31), 30))).toBe('2026-03-02');
    expect(new Date(endOfDay('2026-03-02')).getTime()).toBe(new Date(2026, 2, 2, 23, 59, 59).getTime());
  });
  it.each([
    ['P2Y', '2 years'],
    ['P1Y', '1 year'],
    ['PT24H', '24 hours'],
    ['P1Y6M', '1 year and 6 months'],
    ['P30D', '30 days'],
    ['', ''],
    ['2 years', ''],
  ])('the period %s is "%s"', (iso, want) => {
    expect(period(iso)).toBe(want);
  });

  it('sizes and lists', () => {
    expect([bytes(999), bytes(1_834_000), bytes(5_838_000_000)]).toEqual(['999 B', '1.8 MB', '5.8 GB']);
    expect([listed([]), listed(['a']), listed(['a', 'b', 'c'])]).toEqual(['', 'a', 'a, b and c']);
  });
});

describe('phaseLabel', () => {
  const at = (turn: Partial<NonNullable<RoomState['turn']>>): RoomState => ({
    ...emptyRoom,
    turn: { phase: 'answering', total: 2, at: 0, ...turn },
  });
  it.each([
    [{ phase: 'preparing' }, words.thinking],
    [{ phase: 'answering' }, words.answering],
    [{ phase: 'probing' }, words.probing],
    [{ phase: 'answering', held_ms: 1000 }, words.heldLabel],
    [{ phase: 'reviewing', remaining_ms: 1000 }, words.ending],
    [{ phase: 'reviewing' }, null],
    [{ phase: 'waiting' }, null],
  ] as const)('names the clock of %j', (turn, want) => {
    expect(phaseLabel(at(turn))).toBe(want);
  });
});
