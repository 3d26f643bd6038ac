/// <reference types="vite/client" />
import { describe, expect, it } from 'vitest';
import css from './styles.css?raw';

// WCAG 2.2: text 4.5:1 (1.4.3), what a control or a graphic is known by 3:1 (1.4.11), for every pair of
// tokens that the style sheet puts together, in both schemes.

type Tokens = Record<string, string>;

/** The colour tokens of one rule of the style sheet. */
function tokensOf(selector: string): Tokens {
  const begin = css.indexOf(`${selector} {`);
  const block = css.slice(begin, css.indexOf('}', begin));
  return Object.fromEntries([...block.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map((m) => [m[1], m[2]]));
}

const schemes: Record<string, Tokens> = {
  light: tokensOf(':root'),
  dark: tokensOf(':root[data-theme="dark"]'),
};

type Rgb = [number, number, number];

function rgb(hex: string): Rgb {
  const at = (i: number) => Number.parseInt(hex.slice(i, i + 2), 16);
  return [at(1), at(3), at(5)];
}

/** A colour at an opacity over another. */
function over(top: Rgb, below: Rgb, opacity: number): Rgb {
  const mix = (i: 0 | 1 | 2) => top[i] * opacity + below[i] * (1 - opacity);
  return [mix(0), mix(1), mix(2)];
}

/** WCAG's relative luminance and contrast ratio. */
function luminance(colour: Rgb): number {
  const part = (value: number) => {
    const c = value / 255;
    return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * part(colour[0]) + 0.7152 * part(colour[1]) + 0.0722 * part(colour[2]);
}

function contrast(a: Rgb, b: Rgb): number {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

const pages = ['paper', 'raised'];

/** Text by the grounds it stands on. */
const texts: Record<string, string[]> = {
  ink: [...pages, 'sunken', 'line', 'accent-soft', 'danger-soft', 'needs-soft'],
  'ink-soft': [...pages, 'sunken', 'accent-soft', 'danger-soft', 'needs-soft'],
  accent: [...pages, 'sunken', 'accent-soft', 'needs-soft', 'danger-soft'],
  'accent-ink': ['accent'],
  danger: [...pages, 'danger-soft', 'needs-soft'],
  needs: [...pages, 'accent-soft'],
};

/** Borders, marks and rings by what they are seen against. */
const shapes: Record<string, string[]> = {
  control: [...pages, 'sunken'],
  accent: [...pages, 'sunken', 'accent-soft'],
  danger: pages,
  'needs-line': [...pages, 'needs-soft'],
  ink: ['paper', 'line'],
};

const pairs = (of: Record<string, string[]>) =>
  Object.entries(of).flatMap(([on, grounds]) => grounds.map((ground) => [on, ground] as const));

describe.each(Object.entries(schemes))('the %s scheme', (name, tokens) => {
  const colour = (token: string): Rgb => {
    const hex = tokens[token];
    if (!hex) throw new Error(`${name} has no --${token}`);
    return rgb(hex);
  };

  it.each(pairs(texts))('text %s on %s', (text, ground) => {
    expect(contrast(colour(text), colour(ground))).toBeGreaterThanOrEqual(4.5);
  });

  it.each(pairs(shapes))('shape %s on %s', (shape, ground) => {
    expect(contrast(colour(shape), colour(ground))).toBeGreaterThanOrEqual(3);
  });

  it.each(pages)('a pressed-looking primary button on %s stays readable', (page) => {
    const hover = (token: string) => over(colour(token), colour(page), 0.9);
    expect(contrast(hover('accent-ink'), hover('accent'))).toBeGreaterThanOrEqual(4.5);
  });
});

describe('the style sheet', () => {
  it('has one dark scheme, however it is chosen', () => {
    expect(tokensOf(':root:not([data-theme="light"])')).toEqual(schemes.dark);
    expect(Object.keys(schemes.dark ?? {})).toEqual(Object.keys(schemes.light ?? {}));
  });

  it('takes every colour from a token', () => {
    const rules = css.replace(/\/\*.*?\*\//gs, '').replace(/^\s*--[\w-]+: .*;$/gm, '');
    // A code that cameras read is the same in both schemes; black is behind a picture.
    expect([...rules.matchAll(/#[0-9a-f]{3,8}\b/g)].map((m) => m[0])).toEqual(['#ffffff', '#000000', '#000']);
  });

  it('knows the measure by its ends', () => {
    expect(contrast(rgb('#000000'), rgb('#ffffff'))).toBeCloseTo(21);
    expect(contrast(rgb('#767676'), rgb('#ffffff'))).toBeCloseTo(4.54, 2);
  });
});
