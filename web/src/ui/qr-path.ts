/** Modules of light around the code, without which a camera does not find it (ISO 18004, 6.3.8). */
export const quietZone = 4;

/** One SVG path of all dark modules: each run of them in a row is one rectangle. */
export function qrPath(rows: readonly string[]): string {
  return rows
    .flatMap((row, y) =>
      [...row.matchAll(/1+/g)].map((run) => {
        const length = run[0].length;
        return `M${run.index + quietZone} ${y + quietZone}h${length}v1h-${length}z`;
      }),
    )
    .join('');
}
