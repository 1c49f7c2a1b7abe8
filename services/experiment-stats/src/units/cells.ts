import { Carry, type CountCell, type CountEvidence, type LatencyCarry, type LatencyCell } from '@slipway/stats';
import type { Arm } from './shares.ts';

type At = { second: number; weight: number };

/** Cells in order of second and weight; one that holds nothing is none. */
class CellList<C extends At> {
  readonly list: C[] = [];
  private readonly make: (at: At) => C;
  private readonly carry: { changed(index: number): void };
  /** @param carry is told which cells are others than before */
  constructor(make: (at: At) => C, carry: { changed(index: number): void }) {
    this.make = make;
    this.carry = carry;
  }

  /** @param change the cell; it says whether anything is left in it */
  change(second: number, weight: number, change: (cell: C) => boolean): void {
    const { list } = this;
    let [from, to] = [0, list.length];
    // Most of what is new is at the end.
    const last = list[to - 1];
    if (last && isBefore(last, second, weight)) from = to;
    while (from < to) {
      const middle = (from + to) >> 1;
      if (isBefore(list[middle] as C, second, weight)) from = middle + 1;
      else to = middle;
    }
    let cell = list[from];
    if (cell?.second !== second || cell.weight !== weight) {
      cell = this.make({ second, weight });
      list.splice(from, 0, cell);
    }
    if (!change(cell)) list.splice(from, 1);
    this.carry.changed(from);
  }
}

const isBefore = (cell: At, second: number, weight: number) =>
  cell.second < second || (cell.second === second && cell.weight < weight);

/** Events by second and chance of the candidate. */
export class CountCells {
  readonly carry = new Carry<CountCell, CountEvidence>();
  private readonly cells = new CellList<CountCell>((at) => ({ ...at, control: 0, candidate: 0 }), this.carry);

  add(second: number, weight: number, arm: Arm, n: number): void {
    this.cells.change(second, weight, (cell) => {
      cell[arm] += n;
      return cell.control !== 0 || cell.candidate !== 0;
    });
  }

  get list(): readonly CountCell[] {
    return this.cells.list;
  }
}

/** Events by what was measured of them, too. */
export class BucketCells {
  readonly carry: LatencyCarry = new Carry();
  private readonly cells: CellList<{ second: number; weight: number; control: number[]; candidate: number[] }>;
  constructor(buckets: number) {
    const none = () => new Array<number>(buckets).fill(0);
    this.cells = new CellList((at) => ({ ...at, control: none(), candidate: none() }), this.carry);
  }

  add(second: number, weight: number, arm: Arm, bucket: number, n: number): void {
    this.cells.change(second, weight, (cell) => {
      cell[arm][bucket] = (cell[arm][bucket] ?? 0) + n;
      return [...cell.control, ...cell.candidate].some((count) => count !== 0);
    });
  }

  get list(): readonly LatencyCell[] {
    return this.cells.list;
  }
}
