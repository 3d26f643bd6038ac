import { describe, expect, it } from 'vitest';
import type { Authorization, CutOff } from '../api/types';
import { Earlier } from './sharing-records';

const ended = { id: 'a', state: 'withdrawn', org_name: 'Org', purpose: 'hiring', scopes: ['ratings'] };
const cut: CutOff = { at: '1', org_name: 'Org', stream: 'media', cause: 'superseded', after_ms: 9 };

describe('what was earlier', () => {
  it.each([
    ['a record that ended', [ended as Authorization], [], true],
    ['a cut-off, though every record stands', [], [cut], true],
    ['nothing', [], [], false],
  ])('%s', (_, list, cutOffs, shown) => {
    expect(Earlier({ list, cutOffs }) !== null).toBe(shown);
  });
});
