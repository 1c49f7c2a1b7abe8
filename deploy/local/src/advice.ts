/** An error that one sentence explains: it says what to do. */
export class Advice extends Error {
  override name = 'Advice';
}
