import { describe, expect, it } from 'vitest';
import { ApiError } from '../api/client';
import { isShut } from './shut';

const failed = (status: number) => new ApiError({ status, detail: 'No.' });

describe('a session', () => {
  it.each([
    ['that is held', { held_at: '2026-11-01T00:00:00Z' }, null, true],
    ['that is gone', {}, failed(404), true],
    ['that is locked', undefined, failed(423), true],
    ['that is open', {}, null, false],
    ['that is still loading', undefined, null, false],
    ['of a server that is away', {}, failed(0), false],
    ['of a server that is busy', undefined, failed(503), false],
  ])('%s', (_, session, error, shut) => {
    expect(isShut(session, error)).toBe(shut);
  });
});
