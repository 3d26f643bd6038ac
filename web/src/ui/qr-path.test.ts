import { describe, expect, it } from 'vitest';
import { qrPath } from './qr-path';

describe('qrPath', () => {
  it('draws each run of dark modules once, inside the quiet zone', () => {
    expect(qrPath(['1101', '0000', '0111'])).toBe('M4 4h2v1h-2zM7 4h1v1h-1zM5 6h3v1h-3z');
  });

  it('covers as many modules as are dark', () => {
    const rows = ['1110001', '1010101', '0000000', '1111111'];
    const dark = rows.join('').replaceAll('0', '').length;
    const drawn = [...qrPath(rows).matchAll(/h(\d+)v1/g)].reduce((sum, m) => sum + Number(m[1]), 0);
    expect(drawn).toBe(dark);
  });

  it('draws nothing of nothing', () => {
    expect(qrPath([])).toBe('');
  });
});
