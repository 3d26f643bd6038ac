import { describe, expect, it } from 'vitest';
import { commandKey, type KeyPress } from './use-keys';

/** A press while an element of this kind has the focus. */
function press(key: string, focus: string, change: Partial<KeyPress> = {}): KeyPress {
  const target = { closest: (selector: string) => (selector.split(', ').includes(focus) ? {} : null) };
  const plain = { repeat: false, isComposing: false, ctrlKey: false, altKey: false, metaKey: false };
  return { key, ...plain, defaultPrevented: false, target, ...change };
}

describe('single keys', () => {
  it.each([' ', 'r', 'R', 'h', 'm'])('%j is a command when nothing has the focus', (key) => {
    expect(commandKey(press(key, 'body'), true, false)).toBe(key.toLowerCase());
    expect(commandKey({ ...press(key, ''), target: null }, true, false)).toBe(key.toLowerCase());
  });

  it.each([
    'button',
    'select',
    'input',
    'textarea',
    'a',
    'summary',
    'audio',
    'video',
    '[contenteditable]',
  ])('none is while %s has the focus', (focus) => {
    for (const key of [' ', 'r', 'h', 'm']) expect(commandKey(press(key, focus), true, false)).toBeNull();
  });

  it.each([
    'repeat',
    'isComposing',
    'ctrlKey',
    'altKey',
    'metaKey',
    'defaultPrevented',
  ] as const)('none is with %s', (name) => {
    expect(commandKey(press('m', 'body', { [name]: true }), true, false)).toBeNull();
  });

  it('none is when they are off, or a dialog is open', () => {
    expect(commandKey(press(' ', 'body'), false, false)).toBeNull();
    expect(commandKey(press(' ', 'body'), true, true)).toBeNull();
  });
});
