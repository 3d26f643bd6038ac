import { describe, expect, it } from 'vitest';
import type { Access } from '../api/types';
import { accessGroups } from './access-groups';

function access(at: string, artefact: string, org_name = 'Demo'): Access {
  return { at, org_name, artefact: artefact as Access['artefact'] };
}

describe('accessGroups', () => {
  it('makes one line of what an organization opened within a minute, in the order of the parts', () => {
    const groups = accessGroups([
      access('2026-11-22T17:01:02.5Z', 'recording.video'),
      access('2026-11-22T17:01:02Z', 'recording.audio'),
      access('2026-11-22T17:01:02Z', 'transcript'),
      access('2026-11-22T17:01:40Z', 'transcript'),
    ]);
    expect(groups).toEqual([
      { at: '2026-11-22T17:01:40Z', org: 'Demo', what: ['the transcript', 'the sound', 'the picture'] },
    ]);
  });

  it('keeps organizations and minutes apart, newest first', () => {
    const groups = accessGroups([
      access('2026-11-22T17:01:59Z', 'ratings'),
      access('2026-11-22T17:02:00Z', 'ratings'),
      access('2026-11-22T17:02:01Z', 'ratings', 'Another'),
    ]);
    expect(groups.map((g) => [g.org, g.at.slice(14, 19)])).toEqual([
      ['Another', '02:01'],
      ['Demo', '02:00'],
      ['Demo', '01:59'],
    ]);
  });

  it('leaves out nothing, also what it has no words for', () => {
    expect(
      accessGroups([access('2026-11-22T17:01:59Z', 'later'), access('2026-11-22T17:01:58Z', 'profile')]),
    ).toMatchObject([{ what: ['the name', 'later'] }]);
    expect(accessGroups([])).toEqual([]);
  });
});
