type Evidence<C> = { add(cell: C): void; copy(): unknown };

/** Cells of so many last seconds may well change: they are not yet taken as they are. */
const OPEN_SECONDS = 60;

/**
 * Evidence of cells in order of second that is carried from look to look: what has not changed since is not folded
 * again. The result is that of folding all cells, to the last digit, whichever of them changed.
 */
export class Carry<C extends { second: number }, E extends Evidence<C>> {
  private folded: { evidence: E; cells: number; key: string } | undefined;

  /** @param index of the first cell that is another one than at the last call */
  changed(index: number): void {
    if (this.folded && index < this.folded.cells) this.folded = undefined;
  }

  /**
   * @param key names what `make` makes: evidence that was carried under another one is not used
   * @param make evidence of no cell
   */
  evidence(cells: readonly C[], key: string, make: () => E): E {
    if (this.folded?.key !== key) this.folded = { evidence: make(), cells: 0, key };
    const { folded } = this;
    const open = (cells.at(-1)?.second ?? 0) - OPEN_SECONDS;
    while (folded.cells < cells.length && (cells[folded.cells] as C).second < open)
      folded.evidence.add(cells[folded.cells++] as C);
    const evidence = folded.evidence.copy() as E;
    for (let i = folded.cells; i < cells.length; i++) evidence.add(cells[i] as C);
    return evidence;
  }
}

/** Cells with what is carried of their evidence; where nothing is, they are folded anew. */
export const carriedOr = <C extends { second: number }, E extends Evidence<C>>(
  carry: Carry<C, E> | undefined,
  cells: readonly C[],
  key: string,
  make: () => E,
): E => (carry ?? new Carry<C, E>()).evidence(cells, key, make);
