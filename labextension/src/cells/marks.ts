/** What a cell is to `flash build`: a tag, or a comment in its first lines. The build itself says what is wrong with one. */

export type Role = '' | 'setup' | 'init' | 'handler' | 'test' | 'skip';

export interface Mark {
  readonly role: Role;
  /** Of a handler; empty where it has none. */
  readonly name: string;
}

export interface RoleText {
  readonly role: Role;
  readonly label: string;
  readonly help: string;
}

export const ROLES: readonly RoleText[] = [
  { role: '', label: 'Not marked', help: 'What a handler needs of it is taken if it is code.' },
  { role: 'setup', label: 'Setup', help: 'Imports, constants and helpers: the top of the module.' },
  { role: 'init', label: 'Init', help: 'Runs once a worker, before its first request: loads the model.' },
  {
    role: 'handler',
    label: 'Handler',
    help: 'Answers requests: the names it reads are inputs, what it binds is the output.'
  },
  { role: 'test', label: 'Test', help: 'Is run against the bundle, and not shipped.' },
  { role: 'skip', label: 'Skip', help: 'Is left out, even where a handler needs it.' }
];

const PREFIX = 'flash:';
/** A comment that only names files for the bundle gives the cell no role. */
const COMMENT = /^#\s*\|\s*(flash\b(?!:?\s*include=)|export\b):?\s*(\w*)(?:.*\sname=(\w+))?/;
const REMOTE_COMMENT = /^\s*#[ \t]*\|[ \t]*remote(?![\w-])[ \t]*:?(.*)$/;
const REMOTE_MAGIC = /^%%remote(?![\w-])(.*)$/;

/** The marks that tags say: one in a cell that is right. A role that does not exist is kept as it is written. */
export function marksOf(tags: readonly string[]): { role: string; name: string }[] {
  return tags
    .filter(tag => tag.startsWith(PREFIX))
    .map(tag => {
      const [role = '', ...name] = tag.slice(PREFIX.length).split(':');
      return { role, name: name.join(':') };
    });
}

/** The tags of a cell with this mark: its other tags stay, in their order. */
export function withMark(tags: readonly string[], mark: Mark): string[] {
  const kept = tags.filter(tag => !tag.startsWith(PREFIX));
  return mark.role === '' ? kept : [...kept, tagOf(mark)];
}

/** A mark as a tag; only a handler has a name. */
export function tagOf(mark: { role: string; name: string }): string {
  return PREFIX + mark.role + (mark.role === 'handler' && mark.name !== '' ? `:${mark.name}` : '');
}

/** The comment that marks the cell, as it stands there; empty where there is none. */
export function commentOf(source: string): string {
  return firstComments(source).find(line => COMMENT.test(line)) ?? '';
}

/** The names that a cell has as a handler: none where it is no handler, an empty one where it is not named. */
export function handlerNames(tags: readonly string[], source: string): string[] {
  const [, key, word, name = ''] = COMMENT.exec(commentOf(source)) ?? [];
  const marks = [...marksOf(tags), { role: key === 'flash' ? word : '', name }];
  return marks.filter(mark => mark.role === 'handler').map(mark => mark.name);
}

/** The options of a remote cell, as its magic or its comment says them; null for a cell that runs here. */
export function remoteOf(source: string): string | null {
  const comment = firstComments(source).flatMap(line => REMOTE_COMMENT.exec(line)?.[1] ?? []);
  const code = source.split('\n').find(line => line.trim() !== '' && !line.trimStart().startsWith('#'));
  const said = REMOTE_MAGIC.exec(code?.trim() ?? '')?.[1] ?? comment[0];
  return said === undefined ? null : said.trim();
}

/** The comments before the first line of code. */
function firstComments(source: string): string[] {
  const lines = source.split('\n').map(line => line.trim());
  const code = lines.findIndex(line => line !== '' && !line.startsWith('#'));
  return (code < 0 ? lines : lines.slice(0, code)).filter(line => line !== '');
}

export interface BadgeText {
  readonly text: string;
  readonly title: string;
  readonly wrong: boolean;
}

/** What stands above a cell: that it runs on a worker, and its role in the build. */
export function badgesOf(tags: readonly string[], source: string): BadgeText[] {
  const badges: BadgeText[] = [];
  const remote = remoteOf(source);
  if (remote !== null) {
    badges.push({ text: remote === '' ? 'remote' : `remote · ${remote}`, title: 'Runs on a worker', wrong: false });
  }
  const marks = marksOf(tags);
  const comment = commentOf(source);
  for (const mark of marks) {
    const known = ROLES.find(each => each.role === mark.role && each.role !== '');
    const text = mark.name === '' ? mark.role : `${mark.role} · ${mark.name}`;
    badges.push({
      text,
      title: known?.help ?? 'There is no such role',
      wrong: known === undefined || marks.length > 1
    });
  }
  if (comment !== '') {
    badges.push({ text: comment.replace(/^#\s*\|\s*/, ''), title: 'Marked by its comment', wrong: false });
  }
  return badges;
}
