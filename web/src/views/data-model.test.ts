import { describe, expect, it } from 'vitest';
import type { AICall, Holding, SessionAccess } from '../api/types';
import { amount, askedFor, howLong, modelOf, seenGroups, whatWasAsked, whatWasOpened } from './data-model';

const look = (at: string, session: string, artefact: string, org_name = 'Demo'): SessionAccess => ({
  at,
  org_name,
  session,
  role_title: `Role ${session}`,
  artefact: artefact as SessionAccess['artefact'],
});

const holding = (change: Partial<Holding>): Holding => ({
  thing: 'recordings',
  class: 'interview',
  count: 2,
  from: 'the end of the interview',
  ...change,
});

const call = (change: Partial<AICall>): AICall => ({
  for: 'rating',
  model: 'judge-1',
  session: 's',
  role_title: 'Go engineer',
  times: 1,
  ...change,
});

describe('who has seen it', () => {
  it('keeps interviews apart that were opened in the same minute, the newest first', () => {
    const groups = seenGroups([
      look('2026-11-22T17:01:02Z', 'a', 'ratings'),
      look('2026-11-22T17:01:03Z', 'a', 'transcript'),
      look('2026-11-22T17:01:04Z', 'b', 'ratings'),
      look('2026-11-22T18:00:00Z', 'a', 'recording.audio', 'Other'),
    ]);
    expect(groups.map((g) => [g.org, g.session, g.what.length])).toEqual([
      ['Other', 'a', 1],
      ['Demo', 'b', 1],
      ['Demo', 'a', 2],
    ]);
    expect(groups.map(whatWasOpened)[2]).toBe('opened the levels and the transcript of Role a');
  });

  it('has words for an interview that was erased', () => {
    const erased = { ...look('2026-11-22T17:01:02Z', 'a', 'ratings'), role_title: '' };
    expect(seenGroups([erased]).map(whatWasOpened)).toEqual([
      'opened the levels of an interview that was erased',
    ]);
  });
});

describe('what is held', () => {
  it('has a size only where it has one', () => {
    expect(amount(holding({ bytes: 4_100_000 }))).toBe('2 · 4.1 MB');
    expect(amount(holding({}))).toBe('2');
    expect(amount(holding({ thing: 'profile', count: 1 }))).toBe('');
  });

  it('says the day once its time runs, and the rule before', () => {
    const since = '2026-11-22T12:00:00Z';
    expect(howLong(holding({ since, until: '2028-11-22T12:00:00Z', kept: 'P2Y' }))).toBe(
      'Since 22 Nov 2026, until 22 Nov 2028.',
    );
    expect(howLong(holding({ since, kept: 'P2Y' }))).toBe(
      'Since 22 Nov 2026. Kept for 2 years from the end of the interview.',
    );
    expect(howLong(holding({}))).toBe('Kept without a limit of time.');
  });
});

describe('models that were asked', () => {
  it('names the place where there is one, and what for', () => {
    expect(modelOf(call({ place: 'ai.example' }))).toBe('judge-1 at ai.example');
    expect(modelOf(call({}))).toBe('judge-1');
    expect(askedFor(call({ for: 'transcription', times: 1 }))).toBe('wrote down 1 passage');
    expect(askedFor(call({ for: 'transcription', times: 12 }))).toBe('wrote down 12 passages');
    expect(whatWasAsked(call({}))).toBe('was asked for a level, in Go engineer');
    expect(whatWasAsked(call({ role_title: '' }))).toBe(
      'was asked for a level, in an interview that was erased',
    );
    expect(askedFor(call({}))).not.toBe(askedFor(call({ for: 'evidence' })));
  });
});
