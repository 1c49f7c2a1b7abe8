/**
 * Lines of a table.
 * @param widths characters of each column; a negative one is flush right
 */
export const columns =
  (...widths: number[]) =>
  (...cells: string[]): string =>
    cells
      .map((cell, i) => {
        const width = widths[i] ?? 0;
        return width < 0 ? cell.padStart(-width) : cell.padEnd(width);
      })
      .join('');

export const percent = (x: number): string => `${(100 * x).toFixed(1)} %`;
